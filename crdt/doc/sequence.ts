/** What a document needs of a text or list. */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { firstSequenceTag } from '../codec/update.ts'
import type { Cell } from '../kernel/cell.ts'
import type { Content, ContentType } from '../kernel/container.ts'
import type { Ranges } from '../graph/walk.ts'
import type { Forgotten } from '../text/erasure.ts'
import type { LvOf } from '../text/exchange.ts'
import type { DocCore } from './core.ts'
import type { Place } from './state.ts'
import type { MarkedSpan } from '../text/marks.ts'
import type { SequencePatch } from '../text/sequence.ts'

/** An edit of a text or list. */
export type Edit = SequencePatch<unknown>

/** A sequence in a place of a document. */
export interface SequenceContent extends Content {
  readonly type: ContentType<SequenceContent>
  /** Counts changes of marks; 0 for sequences without. */
  readonly markings: number
  /** The marks, for patches. */
  spans?(): readonly MarkedSpan[]
  /** Takes everything out, as a local edit. */
  takeAll(core: DocCore, place: Place): void
  /** Whether there are operations with LVs in [from, to). */
  hasOperations(from: number, to: number): boolean
  /** Appends the operations with LVs in the ranges; the n-th event of the ranges, in order, is called n. */
  writeOperations(writer: ByteWriter, ranges: Ranges): void
  /**
   * Reads what {@link writeOperations} wrote and keeps it for {@link receive}, checking everything that can be checked without
   * the document. `events` is how many there are; `forgotten` checks those without content. Throws `NotCanonical` or
   * `MalformedFrame`, and what `forgotten` throws.
   */
  readOperations(reader: ByteReader, events: number, forgotten: Forgotten): unknown
  /**
   * By how many units a deletion among operations that were read reaches beyond what was ever inserted into this sequence or, if it
   * is not `known`, into one that they begin; 0 when none does. `spanEnds` gives the ends of the spans of their events.
   */
  beyondEnd(operations: unknown, known: boolean, spanEnds: () => readonly number[]): number
  /** Takes operations in. */
  receive(operations: unknown, lvOf: LvOf): void
  /** How many units have no content any more; 0 for movable lists, which keep theirs. */
  readonly forgotten?: number
  /** Drops the content of so many units, at most, that a version has deleted which every operation to come knows; returns of how many. */
  forget?(version: readonly number[], unitsMax: number): number
  /** Brings everything with LVs below `end` into the content and adds the edits to the list. */
  integrate(end: number, edits?: Edit[]): void
}

/** A text or plain list: units that are put in and taken out. */
export interface UnitSequence extends SequenceContent {
  /** How many units there are now. */
  readonly length: number
  /** Nothing, as content. */
  readonly nothing: unknown
  /** Takes units out by operations from `lv` on, made here. */
  delete(position: number, count: number, lv: number): void
  /** Puts content in by operations from `lv` on, made here. */
  putIn(position: number, content: unknown, lv: number): void
  /** The content of [start, end). */
  slice(start: number, end: number): unknown
  /** Throws `InvalidArgument` unless the range is within the content. */
  check(position: number, count: number): void
  /** Where units inserted by operations `[start, end)` are now, as positions `[start, end, ...]`. */
  visibleRanges(start: number, end: number): Ranges
  /** LV of the insert of the unit that a deletion took out, if it took one. */
  takenBy(lv: number): number | undefined
  /** LV of the insert of the unit at a position. */
  unitAt(position: number): number
  /** Where the unit of an insert stands, or would stand if it were not deleted. */
  positionOfUnit(lv: number): number
  /** Order of the units of two different inserts, deleted or not. */
  compareUnits(a: number, b: number): number
}

/** Puts content of `length` units into a sequence, as a local edit. Throws `InvalidArgument` beyond its end. */
export function putIn(
  core: DocCore,
  place: Place,
  sequence: UnitSequence,
  position: number,
  content: unknown,
  length: number,
): void {
  sequence.check(position, 0)
  if (length === 0) return
  const lv = core.startEdit(place, sequence, length)
  sequence.putIn(position, content, lv)
  if (!core.watched) return
  const edit = { kind: 'insert', sequence, position, lv, length, removed: undefined } as const
  core.edited(place, edit, { position, removed: 0, inserted: content })
}

/** Takes units out of a sequence, as a local edit. Throws `InvalidArgument` beyond its end. */
export function takeOut(core: DocCore, place: Place, sequence: UnitSequence, position: number, count: number): void {
  sequence.check(position, count)
  if (count === 0) return
  const { watched } = core
  const removed = watched ? sequence.slice(position, position + count) : undefined
  const lv = core.startEdit(place, sequence, count)
  sequence.delete(position, count, lv)
  if (!watched && !core.watched) return
  const edit = { kind: 'delete', sequence, position, lv, length: count, removed } as const
  core.edited(place, edit, { position, removed: count, inserted: sequence.nothing })
}

/** What a place of a document holds. */
export type DocContent = Cell | SequenceContent

/** Whether a content is a sequence. */
export function isSequence(content: DocContent): content is SequenceContent {
  return content.type.tag >= firstSequenceTag
}
