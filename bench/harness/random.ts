/** A cheap generator with a seed: every run does the same work, and drawing a key costs the load next to nothing. */
import type { Random } from '../../base/index.ts'

/** Mulberry32 (Tommy Ettinger, public domain). */
export function seededRandom(seed = 1): Random {
  let state = seed >>> 0
  const u32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return { u32, bytes: (length) => Uint8Array.from({ length }, () => u32() & 0xff) }
}
