/**
 * The events of an update: which replica made them and what each had seen, as spans in one canonical order.
 *
 * A span is as long as can be: each of its events but the first was made knowing exactly the one before it (and what that one
 * knew). So spans depend on each other only through their first events, and can be put in an order in which each comes after
 * those it depends on: always the ready span of the smallest replica next.
 *
 *   replicas   count; for each, ascending: id; first event of the update plus 1, or, if it has none here, 0 and the largest
 *              event that a span names as parent
 *   spans      count; for each: replica (place in the list); length - 1; 2 * parents + (its own previous event is one);
 *              the other parents: replica, and how far back from the last event named by then
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import type { Dot } from '../kernel/dot.ts'
import { compareDots, maxReplicaId, maxSeq } from '../kernel/dot.ts'
import { notCanonical } from './errors.ts'

/** Events seq, seq + 1, ... of a replica; the first has these parents, each other the one before it. */
export interface WireSpan extends Dot {
  readonly length: number
  /** Ascending by replica and number; none has seen another. */
  readonly parents: readonly Dot[]
}

/** Where a replica stands while spans are written or read. */
interface Author {
  readonly rid: number
  /** One past the last event that is known by now. */
  next: number
}

/** Appends spans that are in order. */
export function writeSpans(writer: ByteWriter, spans: readonly WireSpan[]): void {
  const [only] = spans
  if (only !== undefined && spans.length === 1 && writeLoneSpan(writer, only)) return
  const first = new Map<number, number>()
  const named = new Map<number, number>()
  for (const { rid, seq, parents } of spans) {
    if (!first.has(rid)) first.set(rid, seq)
    for (const parent of parents) named.set(parent.rid, Math.max(parent.seq, named.get(parent.rid) ?? 0))
  }
  const rids = [...new Set([...first.keys(), ...named.keys()])].sort((a, b) => a - b)
  const index = new Map<number, number>()
  const authors = rids.map((rid, i): Author => {
    index.set(rid, i)
    return { rid, next: first.get(rid) ?? (named.get(rid) as number) + 1 }
  })
  writer.uint(authors.length)
  for (const { rid, next } of authors) {
    writer.uint(rid)
    if (first.has(rid)) writer.uint(next + 1)
    else {
      writer.uint(0)
      writer.uint(next - 1)
    }
  }
  writer.uint(spans.length)
  for (const { rid, seq, length, parents } of spans) {
    const place = index.get(rid) as number
    writer.uint(place)
    writer.uint(length - 1)
    const others = parents.filter((parent) => parent.rid !== rid)
    writer.uint(2 * others.length + (others.length < parents.length ? 1 : 0))
    for (const parent of others) {
      const at = index.get(parent.rid) as number
      writer.uint(at)
      writer.uint((authors[at] as Author).next - 1 - parent.seq)
    }
    ;(authors[place] as Author).next = seq + length
  }
}

/** The same for the usual bundle, which builds on nothing but the one before it; false for any other. */
function writeLoneSpan(writer: ByteWriter, { rid, seq, length, parents }: WireSpan): boolean {
  const [parent] = parents
  if (parents.length > 1 || (parent !== undefined && parent.rid !== rid)) return false
  writeOwnSpan(writer, rid, seq, length, parent !== undefined)
  return true
}

/** Appends a single span whose only parent, if it has one, is the event of its replica before it. */
export function writeOwnSpan(writer: ByteWriter, rid: number, seq: number, length: number, follows: boolean): void {
  writer.u8(1)
  writer.uint(rid)
  writer.uint(seq + 1)
  writer.u8(1)
  writer.u8(0)
  writer.uint(length - 1)
  writer.u8(follows ? 1 : 0)
}

/** Reads what {@link writeSpans} wrote. Throws `NotCanonical` or `MalformedFrame`. */
export function readSpans(reader: ByteReader): WireSpan[] {
  const lone = readLoneSpan(reader)
  if (lone !== undefined) return [lone]
  const { authors, filled, named } = readAuthors(reader)
  const count = reader.uint()
  if (count * 3 > reader.remaining) throw notCanonical('more spans than bytes')
  const spans: WireSpan[] = []
  let events = 0
  for (let i = 0; i < count; i++) {
    const author = at(authors, reader.uint())
    const { rid, next: seq } = author
    const length = reader.uint() + 1
    const parents = readParents(reader, author, authors, named)
    const same = spans.length > 0 && filled.get(rid) === 2
    if (same && parents.length === 1 && (parents[0] as Dot).rid === rid) throw notCanonical('a span cut in two')
    if (!filled.has(rid)) throw notCanonical('a span of a replica that should have none')
    filled.set(rid, 2)
    events += length
    if (seq + length > maxSeq || events > maxSeq) throw notCanonical('too many events')
    author.next = seq + length
    spans.push({ rid, seq, length, parents })
  }
  for (const state of filled.values()) if (state !== 2) throw notCanonical('a replica without spans')
  for (const [rid, largest] of named) {
    const expected = filled.has(rid) ? undefined : (authors.find((one) => one.rid === rid) as Author).next - 1
    if (expected !== undefined && largest !== expected) throw notCanonical('the largest parent of a replica')
  }
  if (count > 1) checkOrder(spans, authors, filled)
  return spans
}

