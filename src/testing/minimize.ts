/** Makes the fault schedule of a failing run smaller: which faults does it take, and does the rest of the run matter? */
import type { Knobs } from './knobs.ts'
import { simulate } from './simulation.ts'
import type { Simulation, SimulationOptions } from './simulation.ts'

/** What is left of a failing run. */
export interface Minimized {
  readonly knobs: Partial<Knobs>
  readonly only: ReadonlySet<number>
  /** Runs that it took. */
  readonly runs: number
}

/** Knobs that make a run simpler, one by one. */
const simpler: readonly Partial<Knobs>[] = [
  { reconfigure: false },
  { operatorPauseMs: [1e9, 1e9] },
  { cancelRate: 0, hurryRate: 0 },
  { coreFirst: false },
  { blackoutAtEnd: false },
  { skew: 0 },
  { sessions: 10_000 },
  { clients: 1, workers: 1 },
]

/**
 * Looks for the fewest faults with which a seed still breaks one of the same promises (delta debugging, Zeller), after
 * it has taken away what else can be. `told` hears of every step, `run` stands for {@link simulate}. Undefined when the seed
 * does not fail at all.
 */
export async function minimize(
  seed: number,
  options: SimulationOptions,
  told: (line: string) => void,
  run: (seed: number, options: SimulationOptions) => Promise<Pick<Simulation, 'broken' | 'planned'>> = simulate,
): Promise<Minimized | undefined> {
  let runs = 1
  const first = await run(seed, options)
  const promises = new Set(first.broken.map(({ property }) => property))
  if (promises.size === 0) return undefined
  const fails = async (knobs: Partial<Knobs>, only: readonly number[]): Promise<boolean> => {
    runs++
    const { broken } = await run(seed, { ...options, knobs, only: new Set(only) })
    return broken.some(({ property }) => promises.has(property))
  }
  let faults = first.planned.map(({ number }) => number)
  let knobs: Partial<Knobs> = options.knobs ?? {}
  for (const change of simpler) {
    if (!(await fails({ ...knobs, ...change }, faults))) continue
    knobs = { ...knobs, ...change }
    told(`still fails with ${JSON.stringify(change)}`)
  }
  for (let parts = 2; faults.length > 0 && parts <= faults.length * 2;) {
    const smaller = await firstFailing(faults, parts, (only) => fails(knobs, only))
    if (smaller === undefined) {
      parts *= 2
    } else {
      faults = smaller
      parts = Math.max(2, parts - 1)
      told(`${faults.length} faults: ${faults.join(', ')}`)
    }
  }
  return { knobs, only: new Set(faults), runs }
}

/** The faults without one of `parts` parts, if the run still fails without it. */
async function firstFailing(
  faults: readonly number[],
  parts: number,
  fails: (only: readonly number[]) => Promise<boolean>,
): Promise<number[] | undefined> {
  const size = Math.ceil(faults.length / parts)
  for (let at = 0; at < faults.length; at += size) {
    const rest = [...faults.slice(0, at), ...faults.slice(at + size)]
    if (await fails(rest)) return rest
  }
  return undefined
}
