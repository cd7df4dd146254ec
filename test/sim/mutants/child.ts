/**
 * The process that runs one bundle: `node BUNDLE CLIMATE FROM COUNT [PROPERTY...]`. It prints a line for each seed, `SEED` and
 * the violations as JSON, and stops after one of the properties.
 */
import { simulate } from '../../../src/testing/simulation.ts'
import { climates } from './climates.ts'
import type { Climate } from './climates.ts'

const knobs = climates[process.argv[2] as Climate]
const [from = 0, count = 0] = process.argv.slice(3, 5).map(Number)
const wanted = process.argv.slice(5)

for (let seed = from; seed < from + count; seed++) {
  const { violations } = await simulate(seed, { knobs })
  // Those that are wanted first: of the others there may be many.
  const caught = violations.filter((text) => wanted.some((property) => text.startsWith(`${property}: `)))
  process.stdout.write(`${seed} ${JSON.stringify([...caught, ...violations].slice(0, 20))}\n`)
  if (caught.length > 0) break
}
