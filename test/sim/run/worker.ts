/** Runs one seed after the other, in this process or as a child of the one that counts. */
import { simulate } from '../../../src/testing/index.ts'
import type { CoverageList } from '../../../src/testing/index.ts'

/** What is kept of a run. */
export interface SeedResult {
  readonly seed: number
  readonly violations: readonly string[]
  readonly virtualMs: number
  readonly operations: number
  readonly answers: number
  readonly cpuMs: number
  readonly coverage: CoverageList
}

/** One seed in so many is run twice, and must be the same run. */
const twiceEvery = 50
const violationsKept = 10

/** Runs one seed. */
export async function runSeed(seed: number): Promise<SeedResult> {
  const before = process.cpuUsage()
  const run = await simulate(seed)
  const violations = run.violations.slice(0, violationsKept)
  if (seed % twiceEvery === 0 && (await simulate(seed)).trace.hash !== run.trace.hash) {
    violations.push('run: the same seed gave another run')
  }
  const { user, system } = process.cpuUsage(before)
  const { virtualMs = 0, operations = 0, answers = 0 } = run.facts
  return { seed, violations, virtualMs, operations, answers, cpuMs: (user + system) / 1000, coverage: run.coverage }
}

/** Takes seeds from the parent process, one at a time, and sends back what they came to. */
export function work(): void {
  // Traces of stacks cost much and are only wanted when a seed is replayed.
  Error.stackTraceLimit = 0
  process.on('message', (seed: number) => {
    void runSeed(seed).then((result) => process.send?.(result))
  })
  process.on('disconnect', () => process.exit())
}
