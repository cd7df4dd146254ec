/**
 * Hybrid logical clock (Kulkarni et al. 2014): 48 bits of wall milliseconds and a 16-bit tick. It never goes back and is always
 * above everything its owner has seen, so its order respects causality; between concurrent events it follows the wall clocks.
 *
 * A time is kept as two 32-bit halves, because 64 bits fit no JavaScript integer: `high` is the upper half, `low` the lower
 * one shifted down by 2^31. Compare `high` first.
 */

/** The largest wall time, in milliseconds. */
export const maxWallMs: number = 2 ** 48 - 1
const ticks = 0x1_0000
const half = 2 ** 31

/** The upper 32 bits of a time. */
export function timeHigh(wallMs: number): number {
  return Math.floor(wallMs / ticks)
}

/** The lower 32 bits of a time, shifted to a signed integer. */
export function timeLow(wallMs: number, tick: number): number {
  return (wallMs % ticks) * ticks + tick - half
}

/** The wall milliseconds of a time. */
export function wallOf(high: number, low: number): number {
  return high * ticks + Math.floor((low + half) / ticks)
}

/** The tick of a time. */
export function tickOf(low: number): number {
  return (low + half) % ticks
}

/** The clock of one replica. */
export class HybridClock {
  private wallMs = 0
  private tick = 0

  get high(): number {
    return timeHigh(this.wallMs)
  }

  get low(): number {
    return timeLow(this.wallMs, this.tick)
  }

  /** A time above every earlier one. `wallMs` is what the wall shows, in whole milliseconds. */
  advance(wallMs: number): void {
    if (wallMs > this.wallMs && wallMs <= maxWallMs) {
      this.wallMs = Math.floor(wallMs)
      this.tick = 0
    } else if (this.tick + 1 < ticks) this.tick++
    else {
      this.wallMs++
      this.tick = 0
    }
  }

  /** Takes note of a time that was seen: later ones will be above it. */
  observe(high: number, low: number): void {
    if (high < this.high || (high === this.high && low <= this.low)) return
    this.wallMs = wallOf(high, low)
    this.tick = tickOf(low)
  }
}
