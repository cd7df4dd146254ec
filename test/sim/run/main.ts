/**
 * The simulator at the command line.
 *
 * ```
 * npm run sim -- --seed N [--trace] [--log] [--minimize] [--only 3,7] [--knobs JSON]
 * npm run sim -- --runs N [--jobs 2] [--from SEED] [--out FILE] [--minutes M] [--found]
 * ```
 * The first replays one run with a timeline. The second runs fresh seeds, with `--found` after those that once found a bug,
 * prints what they reached, and ends with `N passed, N failed`; with a file it can be broken off and goes on where it was.
 */
import { parseArgs } from 'node:util'
import type { Knobs, SimulationOptions } from '../../../src/testing/index.ts'
import { foundBugs } from '../regressions/seeds.ts'
import { many } from './many.ts'
import { replay } from './replay.ts'
import { work } from './worker.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
    minimize: { type: 'boolean', default: false },
    only: { type: 'string' },
    knobs: { type: 'string' },
    runs: { type: 'string' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    from: { type: 'string' },
    out: { type: 'string' },
    found: { type: 'boolean', default: false },
    worker: { type: 'boolean', default: false },
  },
})

const number = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0) throw new Error(`${text} is not a number`)
  return value
}

const options: SimulationOptions = {
  ...(values.only === undefined ? {} : { only: new Set(values.only.split(',').map(Number)) }),
  ...(values.knobs === undefined ? {} : { knobs: JSON.parse(values.knobs) as Partial<Knobs> }),
}
const seed = number(values.seed)
if (values.worker) {
  work()
} else if (seed !== undefined) {
  process.exitCode = await replay(seed, options, values)
} else if (values.runs !== undefined || values.minutes !== undefined) {
  process.exitCode = await many({
    runs: number(values.runs),
    minutes: number(values.minutes),
    jobs: number(values.jobs) ?? 1,
    from: number(values.from),
    out: values.out,
    known: values.found ? foundBugs.map((bug) => bug.seed) : [],
  })
} else {
  process.stderr.write('give --seed N to replay a run, or --runs N or --minutes M for fresh ones\n')
  process.exitCode = 2
}
