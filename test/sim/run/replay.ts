/** One run, told to a reader. */
import { describeKnobs, knobsOf, minimize, simulate } from '../../../src/testing/index.ts'
import type { Simulation, SimulationOptions } from '../../../src/testing/index.ts'

interface ReplayOptions {
  readonly trace: boolean
  readonly log: boolean
  readonly minimize: boolean
}

const keptEvents = 5_000_000

/** Replays a seed; the exit code. */
export async function replay(seed: number, given: SimulationOptions, options: ReplayOptions): Promise<number> {
  let simulation = given
  if (options.minimize) {
    const least = await minimize(seed, given, print)
    if (least === undefined) {
      print(`seed ${seed} does not fail`)
      return 0
    }
    simulation = { ...given, ...least }
    print(`after ${least.runs} runs: --only ${[...least.only].join(',')} --knobs '${JSON.stringify(least.knobs)}'`)
  }
  for (const line of describeKnobs(knobsOf(seed, simulation.knobs))) print(line)
  print('')
  const run = await simulate(seed, {
    ...simulation,
    note: print,
    ...(options.log ? { log: print } : {}),
    ...(options.trace ? { keepEvents: keptEvents } : {}),
  })
  if (options.trace) for (const line of run.trace.tail(keptEvents)) print(line)
  print('')
  for (const one of run.violations) print(`BROKEN ${one}`)
  print(summary(run))
  return run.violations.length === 0 ? 0 : 1
}

/** A run in one line. */
function summary({ seed, trace, facts, violations }: Simulation): string {
  const told = Object.entries(facts).map(([name, value]) => `${name} ${value}`)
  return `seed ${seed} ${violations.length === 0 ? 'ok' : 'FAILED'}, trace ${trace.hash}, ${told.join(', ')}`
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
