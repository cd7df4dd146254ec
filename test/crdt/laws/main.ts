/**
 * `npm run laws -- [--runs <n>] [--seed <n>] [--only <text>] [--bail]`: tries every law with so many random runs and closes
 * `N passed, N failed`. A law also fails when its histories were hardly ever concurrent.
 */
import { parseArgs } from 'node:util'
import { systemClock, systemRandom } from '../../../base/index.ts'
import { laws } from './all.ts'
import { tryLaw } from './law.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(systemRandom.u32() >>> 1) },
    only: { type: 'string', default: '' },
    bail: { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs)
const seed = Number(values.seed)
const chosen = laws.filter(({ id, type, says }) => `${id.padEnd(4)} ${type}: ${says}`.includes(values.only))
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed) || chosen.length === 0) {
  process.stderr.write('usage: npm run laws -- [--runs <n>] [--seed <n>] [--only <text>] [--bail]\n')
  process.exit(2)
}

process.stdout.write(`${chosen.length} laws, ${runs} runs each, seed ${seed}\n`)
let failed = 0
let passed = 0
for (const law of chosen) {
  const started = systemClock.monotonicMs()
  const { failure, concurrentPairs, floor } = tryLaw(law, runs, seed)
  const took = ((systemClock.monotonicMs() - started) / 1000).toFixed(1).padStart(6)
  const reached = law.concurrentPerRun === 0 ? '' : ` (${concurrentPairs} concurrent pairs, at least ${floor})`
  process.stdout.write(
    `${failure === undefined ? 'pass' : 'FAIL'} ${took} s  ${law.id.padEnd(4)} ${law.type}: ${law.says}${reached}\n`,
  )
  if (failure === undefined) passed++
  else {
    failed++
    process.stdout.write(`${failure.replaceAll(/^/gm, '    ')}\n`)
    if (values.bail) break
  }
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
if (failed > 0) process.exitCode = 1
