/**
 * Taking an update in. First everything is checked that could be wrong with it, then everything is done, so a refused update
 * leaves no trace; what is known already is skipped, event by event.
 */
import { ByteReader, NitroError } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import type { Row } from '../codec/rows.ts'
import { fenceKind } from '../codec/rows.ts'
import type { WireSpan } from '../codec/spans.ts'
import type { Update, WirePlace } from '../codec/update.ts'
import type { Dot } from '../kernel/dot.ts'
import type { Forgotten } from '../text/erasure.ts'
import { maxForgotten, nothingForgotten } from '../text/erasure.ts'
import { readBase } from './base.ts'
import { RowPast, seesAll } from './past.ts'
import type { Patcher } from './patches.ts'
import type { DocState, Place } from './state.ts'
import type { SequenceContent } from './sequence.ts'
import { isSequence } from './sequence.ts'

/** By how many units a deletion may reach beyond all that was ever inserted. */
const maxBeyondEnd = 2 ** 22

/** A span of an update and what became of it. */
export interface Segment {
  readonly span: WireSpan
  /** The number of its first event in the update. */
  readonly event: number
  /** How many of its events were known before. */
  known: number
  /** The LV of its first new event. */
  lv: number
  /** Whether its first new event had seen all there was. */
  whole: boolean
  /** The parents of that one. */
  parents: readonly number[]
}

/** Sequences that got operations. */
export type Touched = Map<Place, SequenceContent>

/** The operations of a sequence, checked. */
export interface Parsed {
  readonly place: Place
  readonly epoch: number
  readonly operations: unknown
}

/** An event that an update needs and the document lacks, or undefined. */
export function missingFor({ graph }: DocState, { spans }: Update): Dot | undefined {
  const [only] = spans
  if (only !== undefined && spans.length === 1) {
    if (only.seq > graph.nextSeq(only.rid)) return { rid: only.rid, seq: only.seq - 1 }
    return only.parents.find((parent) => parent.seq >= graph.nextSeq(parent.rid))
  }
  const ahead = new Map<number, number>()
  for (const { rid, seq, length, parents } of spans) {
    const next = ahead.get(rid) ?? graph.nextSeq(rid)
    if (seq > next) return { rid, seq: seq - 1 }
    for (const parent of parents) {
      if (parent.seq >= (ahead.get(parent.rid) ?? graph.nextSeq(parent.rid))) return parent
    }
    ahead.set(rid, Math.max(next, seq + length))
  }
  return undefined
}

/** An update in which nothing is wrong. */
export interface Prepared {
  readonly update: Update
  readonly segments: readonly Segment[]
  readonly places: readonly Place[]
  readonly parsed: readonly Parsed[]
}

/**
 * Checks all that can be wrong with an update. Throws `NotCanonical`, `MalformedFrame` or `LimitExceeded`, and `HistoryCompacted` when
 * it has an event that was made without what the document has forgotten.
 */
export function prepare(state: DocState, update: Update): Prepared {
  const without = state.floor?.without(update.spans)
  if (without !== undefined) throw tooOld(without)
  const segments = segmentsOf(update.spans)
  const places = placesOf(state, update)
  checkRows(places, update, segments)
  const forgotten = forgottenOf(state, update, segments)
  const parsed = parseSections(places, update, segments, forgotten)
  checkEpochs(state, update, parsed)
  return { update, segments, places, parsed }
}

function tooOld({ rid, seq }: Dot): NitroError {
  const text = `event ${rid}:${seq} was made without all of the version that the document was compacted at`
  return new NitroError('HistoryCompacted', text, { details: { rid, seq } })
}

/**
 * Sequences keep the operations of their last epoch only. So an update has none of an epoch below another of the same root; nor a
 * document below what its base says.
 */
function checkEpochs({ graph }: DocState, { places, sections }: Update, parsed: readonly Parsed[]): void {
  for (const { place, start, end } of sections) {
    if (start === end) continue
    let root = place
    while ((places[root] as WirePlace).parent >= 0) root = (places[root] as WirePlace).parent
    const { tag, name } = places[root] as WirePlace
    const next = places[root + 1]
    if (next?.parent === -1 && next.tag === tag && next.name === name)
      throw notCanonical('operations of an earlier epoch')
  }
  if (graph.length > 0) return
  for (const { place, epoch } of parsed) if (epoch < place.epoch) throw notCanonical('operations of an earlier epoch')
}

/**
 * Takes in an update for which nothing is missing. Returns whether anything was new. Sequences that got operations are added to
 * `touched`, for {@link integrate}: many updates are brought into a text at once. Throws `LimitExceeded`, with nothing done, for
 * deletions of far more than can be there, which only now can be told.
 */
export function receive(state: DocState, prepared: Prepared, patcher: Patcher | undefined, touched: Touched): boolean {
  const { update, segments, places, parsed } = prepared
  if (parsed.length > 0) checkDeletions(parsed, segments)
  const before = state.graph.length
  for (const segment of segments) addSpan(state, segment)
  if (state.graph.length === before) return false
  if (update.rows.length > 0) {
    const addresses = places.map((place, i) => state.addressOf(place, update.places[i]?.epoch))
    applyRows(state, update.rows, addresses, segments, patcher)
  }
  for (const { place, epoch, operations } of parsed) {
    if (epoch > place.epoch) state.raise(place, epoch)
    if (epoch < place.epoch || !isSequence(place.content)) continue
    patcher?.noteEdits(place, place.content)
    place.content.receive(operations, (event) => lvOf(segments, event))
    touched.set(place, place.content)
  }
  return true
}

/**
 * What a deletion takes out is noted unit by unit, so a run of one author's must not be much longer than what there can be. It may
 * be longer: what it deletes may be missing here because of a fence that is yet to come, of which the sender knew.
 */
