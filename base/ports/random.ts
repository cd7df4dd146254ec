/** Randomness as a port, so that a seed replays a run. */

/** A source of uniform random numbers. */
export interface Random {
  /** A uniform integer in [0, 2^32). */
  u32(): number
  /** `length` uniform bytes; unpredictable in the system adapter. */
  bytes(length: number): Uint8Array
}

/** A uniform integer in [0, bound). */
export function below(random: Random, bound: number): number {
  return Math.floor((random.u32() / 0x1_0000_0000) * bound)
}

/** A uniform fraction in [0, 1). */
export function fraction(random: Random): number {
  return random.u32() / 0x1_0000_0000
}
