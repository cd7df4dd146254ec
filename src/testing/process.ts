/**
 * A simulated process: a clock, a scheduler, and the power to be killed and stopped.
 *
 * Everything that enters a process (timers, turns, completions of its disk, frames) enters through its scheduler. So when it
 * is killed none of its code ever runs again, and when it is paused (as by SIGSTOP) all of it happens at the resumption,
 * in order, while its clocks went on.
 */
import type { Clock, Scheduler } from '../../base/index.ts'
import type { Lane, VirtualEvent, VirtualTime } from './virtual-time.ts'

/** How the clocks of a process differ from true time. */
export interface Skew {
  /** Local milliseconds per true millisecond, near 1. */
  readonly rate: number
  /** Wall clock ahead of the true one. */
  readonly wallOffsetMs: number
}

/** One life of a process: its time ports. */
export interface Life {
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** Hands something from outside to the process, `delayMs` of true time from now. Dropped if the life is over by then. */
  enter(kind: string, delayMs: number, run: () => void): void
}

/** A timer that waits at all waits so long: what is left by rounding must not let time stand still. */
const timerMsMin = 0.001
const wallStartMs = 1_750_000_000_000

/** A process, in one life after the other. */
export class VirtualProcess {
  readonly name: string
  paused = false
  private readonly time: VirtualTime
  private readonly skew: Skew
  /** How far the wall clock was set, beside what the skew says. */
  private wallJumpMs = 0
  private readonly lane: Lane = { atMs: -1, tie: 0 }
  /** What would have happened during the pause. */
  private held: VirtualEvent[] = []
  private lives = 0

  constructor(name: string, time: VirtualTime, skew: Skew = { rate: 1, wallOffsetMs: 0 }) {
    this.name = name
    this.time = time
    this.skew = skew
  }

  /** Begins a new life; what belongs to the one before is over. */
  begin(): Life {
    this.end()
    const life = this.lives
    const { time, skew } = this
    const jumpMs = (): number => this.wallJumpMs
    const bornMs = time.nowMs
    const plan = (kind: string, delayMs: number, run: () => void): VirtualEvent =>
      this.plan(life, kind, time.nowMs + Math.max(delayMs, 0), run)
    return {
      clock: {
        monotonicMs: () => (time.nowMs - bornMs) * skew.rate,
        wallMs: () => wallStartMs + skew.wallOffsetMs + jumpMs() + time.nowMs * skew.rate,
      },
      scheduler: {
        after(delayMs, run) {
          const event = plan('timer', (delayMs > 0 ? Math.max(delayMs, timerMsMin) : 0) / skew.rate, run)
          return { cancel: () => (event.cancelled = true) }
        },
        endOfTurn: (run) => void plan('turn', 0, run),
      },
      enter: (kind, delayMs, run) => void plan(kind, delayMs, run),
    }
  }

  /** Plans something about the process that happens whatever state it is in. */
  outside(delayMs: number, run: () => void): void {
    this.time.plan({ atMs: -1, tie: 0 }, this.time.nowMs + delayMs, run)
  }

  /** Sets the wall clock forward or back. */
  setWallClock(byMs: number): void {
    this.wallJumpMs += byMs
  }

  /** Kills the process. */
  end(): void {
    this.lives++
    this.paused = false
    this.held = []
  }

  pause(): void {
    this.paused = true
  }

  /** Goes on; what was held happens now, before anything newer. */
  resume(): void {
    if (!this.paused) return
    this.paused = false
    const { nowMs } = this.time
    const { held } = this
    this.held = []
    for (const event of held) {
      this.time.plan(this.lane, nowMs, () => {
        if (!event.cancelled) event.run()
      })
    }
  }

  private plan(life: number, kind: string, atMs: number, run: () => void): VirtualEvent {
    const event = this.time.plan(this.lane, atMs, () => {
      if (life !== this.lives) return
      if (this.paused) {
        this.held.push(event)
        return
      }
      this.time.trace.add(this.time.nowMs, this.name, kind)
      run()
    })
    return event
  }
}
