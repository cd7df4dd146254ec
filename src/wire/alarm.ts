/**
 * One timer for many deadlines, and the delay between attempts: the timing of everything that retries.
 */
import { fraction } from '../../base/index.ts'
import type { Clock, Random, Scheduler, Timer } from '../../base/index.ts'

/** The least time between two rings, so that many close deadlines cost one scan. */
const granularityMs = 1

/** Rings once for the earliest time that was asked for; the listener then says when to ring next. */
export class Alarm {
  private readonly clock: Clock
  private readonly scheduler: Scheduler
  private readonly ring: (nowMs: number) => number
  private timer: Timer | undefined
  private ringAtMs = Infinity

  /** `ring` gets the monotonic time and returns the next time to ring at, or Infinity. */
  constructor(clock: Clock, scheduler: Scheduler, ring: (nowMs: number) => number) {
    this.clock = clock
    this.scheduler = scheduler
    this.ring = ring
  }

  /** Rings at `timeMs` (monotonic) or before. */
  by(timeMs: number, nowMs: number): void {
    if (timeMs >= this.ringAtMs) return
    this.timer?.cancel()
    this.ringAtMs = timeMs
    this.timer = this.scheduler.after(Math.max(granularityMs, timeMs - nowMs), this.fire)
  }

  /** Forgets everything asked for. */
  cancel(): void {
    this.timer?.cancel()
    this.timer = undefined
    this.ringAtMs = Infinity
  }

  private readonly fire = (): void => {
    this.timer = undefined
    this.ringAtMs = Infinity
    const nowMs = this.clock.monotonicMs()
    const nextMs = this.ring(nowMs)
    if (nextMs < Infinity) this.by(nextMs, nowMs)
  }
}

/** Exponential delays with jitter: each is uniform between half of and the whole current step, 10 ms to 500 ms. */
export class Backoff {
  static readonly leastMs = 10
  static readonly mostMs = 500
  private readonly random: Random
  private stepMs = Backoff.leastMs

  constructor(random: Random) {
    this.random = random
  }

  /** The delay before the next attempt; the one after it will be twice as long. */
  nextMs(): number {
    const stepMs = this.stepMs
    this.stepMs = Math.min(stepMs * 2, Backoff.mostMs)
    return stepMs * (0.5 + fraction(this.random) / 2)
  }

  /** An attempt succeeded: start from the least delay again. */
  reset(): void {
    this.stepMs = Backoff.leastMs
  }
}
