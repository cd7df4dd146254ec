/** Runs seeds of a bundle in child processes, at low priority and a few at a time. */
import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import type { Climate } from './climates.ts'

/** A seed that ran to its end, or broke its process. */
export interface SeedResult {
  readonly seed: number
  /** Undefined when the process died or was ended. */
  readonly violations: readonly string[] | undefined
}

/** A run that takes longer than this is given up: some mutants spin. */
const seedLimitMs = 120_000
const niceness = Number(process.env['NICENESS'] ?? 10)

/** Runs seeds [from, from + count) until one breaks one of `wanted`; each result as it comes. */
export async function runSeeds(
  bundle: string,
  climate: Climate,
  from: number,
  count: number,
  wanted: readonly string[],
  each: (result: SeedResult) => void,
): Promise<void> {
  let next = from
  let stopped = false
  while (next < from + count && !stopped) {
    const reached = await runChild(
      [bundle, climate, String(next), String(from + count - next), ...wanted],
      (result) => {
        next = result.seed + 1
        stopped = wanted.some(
          (property) => result.violations?.some((text) => text.startsWith(`${property}: `)) === true,
        )
        each(result)
      },
    )
    if (reached === 'end' || stopped || next >= from + count) return
    each({ seed: next, violations: undefined })
    next++
  }
}

function runChild(args: readonly string[], each: (result: SeedResult) => void): Promise<'end' | 'broken'> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--max-semi-space-size=64', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    if (child.pid !== undefined) setPriority(child.pid, niceness)
    const limit = setTimeout(() => child.kill('SIGKILL'), seedLimitMs)
    createInterface({ input: child.stdout }).on('line', (line) => {
      limit.refresh()
      const at = line.indexOf(' ')
      each({ seed: Number(line.slice(0, at)), violations: JSON.parse(line.slice(at + 1)) as string[] })
    })
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(limit)
      resolve(code === 0 ? 'end' : 'broken')
    })
  })
}

/** Runs tasks, `jobs` at a time. */
export async function inParallel<T>(jobs: number, items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < items.length) await run(items[next++] as T)
  }
  await Promise.all(Array.from({ length: jobs }, work))
}
