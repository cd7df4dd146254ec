/**
 * Runs many seeds, each twice: `npm run sim:seeds -- --from 0 --count 200 [--once] [--log]`. Ends with a line `N passed, N failed`.
 */
import { parseArgs } from 'node:util'
import { firstDifference, simulate } from '../../src/testing/index.ts'

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '0' },
    count: { type: 'string', default: '200' },
    once: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
    tail: { type: 'string', default: '0' },
    members: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '3' },
    faultsMs: { type: 'string', default: '8000' },
    everyMs: { type: 'string', default: '500' },
  },
})
const from = Number(values.from)
const plain = {
  reconfigure: values.members,
  nodes: Number(values.nodes),
  faultsMs: Number(values.faultsMs),
  everyMs: Number(values.everyMs),
}
const options = values.log ? { ...plain, log: (line: string) => print(line) } : plain
let passed = 0
let failed = 0

for (let seed = from; seed < from + Number(values.count); seed++) {
  const run = await simulate(seed, options)
  const wrong = [...run.violations]
  const again = values.once ? run : await simulate(seed, plain)
  const difference = firstDifference(run.trace, again.trace)
  if (difference !== undefined) wrong.push(difference)
  if (wrong.length === 0) passed++
  else failed++
  const facts = Object.entries(run.facts).map(([name, value]) => `${name} ${value}`)
  print(`seed ${seed} ${wrong.length === 0 ? 'ok' : 'FAILED'} ${run.trace.hash} ${facts.join(', ')}`)
  for (const one of wrong) print(`  ${one}`)
  if (wrong.length > 0) for (const line of run.trace.tail(Number(values.tail))) print(`    ${line}`)
}

print(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