function checkDeletions(parsed: readonly Parsed[], segments: readonly Segment[]): void {
  const spanEnds = (): number[] => segments.map(endOf)
  for (const { place, epoch, operations } of parsed) {
    if (epoch < place.epoch || !isSequence(place.content)) continue
    if (place.content.beyondEnd(operations, epoch === place.epoch, spanEnds) > maxBeyondEnd)
      throw new NitroError('LimitExceeded', `a deletion of ${maxBeyondEnd} units more than there are`)
  }
}

/** Brings what sequences have received into their contents. */
export function integrate(state: DocState, touched: Touched, patcher: Patcher | undefined): void {
  for (const [place, content] of touched) {
    // Another epoch may have begun since.
    if (place.content === content) content.integrate(state.graph.length, patcher?.editsOf(place))
  }
}

function segmentsOf(spans: readonly WireSpan[]): Segment[] {
  let event = 0
  return spans.map((span) => {
    const segment = { span, event, known: 0, lv: -1, whole: false, parents: [] }
    event += span.length
    return segment
  })
}

function placesOf(state: DocState, { places }: Update): Place[] {
  const made: Place[] = []
  for (const { parent, tag, name } of places) {
    made.push(state.forest.child(parent < 0 ? undefined : made[parent], tag, name))
  }
  return made
}

function checkRows(places: readonly Place[], { rows }: Update, segments: readonly Segment[]): void {
  let at = 0
  for (const row of rows) {
    while (row.position >= endOf(segments[at] as Segment)) at++
    if (row.kind === fenceKind) continue
    const { content } = places[row.place] as Place
    if (isSequence(content)) throw notCanonical('a row of a sequence')
    const { kind, key, value } = row
    const { span, event } = segments[at] as Segment
    content.type.check({ rid: span.rid, seq: span.seq + row.position - event, kind, high: 0, low: 0, key, value })
  }
}

function parseSections(
  places: readonly Place[],
  update: Update,
  segments: readonly Segment[],
  forgotten: Forgotten,
): Parsed[] {
  const last = segments.at(-1)
  const events = last === undefined ? 0 : endOf(last)
  const parsed: Parsed[] = []
  for (const { place, start, end } of update.sections) {
    if (start === end) continue
    const at = places[place] as Place
    const reader = new ByteReader(update.bytes, start, end)
    const operations = (at.content as SequenceContent).readOperations(reader, events, forgotten)
    if (reader.remaining > 0) throw notCanonical(`${reader.remaining} bytes left over in a section`)
    parsed.push({ place: at, epoch: update.places[place]?.epoch ?? 0, operations })
  }
  return parsed
}

/** Only the base of an update may cover events without content, and new ones, which take room, are limited. */
function forgottenOf({ graph }: DocState, { base }: Update, segments: readonly Segment[]): Forgotten {
  if (base === undefined) return nothingForgotten
  const { version } = readBase(base)
  let count = 0
  let at = 0
  return (from, to) => {
    if (at >= segments.length || from < (segments[at] as Segment).event) at = 0
    for (let event = from; event < to;) {
      while (event >= endOf(segments[at] as Segment)) at++
      const segment = segments[at] as Segment
      const { rid, seq } = segment.span
      const offset = seq - segment.event
      const end = Math.min(to, endOf(segment))
      if (end + offset > (version.get(rid) ?? 0)) throw notCanonical('content is missing that the base does not cover')
      count += Math.max(0, end + offset - Math.max(event + offset, graph.nextSeq(rid)))
      event = end
    }
    if (count > maxForgotten) throw new NitroError('LimitExceeded', `more than ${maxForgotten} units without content`)
  }
}

function addSpan({ graph }: DocState, segment: Segment): void {
  const { rid, seq, length, parents } = segment.span
  const known = Math.min(length, graph.nextSeq(rid) - seq)
  segment.known = known
  if (known === length) return
  const lvs = known > 0 ? [graph.lvOf(rid, seq + known - 1)] : parents.map((dot) => graph.lvOf(dot.rid, dot.seq))
  if (lvs.length > 1) lvs.sort((a, b) => a - b)
  segment.parents = lvs
  segment.whole = seesAll(graph, lvs)
  segment.lv = graph.add(rid, seq + known, length - known, lvs)
}

function applyRows(
  state: DocState,
  rows: readonly Row[],
  addresses: readonly number[],
  segments: readonly Segment[],
  patcher: Patcher | undefined,
): void {
  const past = new RowPast(state.graph)
  let at = -1
  let end = 0
  for (const row of rows) {
    const { position, kind, high, low, key, value } = row
    while (position >= end) end = endOf(segments[++at] as Segment)
    const { span, event, known, lv, parents, whole } = segments[at] as Segment
    const offset = position - event
    if (offset < known) continue
    if (past.entered !== span) past.enter(span, known, parents, whole)
    const seq = span.seq + offset
    const op = { rid: span.rid, seq, kind, high, low, key, value }
    const address = addresses[row.place] as number
    patcher?.note(state.addresses[address] as { place: Place; epoch: number }, op)
    state.carryOut(address, op, past.at(seq))
    state.journal.push(address, lv + offset - known, row)
  }
}

function endOf({ event, span }: Segment): number {
  return event + span.length
}

/** The LV of an event of the update; when it was known before, minus how many of its span were, from it on. */
function lvOf(segments: readonly Segment[], event: number): number {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((segments[middle] as Segment).event <= event) low = middle
    else high = middle - 1
  }
  const segment = segments[low] as Segment
  const offset = event - segment.event - segment.known
  return offset < 0 ? offset : segment.lv + offset
}
