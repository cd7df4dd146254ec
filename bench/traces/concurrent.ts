/**
 * The concurrent form: `{kind: 'concurrent', endContent, txns: [{parents, agent, patches}]}`. Parents are indexes of earlier
 * transactions, agents are numbers.
 */
import { countAt, countsAt, objectsOf, readPatches, stringAt } from './json.ts'
import { splitAgents } from './agents.ts'
import type { Trace } from './trace.ts'
import { TraceFormatError } from './trace.ts'

/** Reads the concurrent form. */
export function readConcurrent(name: string, file: Readonly<Record<string, unknown>>): Trace {
  const read = objectsOf(file['txns'], 'txns').map((txn, at) => {
    const parents = countsAt(txn, 'parents')
    if (parents.some((parent) => parent >= at)) throw new TraceFormatError(`transaction ${at} comes before its parent`)
    return { agent: countAt(txn, 'agent'), sequence: at, parents, patches: readPatches(txn['patches']) }
  })
  const { replicas, replicaOf } = splitAgents(read, (a, b) => a - b)
  const txns = read.map(({ parents, patches }, at) => ({ replica: replicaOf[at] as number, parents, patches }))
  return { name, replicas, txns, endContent: stringAt(file, 'endContent') }
}
