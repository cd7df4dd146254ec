/**
 * How late the event loop runs: the age of ticks when they happen. A leader that was late by an election timeout may have been
 * deposed without knowing, so it confirms itself with a heartbeat round before it serves anything.
 */
import type { Clock } from '../../base/index.ts'

const windowMs = 60_000

/** Keeps the last and the worst lateness of about a minute. */
export class Lateness {
  private readonly clock: Clock
  private windowStartMs: number
  private worstBeforeMs = 0
  private worstNowMs = 0
  /** Lateness of the last tick. */
  lastMs = 0

  constructor(clock: Clock) {
    this.clock = clock
    this.windowStartMs = clock.monotonicMs()
  }

  add(lateMs: number): void {
    const nowMs = this.clock.monotonicMs()
    if (nowMs - this.windowStartMs > windowMs) {
      this.worstBeforeMs = this.worstNowMs
      this.worstNowMs = 0
      this.windowStartMs = nowMs
    }
    this.lastMs = lateMs
    this.worstNowMs = Math.max(this.worstNowMs, lateMs)
  }

  /** The worst of this window and the one before. */
  get worstMs(): number {
    return Math.max(this.worstBeforeMs, this.worstNowMs)
  }
}
