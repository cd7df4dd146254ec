/** Many fresh seeds, in this process or in several, with a line of progress. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { Results } from './results.ts'
import { runSeed } from './worker.ts'
import type { SeedResult } from './worker.ts'

/** What to run. */
export interface ManyOptions {
  /** Seeds in all; undefined for as many as fit in `minutes`. */
  readonly runs: number | undefined
  readonly minutes: number | undefined
  /** Processes at a time. */
  readonly jobs: number
  /** The first seed. Default: what the file says, or one that depends on the clock. */
  readonly from: number | undefined
  readonly out: string | undefined
  /** Before the fresh ones: seeds that must pass, whatever they meet today. */
  readonly known: readonly number[]
}

const progressEveryMs = process.stdout.isTTY ? 2_000 : 30_000

/** Runs them; the exit code. */
export async function many(options: ManyOptions): Promise<number> {
  const { runs = Infinity, minutes = Infinity, jobs, out } = options
  const results = new Results(out, options.from ?? Date.now())
  const startedMs = Date.now()
  const before = { runs: results.done.size, virtualMs: results.virtualMs }
  const endsMs = startedMs + minutes * 60_000
  if (before.runs > 0) print(`going on after ${before.runs} runs`)
  const seeds = seedsOf(options, results, endsMs)
  const progress = setInterval(() => print(lineOf(results, runs, startedMs, before)), progressEveryMs)
  const take = (result: SeedResult): void => {
    results.add(result)
    for (const what of result.violations) print(`seed ${result.seed} FAILED ${what}`)
  }
  try {
    if (jobs > 1) await Promise.all(Array.from({ length: jobs }, () => feed(seeds, take)))
    else for (const seed of seeds) take(await runSeed(seed))
  } finally {
    clearInterval(progress)
  }
  return conclude(results, lineOf(results, runs, startedMs, before))
}

/** Seeds that were not run yet. */
function* seedsOf(options: ManyOptions, results: Results, endsMs: number): Generator<number> {
  const { runs = Infinity, known } = options
  yield* known.filter((seed) => !results.done.has(seed))
  for (let seed = results.from; seed < results.from + runs && Date.now() < endsMs; seed++) {
    if (!results.done.has(seed)) yield seed
  }
}

/** Feeds seeds to a child process until there are no more. One that dies has failed its seed, and another takes its place. */
async function feed(seeds: Generator<number>, take: (result: SeedResult) => void): Promise<void> {
  let child: ChildProcess | undefined
  for (let next = seeds.next(); next.done !== true; next = seeds.next()) {
    child ??= fork(process.argv[1] as string, ['--worker'])
    const result = await ask(child, next.value)
    if (result === undefined) child = undefined
    const dead = { violations: ['run: the process died'], virtualMs: 0, operations: 0, answers: 0, cpuMs: 0 }
    take(result ?? { seed: next.value, ...dead, coverage: {} })
  }
  child?.disconnect()
}

function ask(child: ChildProcess, seed: number): Promise<SeedResult | undefined> {
  return new Promise((resolve) => {
    const end = (result: SeedResult | undefined): void => {
      child.off('exit', died)
      child.off('message', answered)
      resolve(result)
    }
    const died = (): void => end(undefined)
    const answered = (result: unknown): void => end(result as SeedResult)
    child.on('exit', died)
    child.on('message', answered)
    child.send(seed)
  })
}

function lineOf(
  results: Results,
  runs: number,
  startedMs: number,
  before: { readonly runs: number; readonly virtualMs: number },
): string {
  const seconds = Math.max(1, Date.now() - startedMs) / 1000
  const done = results.done.size
  const of = runs === Infinity ? '' : ` of ${runs}`
  const rate = ((done - before.runs) / seconds).toFixed(2)
  const real = ((results.virtualMs - before.virtualMs) / 1000 / seconds).toFixed(0)
  const cpu = (results.virtualMs / Math.max(1, results.cpuMs)).toFixed(0)
  return `${done}${of} runs, ${results.failed.length} failed; ${rate} runs/s, ${real}x real time, ${cpu}x per core`
}

function conclude(results: Results, line: string): number {
  const { done, failed, coverage, operations, answers, cpuMs } = results
  for (const row of coverage.table()) print(row)
  print(line)
  const rate = ((100 * answers) / Math.max(1, operations)).toFixed(1)
  print(`seeds ${results.from} to ${Math.max(...done)}, ${(cpuMs / 3_600_000).toFixed(2)} CPU hours`)
  print(`${answers} of ${operations} operations answered (${rate} %)`)
  // Once more, since what they were printed between may be long.
  for (const { seed, violations } of failed) print(`seed ${seed} FAILED ${violations[0]?.split('\n')[0] ?? ''}`)
  if (failed.length > 0) print(`failing seeds: ${failed.map(({ seed }) => seed).join(' ')}`)
  const shortcomings = results.shortcomings()
  for (const one of shortcomings) print(one)
  print(`${done.size - failed.length} passed, ${failed.length + (shortcomings.length > 0 ? 1 : 0)} failed`)
  return failed.length + shortcomings.length === 0 ? 0 : 1
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
