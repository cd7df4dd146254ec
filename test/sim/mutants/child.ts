/**
 * The process that runs one bundle: `node BUNDLE FROM COUNT [PROPERTY...]`. It prints a line for each seed, `SEED` and the
 * violations as JSON, and stops after one of the properties.
 */
import { simulate } from '../../../src/testing/simulation.ts'

const [from = 0, count = 0] = process.argv.slice(2, 4).map(Number)
const wanted = process.argv.slice(4)

for (let seed = from; seed < from + count; seed++) {
  const { violations } = await simulate(seed)
  process.stdout.write(`${seed} ${JSON.stringify(violations.slice(0, 20))}\n`)
  if (violations.some((text) => wanted.some((property) => text.startsWith(`${property}: `)))) break
}
