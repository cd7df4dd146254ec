/** From the state of a document to updates. */
import type { Row } from '../codec/rows.ts'
import type { WireSpan } from '../codec/spans.ts'
import { writeOwnSpan } from '../codec/spans.ts'
import type { WirePlace } from '../codec/update.ts'
import { firstSequenceTag, updateVersion, writeAllButSections, writePlacesAndRows } from '../codec/update.ts'
import type { VersionVector, Span } from '../graph/graph.ts'
import type { Ranges } from '../graph/walk.ts'
import type { LocalSpan } from './collect.ts'
import { collectSpans } from './collect.ts'
import type { DocState, Place } from './state.ts'
import { shapesOf } from './state.ts'
import type { SequenceContent } from './sequence.ts'

/** The update of everything that a version lacks. */
export function updateSince(state: DocState, known: VersionVector, base?: Uint8Array): Uint8Array {
  return encodeSpans(state, collectSpans(state.graph, state.graph.spansSince(known)), base)
}

/** The update of everything that a version includes. */
export function updateUntil(state: DocState, version: VersionVector, base?: Uint8Array): Uint8Array {
  return encodeSpans(state, collectSpans(state.graph, cutSpans(state, version)), base)
}

function* cutSpans({ graph }: DocState, version: VersionVector): Generator<Span> {
  for (const span of graph.spans(0, graph.length)) {
    const length = Math.min(span.length, (version.get(span.rid) ?? 0) - span.seq)
    if (length > 0) yield length === span.length ? span : { ...span, length }
  }
}

/** The update of these spans. */
export function encodeSpans(state: DocState, spans: readonly LocalSpan[], base: Uint8Array | undefined): Uint8Array {
  const ranges: Ranges = []
  for (const { pieces } of spans) for (const { lv, length } of pieces) ranges.push(lv, lv + length)
  const rows = rowsIn(state, spans)
  const sequences = new Map<Place, SequenceContent>()
  for (const [place, sequence] of state.sequences()) if (hasAny(sequence, ranges)) sequences.set(place, sequence)
  return encodeUpdate(state, spans, rows, sequences, ranges, base)
}

function hasAny(sequence: SequenceContent, ranges: Ranges): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if (sequence.hasOperations(ranges[i] as number, ranges[i + 1] as number)) return true
  }
  return false
}

/** The rows of spans, their LVs replaced by positions among the events of the spans. */
function rowsIn(state: DocState, spans: readonly LocalSpan[]): Row[] {
  let from = Number.MAX_SAFE_INTEGER
  let to = 0
  for (const { pieces } of spans) {
    from = Math.min(from, pieces[0]?.lv ?? from)
    const last = pieces.at(-1)
    if (last !== undefined) to = Math.max(to, last.lv + last.length)
  }
  const all = state.journal.read(from, to)
  const lvs = Int32Array.from(all, ({ position }) => position)
  const rows: Row[] = []
  let start = 0
  for (const { pieces } of spans) {
    for (const { lv, length } of pieces) {
      for (let i = firstFrom(lvs, lv); i < lvs.length && (lvs[i] as number) < lv + length; i++) {
        const row = all[i] as Row
        row.position += start - lv
        rows.push(row)
      }
      start += length
    }
  }
  return rows
}

function firstFrom(lvs: Int32Array, lv: number): number {
  let low = 0
  let high = lvs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((lvs[middle] as number) < lv) low = middle + 1
    else high = middle
  }
  return low
}

/** Writes everything; the places of rows are addresses, their positions those among the events of the spans. */
export function encodeUpdate(
  state: DocState,
  spans: readonly WireSpan[],
  rows: readonly Row[],
  sequences: ReadonlyMap<Place, SequenceContent> | undefined,
  ranges: Ranges,
  base?: Uint8Array,
): Uint8Array {
  const { places, numbers, sequences: sections } = state.numbering(rows, sequences)
  const { scratch } = state
  scratch.clear()
  writeAllButSections(scratch, { spans, places, rows, base }, shapesOf, numbers, state.rows.reset())
  if (!sections) return scratch.take()
  if (places.length === 1 && sequences?.size === 1) {
    for (const sequence of sequences.values()) writeSection(state, sequence, ranges)
  } else writeSections(state, places, numbers, sequences, ranges)
  return scratch.take()
}

/** The same for a bundle of rows whose only parent, if it has one, is the event of its replica before it. */
export function encodeRows(
  state: DocState,
  rid: number,
  seq: number,
  length: number,
  follows: boolean,
  rows: readonly Row[],
): Uint8Array {
  const { places, numbers, sequences } = state.numbering(rows, undefined)
  const { scratch } = state
  scratch.clear()
  scratch.u8(updateVersion)
  scratch.u8(0)
  writeOwnSpan(scratch, rid, seq, length, follows)
  writePlacesAndRows(scratch, places, rows, shapesOf, numbers, state.rows.reset())
  // Sequences are there only because of an epoch.
  if (sequences) writeSections(state, places, numbers, undefined, [])
  const size = scratch.length
  if (size > 64) return scratch.take()
  // So small a copy is faster by hand.
  const copy = new Uint8Array(size)
  const { bytes } = scratch
  for (let i = 0; i < size; i++) copy[i] = bytes[i] as number
  return copy
}

/** The sections in the order of their places; empty ones for sequences that are only there because of an epoch. */
function writeSections(
  state: DocState,
  places: readonly WirePlace[],
  numbers: ArrayLike<number>,
  sequences: ReadonlyMap<Place, SequenceContent> | undefined,
  ranges: Ranges,
): void {
  const byNumber = new Map<number, SequenceContent>()
  for (const [place, sequence] of sequences ?? []) byNumber.set(numbers[state.addressOf(place)] as number, sequence)
  for (let number = 0; number < places.length; number++) {
    if ((places[number] as WirePlace).tag < firstSequenceTag) continue
    const sequence = byNumber.get(number)
    if (sequence === undefined) state.scratch.uint(0)
    else writeSection(state, sequence, ranges)
  }
}

/** The operations of a sequence, after their length. */
function writeSection({ scratch, section }: DocState, sequence: SequenceContent, ranges: Ranges): void {
  section.clear()
  sequence.writeOperations(section, ranges)
  const { length, bytes } = section
  scratch.uint(length)
  scratch.reserve(length)
  if (length > 64) scratch.raw(section.view())
  else for (let i = 0; i < length; i++) scratch.bytes[scratch.length++] = bytes[i] as number
}
