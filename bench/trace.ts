/**
 * Replays editing histories and checks the text they end in:
 *
 *   npm run trace -- FILE...
 *
 * Files are JSON in the sequential, the concurrent or the DAG form, plain, gzipped or Brotli-compressed. A sequential history is
 * typed into one document. Of any other, each replica makes its transactions on exactly what their parents tell; then a new
 * document takes in all their updates, shuffled in time as they were. The last line counts histories: `N passed, N failed`.
 */
import { deflateRawSync } from 'node:zlib'
import { nitrostate } from './crdt/libraries/nitrostate.ts'
import { updatesOf } from './crdt/replay.ts'
import { collectGarbage, timedMs } from './crdt/workload.ts'
import type { Replica } from './crdt/library.ts'
import { formatCount, significant } from './harness/markdown.ts'
import { readTraces } from './traces/read.ts'
import { patchesOf, unitsOf } from './traces/trace.ts'
import type { Trace } from './traces/trace.ts'

/** What a file's histories took together. */
interface Totals {
  histories: number
  transactions: number
  patches: number
  units: number
  replayMs: number
  encoded: number
  deflated: number
  loadMs: number
  heap: number
}

const files = process.argv.slice(2)
if (files.length === 0) {
  process.stderr.write('usage: npm run trace -- FILE...\n')
  process.exit(2)
}

let passed = 0
let failed = 0
for (const file of files) {
  let traces: readonly Trace[]
  try {
    traces = readTraces(file)
  } catch (error) {
    failed++
    process.stdout.write(`FAIL ${file}: ${error instanceof Error ? error.message : String(error)}\n`)
    continue
  }
  const totals = emptyTotals()
  const failures: string[] = []
  for (const trace of traces) {
    const failure = replay(trace, totals)
    if (failure === undefined) passed++
    else {
      failed++
      failures.push(`  ${trace.name}: ${failure}\n`)
    }
  }
  process.stdout.write(`${failures.length === 0 ? 'pass' : 'FAIL'} ${file}\n${failures.join('')}${describe(totals)}`)
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
if (failed > 0) process.exitCode = 1

/** Replays one history and adds what it took; gives what is wrong, or undefined. */
function replay(trace: Trace, totals: Totals): string | undefined {
  totals.histories++
  totals.transactions += trace.txns.length
  totals.patches += patchesOf(trace)
  totals.units += unitsOf(trace)
  try {
    const before = heapBytes(trace)
    const replica = trace.replicas === 1 ? typed(trace, totals) : merged(trace, totals)
    const text = replica.text()
    if (text !== trace.endContent) return difference('after the replay', text, trace.endContent)
    totals.heap += Math.max(0, heapBytes(trace) - before)
    return stored(replica, trace, totals)
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

function typed(trace: Trace, totals: Totals): Replica {
  const replica = nitrostate.create(1)
  totals.replayMs += timed(trace, () => {
    replica.transact(() => {
      for (const { patches } of trace.txns) {
        for (const [position, deleted, inserted] of patches) {
          if (deleted > 0) replica.deleteText(position, deleted)
          if (inserted.length > 0) replica.insertText(position, inserted)
        }
      }
    })
    replica.text()
  })
  return replica
}

function merged(trace: Trace, totals: Totals): Replica {
  const { updates, text } = updatesOf(nitrostate, trace)
  if (text !== trace.endContent) throw new Error(difference('of the replicas that wrote it', text, trace.endContent))
  const replica = nitrostate.create(trace.replicas + 1)
  totals.replayMs += timed(trace, () => {
    replica.apply(updates)
    replica.text()
  })
  return replica
}

function stored(replica: Replica, trace: Trace, totals: Totals): string | undefined {
  const [format] = nitrostate.formats
  if (format === undefined) return 'no format'
  const bytes = format.encode(replica)
  totals.encoded += bytes.length
  totals.deflated += deflateRawSync(bytes).length
  let text = ''
  totals.loadMs += timed(trace, () => {
    text = format.load(bytes).text()
  })
  return text === trace.endContent ? undefined : difference('after loading', text, trace.endContent)
}

/** Small histories come by the thousand: no garbage collection before each. */
function timed(trace: Trace, work: () => void): number {
  if (trace.txns.length > 1000) return timedMs(work)
  const start = performance.now()
  work()
  return performance.now() - start
}

function heapBytes(trace: Trace): number {
  if (trace.txns.length <= 1000) return 0
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function difference(where: string, found: string, wanted: string): string {
  let at = 0
  while (at < found.length && found[at] === wanted[at]) at++
  const show = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 20), at + 20))
  return `the text ${where} is not the expected one, from ${at} on: ${show(found)} instead of ${show(wanted)}`
}

function emptyTotals(): Totals {
  return {
    histories: 0,
    transactions: 0,
    patches: 0,
    units: 0,
    replayMs: 0,
    encoded: 0,
    deflated: 0,
    loadMs: 0,
    heap: 0,
  }
}

function describe(totals: Totals): string {
  if (totals.histories === 0) return ''
  const perSecond = (totals.patches * 1000) / totals.replayMs
  const lines = [
    `${formatCount(totals.histories)} histories, ${formatCount(totals.transactions)} transactions, ` +
      `${formatCount(totals.patches)} patches, ${formatCount(totals.units)} characters inserted or deleted`,
    `replay ${significant(totals.replayMs)} ms, ${formatCount(perSecond)} patches/s`,
    `encoded ${formatCount(totals.encoded)} B, deflated ${formatCount(totals.deflated)} B, load ${significant(totals.loadMs)} ms`,
    ...(totals.heap > 0 ? [`memory after the replay ${formatCount(totals.heap)} B`] : []),
  ]
  return lines.map((line) => `  ${line}\n`).join('')
}
