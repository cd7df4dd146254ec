/**
 * What a run in the hostile world is made of: the draws of a seed, and the settings.
 */
import type { RaftConfig } from '../../consensus/index.ts'

/** mulberry32: small, seeded, good enough to draw schedules. */
export function draws(seed: number): (bound: number) => number {
  let state = seed >>> 0
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

/** What kind of group lives in the world. */
export interface Settings {
  readonly nodes: number
  readonly options: Partial<Omit<RaftConfig, 'id' | 'storage' | 'random'>>
  /** All nodes tick together; lease reads assume clocks of about the same rate. */
  readonly lockstep: boolean
  readonly membership: boolean
}
