/**
 * The DAG form of conformance sets: a list of histories `{txns: [{span: [from, to], parents, agent, seqStart, ops}],
 * endContent}`. A local version numbers each inserted or deleted code point; `span` is the transaction's, `parents` are single
 * local versions that need not end a transaction, and an agent may be concurrent with itself. An op of `ops` inserts or
 * deletes, never both.
 */
import { splitAgents } from './agents.ts'
import { countAt, countsAt, objectsOf, readPatches, stringAt } from './json.ts'
import type { Patch, Trace } from './trace.ts'
import { TraceFormatError } from './trace.ts'
import { codePoints } from './units.ts'

interface Span {
  readonly agent: string
  sequence: number
  from: number
  to: number
  readonly parents: readonly number[]
  readonly ops: readonly Patch[]
}

/** Reads one history of the list. */
export function readDag(name: string, file: Readonly<Record<string, unknown>>): Trace {
  const spans = objectsOf(file['txns'], 'txns').map(readSpan)
  const pieces = cutAtParents(spans)
  // local version of a piece's end -> its index
  const ends = new Map(pieces.map(({ to }, at) => [to - 1, at]))
  const made = pieces.map(({ agent, sequence, parents }, at) => ({
    agent,
    sequence,
    parents: parents.map((version) => {
      const parent = ends.get(version)
      if (parent === undefined || parent >= at) throw new TraceFormatError(`version ${version} comes after its child`)
      return parent
    }),
  }))
  const { replicas, replicaOf } = splitAgents(made, (a, b) => (a < b ? -1 : Number(a > b)))
  const txns = pieces.map(({ ops }, at) => ({
    replica: replicaOf[at] as number,
    parents: made[at]?.parents ?? [],
    patches: ops,
  }))
  return { name, replicas, txns, endContent: stringAt(file, 'endContent') }
}

function readSpan(txn: Readonly<Record<string, unknown>>): Span {
  const [from = 0, to = 0] = countsAt(txn, 'span')
  const ops = readPatches(txn['ops'])
  for (const [, deleted, inserted] of ops) {
    if (deleted > 0 === inserted.length > 0) throw new TraceFormatError('an op either inserts or deletes')
  }
  if (ops.reduce((sum, op) => sum + lengthOf(op), 0) !== to - from) {
    throw new TraceFormatError(`the span from ${from} to ${to} is not as long as its ops`)
  }
  const { agent } = txn
  if (typeof agent !== 'string' && typeof agent !== 'number') throw new TraceFormatError('an agent has a name')
  return { agent: String(agent), sequence: countAt(txn, 'seqStart'), from, to, parents: countsAt(txn, 'parents'), ops }
}

/** Local versions that an op takes. */
function lengthOf([, deleted, inserted]: Patch): number {
  return deleted + codePoints(inserted)
}

/** Spans in pieces, so that every version that is somebody's parent ends a piece. */
function cutAtParents(spans: readonly Span[]): Span[] {
  const parents = [...new Set(spans.flatMap((span) => span.parents))].sort((a, b) => a - b)
  let next = 0
  return spans.flatMap((span) => {
    while (next < parents.length && (parents[next] as number) < span.from) next++
    const cuts: number[] = []
    for (let at = next; at < parents.length && (parents[at] as number) < span.to - 1; at++) {
      cuts.push((parents[at] as number) + 1)
    }
    return cut(span, cuts)
  })
}

function cut(span: Span, cuts: readonly number[]): Span[] {
  const pieces: Span[] = []
  let rest = span
  for (const at of cuts) {
    const [before, after] = splitOps(rest.ops, at - rest.from)
    pieces.push({ ...rest, to: at, ops: before })
    rest = { ...rest, from: at, sequence: rest.sequence + (at - rest.from), parents: [at - 1], ops: after }
  }
  pieces.push(rest)
  return pieces
}

/** The first `length` local versions of ops, and the others. */
function splitOps(ops: readonly Patch[], length: number): [Patch[], Patch[]] {
  const before: Patch[] = []
  const after: Patch[] = []
  let left = length
  for (const op of ops) {
    const size = lengthOf(op)
    const [position, deleted, inserted] = op
    if (left >= size) before.push(op)
    else if (left <= 0) after.push(op)
    else if (deleted > 0) {
      before.push([position, left, ''])
      after.push([position, deleted - left, ''])
    } else {
      const points = Array.from(inserted)
      before.push([position, 0, points.slice(0, left).join('')])
      after.push([position + left, 0, points.slice(left).join('')])
    }
    left -= size
  }
  return [before, after]
}
