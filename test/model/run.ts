/**
 * The model test at length: `npm run model -- --runs 10000 [--seed N] [--only embedded]`. Half of the sequences are played on an
 * embedded node and half on a client. Ends with `N passed, N failed`.
 */
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { play } from './play.ts'
import { sequence } from './steps.ts'
import { openTarget } from './targets.ts'
import type { TargetKind } from './targets.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10000' }, seed: { type: 'string' }, only: { type: 'string' } },
})
const runs = Number(values.runs)
const seed = Number(values.seed ?? Date.now() % 0x7fff_ffff)
const kinds = (['embedded', 'remote'] as const).filter((kind) => values.only === undefined || values.only === kind)
/** A target is replaced now and then, so that no sequence depends on many before it. */
const playsOfTarget = 200
let passed = 0
let steps = 0

async function test(kind: TargetKind, count: number): Promise<void> {
  let target = await openTarget(kind, seed)
  let played = 0
  const startedMs = Date.now()
  const result = await fc.check(
    fc.asyncProperty(sequence, async (drawn) => {
      if (played++ % playsOfTarget === playsOfTarget - 1) target = await openTarget(kind, `${seed}/${played}`)
      steps += drawn.length
      const difference = await play(target, drawn)
      if (difference !== undefined) throw new Error(difference)
      if (played % 500 === 0)
        print(`${kind}: ${played} of ${count} after ${Math.round((Date.now() - startedMs) / 1000)} s`)
    }),
    { numRuns: count, seed },
  )
  passed += result.failed ? result.numRuns - 1 : result.numRuns
  if (!result.failed) return
  failed++
  print(`${kind}, seed ${seed}: ${fc.defaultReportMessage(result)}`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

let failed = 0
for (const kind of kinds) await test(kind, Math.ceil(runs / kinds.length))
print(`${steps} steps, seed ${seed}`)
print(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
