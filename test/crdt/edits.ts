/** Random editing histories of a text: fork, edit, merge; given to the sequence and to the oracle alike. */
import fc from 'fast-check'
import type { OpKind } from '../../crdt/text/op-log.ts'
import { opKind } from '../../crdt/text/op-log.ts'
import type { TextSequence } from '../../crdt/text/text.ts'
import { FugueOracle } from './fugue-oracle.ts'
import type { HistoryStep } from './histories.ts'
import { emptyHistory, historySteps, playHistory } from './histories.ts'

/** Operations of one kind, made in a row by one replica: a run as the log has it. */
export interface EditRun {
  readonly kind: OpKind
  readonly position: number
  readonly text: string
  readonly count: number
}

/** A span of the graph with what its operations do. */
export interface EditSpan {
  readonly rid: number
  readonly parents: readonly number[]
  readonly runs: readonly EditRun[]
  readonly length: number
}

/** A history as it was made, and what the oracle says about it. */
export interface EditHistory {
  readonly spans: readonly EditSpan[]
  readonly oracle: FugueOracle
  readonly versions: readonly (readonly number[])[]
}

const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\u00e9\u20ac\ud83d'

/** Histories; `beyond` lets some positions lie behind the end of what their author saw. */
export function editHistories(options: { maxLength: number; beyond?: boolean }): fc.Arbitrary<EditHistory> {
  const draws = fc.array(fc.nat({ max: 0xffff }), { minLength: 60, maxLength: 60 })
  return fc
    .tuple(historySteps(options), draws)
    .map(([steps, numbers]) => makeHistory(steps, numbers, options.beyond === true))
}

function makeHistory(steps: readonly HistoryStep[], numbers: readonly number[], beyond: boolean): EditHistory {
  const oracle = new FugueOracle()
  const spans: EditSpan[] = []
  const seqs = new Map<number, number>()
  let draw = 0
  const next = (below: number): number => (numbers[draw++ % numbers.length] as number) % below
  const { versions } = playHistory(steps, emptyHistory(), (rid, wanted, at) => {
    const runs: EditRun[] = []
    let parents = at
    let length = 0
    for (let left = wanted; left > 0; left--) {
      const size = oracle.at(parents).length
      const run = makeRun(size, next, beyond)
      runs.push(run)
      parents = tellOracle(oracle, seqs, rid, run, parents)
      length += run.count
    }
    spans.push({ rid, parents: at, runs, length })
    return length
  })
  return { spans, oracle, versions }
}

/** Adds the events of a run, and gives the frontier after it. */
function tellOracle(
  oracle: FugueOracle,
  seqs: Map<number, number>,
  rid: number,
  run: EditRun,
  at: readonly number[],
): readonly number[] {
  let parents = at
  for (let i = 0; i < run.count; i++) {
    const seq = seqs.get(rid) ?? 0
    seqs.set(rid, seq + 1)
    const step = run.kind === opKind.insert ? i : run.kind === opKind.delete ? 0 : -i
    const unit = run.kind === opKind.insert ? { unit: run.text[i] } : {}
    oracle.add({ rid, seq, parents, position: run.position + step, ...unit })
    parents = [oracle.events.length - 1]
  }
  return parents
}

/** A history that is written down: its spans, parents first. */
export function writtenHistory(spans: readonly Omit<EditSpan, 'length'>[]): EditHistory {
  const oracle = new FugueOracle()
  const seqs = new Map<number, number>()
  for (const { rid, parents, runs } of spans) {
    let at = parents
    for (const run of runs) at = tellOracle(oracle, seqs, rid, run, at)
  }
  const length = (runs: readonly EditRun[]): number => runs.reduce((sum, { count }) => sum + count, 0)
  return { spans: spans.map((span) => ({ ...span, length: length(span.runs) })), oracle, versions: [] }
}

function makeRun(size: number, next: (below: number) => number, beyond: boolean): EditRun {
  const far = beyond && next(8) === 0 ? 5 : 0
  if (size + far === 0 || next(5) < 3) {
    const count = 1 + next(3)
    let text = ''
    for (let i = 0; i < count; i++) text += alphabet[next(alphabet.length)] as string
    return { kind: opKind.insert, position: next(size + far + 1), text, count }
  }
  const position = next(size + far)
  if (next(2) === 0) {
    const count = 1 + next(Math.min(3, size + far - position))
    return { kind: opKind.delete, position, text: '', count }
  }
  return { kind: opKind.deleteBack, position, text: '', count: 1 + next(Math.min(3, position + 1)) }
}

/** Adds spans in the order of `order` (indexes of spans, parents first); `after` is told when each has been received. */
export function replay(
  history: EditHistory,
  sequence: TextSequence,
  graph: {
    add(rid: number, seq: number, length: number, parents: readonly number[]): number
    nextSeq(rid: number): number
  },
  order: readonly number[] = history.spans.map((_, index) => index),
  after?: () => void,
): Map<number, number> {
  const starts: number[] = []
  let total = 0
  for (const span of history.spans) {
    starts.push(total)
    total += span.length
  }
  /** LV here of an event of the history. */
  const here = new Map<number, number>()
  for (const index of order) {
    const span = history.spans[index] as EditSpan
    const parents = span.parents.map((event) => here.get(event) as number).sort((a, b) => a - b)
    let lv = graph.add(span.rid, graph.nextSeq(span.rid), span.length, parents)
    for (let i = 0; i < span.length; i++) here.set((starts[index] as number) + i, lv + i)
    for (const run of span.runs) {
      if (run.kind === opKind.insert) sequence.receiveInsert(run.position, run.text, lv)
      else sequence.receiveDelete(run.kind, run.position, run.count, lv)
      lv += run.count
    }
    after?.()
  }
  return here
}

/** The spans in another order in which they could arrive. */
export function otherOrder(history: EditHistory, numbers: readonly number[]): number[] {
  const ends: number[] = []
  let total = 0
  for (const span of history.spans) ends.push((total += span.length))
  const spanOf = (event: number): number => ends.findIndex((end) => event < end)
  const done = new Set<number>()
  const order: number[] = []
  for (let draw = 0; order.length < history.spans.length; draw++) {
    const ready = history.spans.flatMap((span, index) => {
      if (done.has(index) || !span.parents.every((event) => done.has(spanOf(event)))) return []
      const earlier = history.spans.slice(0, index).some((other, at) => other.rid === span.rid && !done.has(at))
      return earlier ? [] : [index]
    })
    const pick = ready[(numbers[draw % numbers.length] as number) % ready.length] as number
    done.add(pick)
    order.push(pick)
  }
  return order
}
