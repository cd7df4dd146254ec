/**
 * One kind of fault. To add one: its name in `faultKinds` (`reached/rows.ts`), a function of this type in the file of its sort,
 * and that function's name in `standard.ts`.
 */
import type { Cluster } from '../cluster.ts'
import type { SeededRandom } from '../random.ts'
import type { Atlas } from './atlas.ts'

/** What a fault works with. All its draws come from `random`, which belongs to this one strike. */
export interface Strike {
  readonly cluster: Cluster
  readonly atlas: Atlas
  readonly random: SeededRandom
  /** The node it is aimed at. */
  readonly name: string
  /** Does something later, unless the time of faults is over by then. */
  readonly after: (delayMs: number, run: () => void) => void
}

/** Strikes; false when there was nothing to strike at. */
export type Fault = (strike: Strike) => boolean | void

/** Starts a node after a while. */
export function startWithin(strike: Strike, withinMs: number): void {
  const { cluster, name, random } = strike
  strike.after(random.between(5, withinMs), () => cluster.start(name))
}
