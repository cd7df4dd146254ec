/**
 * One way to measure everything: tinybench calls a case until a time is over, a case does a known number of operations per
 * call, and every figure is per operation.
 */
import { Bench } from 'tinybench'
import { systemClock } from '../../base/index.ts'

/** Something to measure. */
export interface Case {
  /** `module.operation/key=value,...`: names stay the same from version to version, so that results can be compared. */
  readonly name: string
  /** Operations in one call of `run`. Short operations need many, because reading the clock costs some 50 ns. */
  readonly ops: number
  readonly run: () => void | Promise<void>
  /** Before each call, outside the measured time. */
  readonly before?: () => void | Promise<void>
  /** After each call, outside the measured time. */
  readonly after?: () => void | Promise<void>
}

/** What came of a case. Times are in nanoseconds per operation. */
export interface Row {
  readonly name: string
  readonly medianNs: number
  /** Of the calls' means: with many operations per call the tail of a single one does not show. */
  readonly p99Ns: number
  readonly perSecond: number
  /** Bytes allocated per operation, heap and array buffers; undefined when the garbage collector is out of reach. */
  readonly bytes: number | undefined
}

/** Measures one case after another. */
export type Measure = (subject: Case) => Promise<void>

/** A named group of cases; it opens what they need, measures them, and closes it. */
export interface Subject {
  readonly name: string
  readonly run: (measure: Measure) => Promise<void>
}

/** How long a case is measured. */
export interface MeasureOptions {
  readonly timeMs: number
  readonly warmupMs: number
}

const callsMin = 20
const allocationCalls = 7

/** Measures one case. Rethrows what the case throws. */
export async function measureCase(subject: Case, options: MeasureOptions): Promise<Row> {
  const { name, ops, run, before, after } = subject
  const bench = new Bench({
    time: options.timeMs,
    iterations: callsMin,
    warmupTime: options.warmupMs,
    warmupIterations: callsMin,
    now: () => systemClock.monotonicMs(),
    throws: true,
  })
  bench.add(name, run, {
    ...(before === undefined ? {} : { beforeEach: () => before() }),
    ...(after === undefined ? {} : { afterEach: () => after() }),
  })
  await bench.run()
  const result = bench.tasks[0]?.result
  if (result?.state !== 'completed') throw new Error(`${name} was not measured: ${result?.state ?? 'no result'}`)
  const { p50, p99, mean } = result.latency
  const bytes = await allocatedBytes(subject)
  return { name, medianNs: (p50 * 1e6) / ops, p99Ns: (p99 * 1e6) / ops, perSecond: (ops * 1000) / mean, bytes }
}

/** Calls in which a collection ran in between show too little, so the median of a few calls is taken. */
async function allocatedBytes({ ops, run, before, after }: Case): Promise<number | undefined> {
  const collect = (globalThis as { readonly gc?: () => void }).gc
  if (collect === undefined) return undefined
  const grown: number[] = []
  for (let call = 0; call < allocationCalls; call++) {
    await before?.()
    collect()
    const start = memoryBytes()
    await run()
    grown.push(memoryBytes() - start)
    await after?.()
  }
  grown.sort((a, b) => a - b)
  return Math.max(0, (grown[allocationCalls >> 1] as number) / ops)
}

function memoryBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
