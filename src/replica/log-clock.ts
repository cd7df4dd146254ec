/**
 * The log clock: time as the log tells it, for expiry.
 *
 * The leader adds its own monotonic elapsed time, at most `stepMaxMs` (two heartbeat intervals) at a time, so that a pause
 * makes log time late and never early. A follower *sets* its estimate to what heartbeats carry and advances it by
 * its own clock in between, under the same cap. A new leader starts from the larger of its estimate and the newest
 * stamp it has applied: log time is never below that, even if a heartbeat was overtaken by entries on the other link.
 *
 * What holds at all times: no estimate is further ahead of any stamp in the same node's log than the fastest clock runs in
 * the real time since that stamp was made. A leader's time keeps that for the entries the leader has, and only for them: a
 * node whose last entries may be others, which the leader may have outrun before it ever knew them, can be set back by it,
 * but not forward.
 */
import type { Clock } from '../../base/index.ts'

/** One node's view of log time, in whole milliseconds. */
export class LogClock {
  private readonly clock: Clock
  private readonly stepMaxMs: number
  private estimateMs = 0
  /** Newest stamp that was applied. */
  private stampMs = 0
  private readAtMs: number

  constructor(clock: Clock, stepMaxMs: number) {
    this.clock = clock
    this.stepMaxMs = stepMaxMs
    this.readAtMs = clock.monotonicMs()
  }

  /** Log time now. Must be called at least once per tick, or elapsed time beyond the cap is lost (on purpose). */
  now(): number {
    const nowMs = this.clock.monotonicMs()
    this.estimateMs += Math.min(Math.max(nowMs - this.readAtMs, 0), this.stepMaxMs)
    this.readAtMs = nowMs
    return Math.floor(this.estimateMs)
  }

  /** A frame of the current leader carried this log time. `follows`: this node's log is a part of that leader's. */
  heard(logTimeMs: number, follows: boolean): void {
    this.now()
    if (follows || logTimeMs < this.estimateMs) this.set(logTimeMs)
  }

  private set(logTimeMs: number): void {
    this.estimateMs = Math.max(logTimeMs, this.stampMs)
    this.readAtMs = this.clock.monotonicMs()
  }

  /** An entry with this stamp was applied: log time is at least that. */
  applied(stampMs: number): void {
    this.stampMs = Math.max(this.stampMs, stampMs)
    if (stampMs > this.estimateMs) this.set(stampMs)
  }

  /** Another state is in place, with this newest stamp: a follower goes on from it, as from what a leader said. */
  jumped(stampMs: number, leads: boolean): void {
    this.applied(stampMs)
    if (!leads) this.set(stampMs)
  }
}
