/** What is measured: a workload runs once on one library and gives figures; what it made is checked, not trusted. */
import { systemClock } from '../../base/index.ts'
import type { Library, Replica } from './library.ts'
import type { Trace } from '../traces/trace.ts'

/** Lower is better in all units. */
export type Unit = 'ms' | 'bytes'

/** One number. */
export interface Figure {
  /** `group/what`; the same for every library. */
  readonly name: string
  readonly value: number
  readonly unit: Unit
  /** Reckoned up from a part of the work. */
  readonly scaled?: boolean
}

/** What a workload may use. */
export interface Inputs {
  /** A trace by the name of its file; undefined where the test data is not there. */
  readonly trace: (name: string) => Trace | undefined
  /** A directory of this library that lasts over its processes. */
  readonly scratch: string
  readonly seed: number
}

/** A piece of work, run in a process of its own. */
export interface Workload {
  readonly name: string
  /** How many runs in one process; the median counts. One where a second run would not measure the same. */
  readonly runs: number
  /** Undefined where an input is missing. */
  readonly run: (library: Library, inputs: Inputs) => readonly Figure[] | undefined
}

/** Milliseconds of `work`, after a full garbage collection. */
export function timedMs(work: () => void): number {
  collectGarbage()
  const start = nowMs()
  work()
  return nowMs() - start
}

/** Milliseconds by the wall, or of processor time: on a crowded machine only the latter says anything. */
let nowMs = (): number => systemClock.monotonicMs()

/** Measures processor time of the whole process from now on, helper threads of the engine included. */
export function measureProcessorTime(): void {
  nowMs = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
}

/** The first of some runs, which also pays for compiling the code, and their median. */
export function timedRuns(work: () => void, runs = 5): { readonly firstMs: number; readonly medianMs: number } {
  const all = Array.from({ length: runs }, () => timedMs(work))
  return { firstMs: all[0] ?? 0, medianMs: all.toSorted((a, b) => a - b)[runs >> 1] ?? 0 }
}

/** Collects garbage; benchmarks run with `--expose-gc`. */
export function collectGarbage(): void {
  const { gc } = globalThis as { readonly gc?: () => void }
  if (gc === undefined) throw new Error('run with --expose-gc')
  gc()
}

/** Throws if a library did not do the work. */
export function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`wrong result: ${what}`)
}

/** Runs `work` with the replica, and frees it. */
export function withReplica<T>(replica: Replica, work: (replica: Replica) => T): T {
  try {
    return work(replica)
  } finally {
    replica.free()
  }
}

/**
 * `count` transactions with their updates; where the library is limited, fewer, and the time is reckoned up.
 * Gives the milliseconds, whether they are reckoned, and the bytes of all updates.
 */
export function manyTransactions(
  library: Library,
  replica: Replica,
  count: number,
  edit: (at: number) => void,
): { readonly ms: number; readonly bytes: number; readonly scaled: boolean } {
  const done = Math.min(count, library.transactionsMax ?? count)
  let bytes = 0
  const ms = timedMs(() => {
    for (let at = 0; at < done; at++) bytes += replica.update(() => edit(at)).length
    // a library may put off the work until somebody reads
    replica.text()
  })
  return { ms: (ms * count) / done, bytes: (bytes * count) / done, scaled: done < count }
}
