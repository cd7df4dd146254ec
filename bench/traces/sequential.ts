/** The sequential form: `{startContent, endContent, txns: [{patches}]}`, edits of one person in the order they were made. */
import type { Trace } from './trace.ts'
import { TraceFormatError } from './trace.ts'
import { readPatches, stringAt } from './json.ts'
import { isPlain, sequentialToUnits } from './units.ts'

/** Reads the sequential form; a start content is one more insertion before all others. */
export function readSequential(name: string, file: Readonly<Record<string, unknown>>): Trace {
  const start = stringAt(file, 'startContent')
  const list = file['txns']
  if (!Array.isArray(list)) throw new TraceFormatError('a sequential trace has a list of transactions')
  const edits = list.map((txn: unknown) => readPatches((txn as Record<string, unknown> | null)?.['patches']))
  if (start !== '') edits.unshift([[0, 0, start]])
  const txns = edits.map((patches, at) => ({ replica: 0, parents: at === 0 ? [] : [at - 1], patches }))
  return {
    name,
    replicas: 1,
    txns: isPlain({ txns }) ? txns : sequentialToUnits(txns),
    endContent: stringAt(file, 'endContent'),
  }
}