/** What {@link writeLoneSpan} wrote, or undefined, with nothing read, when it is something else. */
function readLoneSpan(reader: ByteReader): WireSpan | undefined {
  const start = reader.at
  const otherwise = (): undefined => {
    reader.at = start
    return undefined
  }
  if (reader.u8() !== 1) return otherwise()
  const rid = reader.uint()
  const seq = reader.uint() - 1
  if (rid > maxReplicaId || seq < 0) return otherwise()
  if (reader.u8() !== 1 || reader.u8() !== 0) return otherwise()
  const length = reader.uint() + 1
  const code = reader.u8()
  if (code > 1 || seq + length > maxSeq || (code === 1 && seq === 0)) return otherwise()
  return { rid, seq, length, parents: code === 1 ? [{ rid, seq: seq - 1 }] : [] }
}

function readAuthors(reader: ByteReader): {
  authors: Author[]
  filled: Map<number, number>
  named: Map<number, number>
} {
  const count = reader.uint()
  if (count * 2 > reader.remaining) throw notCanonical('more replicas than bytes')
  const authors: Author[] = []
  const filled = new Map<number, number>()
  const named = new Map<number, number>()
  for (let i = 0; i < count; i++) {
    const rid = reader.uint()
    if (rid > maxReplicaId || rid <= (authors.at(-1)?.rid ?? -1)) throw notCanonical('replicas out of order')
    const first = reader.uint()
    if (first > 0) filled.set(rid, 1)
    else named.set(rid, -1)
    const next = first > 0 ? first - 1 : reader.uint() + 1
    if (next > maxSeq) throw notCanonical('an event above the limit')
    authors.push({ rid, next })
  }
  return { authors, filled, named }
}

function readParents(
  reader: ByteReader,
  author: Author,
  authors: readonly Author[],
  named: Map<number, number>,
): readonly Dot[] {
  const code = reader.uint()
  const own = code % 2 === 1
  if (own && author.next === 0) throw notCanonical('an event before the first')
  if (code === 1) return [{ rid: author.rid, seq: author.next - 1 }]
  const others = (code - (own ? 1 : 0)) / 2
  if (others * 2 > reader.remaining) throw notCanonical('more parents than bytes')
  const parents: Dot[] = []
  let last = -1
  for (let i = 0; i < others; i++) {
    const place = reader.uint()
    const other = at(authors, place)
    const seq = other.next - 1 - reader.uint()
    if (place <= last || other === author || seq < 0) throw notCanonical('parents out of order')
    last = place
    if (own && other.rid > author.rid && (parents.length === 0 || (parents.at(-1) as Dot).rid < author.rid)) {
      parents.push({ rid: author.rid, seq: author.next - 1 })
    }
    parents.push({ rid: other.rid, seq })
    const before = named.get(other.rid)
    if (before !== undefined && seq > before) named.set(other.rid, seq)
  }
  if (own && (parents.at(-1) as Dot).rid < author.rid) parents.push({ rid: author.rid, seq: author.next - 1 })
  return parents
}

function at(authors: readonly Author[], place: number): Author {
  const author = authors[place]
  if (author === undefined) throw notCanonical('no such replica in the list')
  return author
}

/** Throws unless spans, those of each replica ascending, are in the one order. */
function checkOrder(spans: readonly WireSpan[], authors: readonly Author[], filled: ReadonlyMap<number, number>): void {
  if (filled.size > fewReplicas) {
    const ordered = orderSpans(spans)
    for (let i = 0; i < spans.length; i++) if (ordered[i] !== spans[i]) throw notCanonical('spans out of order')
    return
  }
  // Goes through them as they are: none may wait for what comes later, and none of a smaller replica may be ready.
  const queues = queuesOf(spans, authors, filled)
  for (const span of spans) {
    for (const queue of queues) {
      if (queue.rid > span.rid) break
      const next = queue.spans[queue.at]
      if (next === undefined) continue
      const ready = isReady(next, queues)
      if (queue.rid < span.rid ? ready : !ready) throw notCanonical('spans out of order')
      if (queue.rid < span.rid) continue
      queue.at++
      queue.next = next.seq + next.length
    }
  }
}

/** Up to here it is faster to look at the next span of each replica than to build what finds the smallest. */
const fewReplicas = 6

/** The spans of a replica; those before `at`, and so the events before `next`, have been seen. */
interface Queue {
  readonly rid: number
  readonly spans: WireSpan[]
  readonly end: number
  at: number
  next: number
}

function queuesOf(
  spans: readonly WireSpan[],
  authors: readonly Author[],
  filled: ReadonlyMap<number, number>,
): Queue[] {
  const queues: Queue[] = []
  for (const { rid, next } of authors) {
    if (filled.has(rid)) queues.push({ rid, spans: [], end: next, at: 0, next: -1 })
  }
  for (const span of spans) {
    const queue = queues.find(({ rid }) => rid === span.rid) as Queue
    if (queue.next < 0) queue.next = span.seq
    queue.spans.push(span)
  }
  return queues
}

/** Whether all parents that are events of these spans have been seen. */
function isReady({ rid, parents }: WireSpan, queues: readonly Queue[]): boolean {
  for (const parent of parents) {
    if (parent.rid === rid) continue
    for (const queue of queues) {
      if (queue.rid === parent.rid && parent.seq >= queue.next && queue.next < queue.end) return false
    }
  }
  return true
}

/** Puts spans, given so that each replica's are ascending, in the one order. */
export function orderSpans<S extends WireSpan>(spans: readonly S[]): S[] {
  const byReplica = new Map<number, { span: S; index: number }[]>()
  spans.forEach((span, index) => {
    const list = byReplica.get(span.rid)
    if (list === undefined) byReplica.set(span.rid, [{ span, index }])
    else list.push({ span, index })
  })
  const waiting = new Int32Array(spans.length)
  const followers: number[][] = spans.map(() => [])
  const link = (before: number | undefined, after: number): void => {
    if (before === undefined) return
    followers[before]?.push(after)
    waiting[after] = (waiting[after] as number) + 1
  }
  for (const list of byReplica.values()) {
    list.forEach(({ span, index }, i) => {
      link(list[i - 1]?.index, index)
      for (const { rid, seq } of span.parents) if (rid !== span.rid) link(holding(byReplica.get(rid), seq), index)
    })
  }
  const ready = new Ready(spans)
  for (let i = 0; i < spans.length; i++) if (waiting[i] === 0) ready.push(i)
  const ordered: S[] = []
  for (let next = ready.pop(); next >= 0; next = ready.pop()) {
    ordered.push(spans[next] as S)
    for (const after of followers[next] ?? []) {
      waiting[after] = (waiting[after] as number) - 1
      if (waiting[after] === 0) ready.push(after)
    }
  }
  return ordered
}

/** The span of a replica that holds an event, or undefined when the event is none of these. */
function holding(list: readonly { span: WireSpan; index: number }[] | undefined, seq: number): number | undefined {
  if (list === undefined) return undefined
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list[middle] as { span: WireSpan }).span.seq <= seq) low = middle + 1
    else high = middle
  }
  return low === 0 ? undefined : list[low - 1]?.index
}

/** A heap of span numbers, the smallest dot first. */
class Ready {
  private readonly spans: readonly WireSpan[]
  private readonly heap: number[] = []

  constructor(spans: readonly WireSpan[]) {
    this.spans = spans
  }

  push(index: number): void {
    const { heap } = this
    let i = heap.push(index) - 1
    while (i > 0) {
      const above = (i - 1) >> 1
      if (this.order(heap[above] as number, index) <= 0) break
      heap[i] = heap[above] as number
      i = above
    }
    heap[i] = index
  }

  /** The next one, or -1. */
  pop(): number {
    const { heap } = this
    const top = heap[0] ?? -1
    const moved = heap.pop() as number
    if (heap.length === 0) return top
    let i = 0
    for (;;) {
      let below = 2 * i + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && this.order(heap[below + 1] as number, heap[below] as number) < 0) below++
      if (this.order(moved, heap[below] as number) <= 0) break
      heap[i] = heap[below] as number
      i = below
    }
    heap[i] = moved
    return top
  }

  private order(a: number, b: number): number {
    return compareDots(this.spans[a] as WireSpan, this.spans[b] as WireSpan)
  }
}
