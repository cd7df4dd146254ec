/**
 * The operations of a sequence as bytes, column by column.
 *
 *   count     number of runs
 *   heads     for each run: (length - 1) * 4 + kind
 *   cursors   for each run: where it begins, as the difference from where the run before left the cursor, zigzag
 *   gaps      number of gaps; for each: runs since the last gap, events between the run before and this one
 *
 * Events are the operations of a whole bundle or document, of which some may belong to other values; a gap is a stretch of
 * those. Integers are varints. Runs are as long as they can be (op-log.ts), so the same operations have the same bytes, and a
 * decoder refuses any other. The cursor stands behind what was inserted, and where something was deleted; backspace begins before
 * the cursor.
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { maxOperations } from '../graph/graph.ts'
import { continued, opKind } from './op-log.ts'
import type { OpKind } from './op-log.ts'

/** Runs of operations by event, growing like a log. Most hold one run, so the columns are plain arrays. */
export class RunColumns {
  readonly events: number[] = []
  readonly kinds: OpKind[] = []
  readonly lengths: number[] = []
  readonly positions: number[] = []
  /** How many runs there are; the columns may be longer. */
  runs = 0
  /** How many units are inserted in all. */
  inserted = 0
  /** One behind the furthest position that a run added by {@link append} deletes at, if all of it is one author's. */
  furthest = 0

  /** Forgets everything and keeps the room. */
  clear(): void {
    this.runs = 0
    this.inserted = 0
    this.furthest = 0
  }

  /** Adds a run as it is; false when part of it should have been in the run before. */
  append(kind: OpKind, event: number, length: number, position: number): boolean {
    const run = this.runs - 1
    if (length === 1 && kind === opKind.deleteBack) return false
    if (run >= 0) {
      const size = this.lengths[run] as number
      const had = this.kinds[run] as OpKind
      if (
        (this.events[run] as number) + size === event &&
        continued(had, this.positions[run] as number, size, kind, position) >= 0
      )
        return false
    }
    const added = this.runs++
    this.events[added] = event
    this.kinds[added] = kind
    this.lengths[added] = length
    this.positions[added] = position
    if (kind === opKind.insert) this.inserted += length
    else this.furthest = Math.max(this.furthest, position + (kind === opKind.delete ? length : 1))
    return true
  }

  /** Adds operations, as part of the last run as far as they go on with it. */
  push(kind: OpKind, event: number, length: number, position: number): void {
    const run = this.runs - 1
    let taken = 0
    if (run >= 0) {
      const size = this.lengths[run] as number
      if ((this.events[run] as number) + size === event) {
        const joined = continued(this.kinds[run] as OpKind, this.positions[run] as number, size, kind, position)
        if (joined >= 0) {
          this.kinds[run] = joined as OpKind
          taken = joined === kind ? length : 1
          this.lengths[run] = size + taken
        }
      }
    }
    if (taken === 0) {
      const added = this.runs++
      this.events[added] = event
      this.kinds[added] = length === 1 && kind === opKind.deleteBack ? opKind.delete : kind
      this.lengths[added] = length
      this.positions[added] = position
      taken = length
    }
    if (kind === opKind.insert) this.inserted += taken
    if (taken < length) this.push(kind, event + 1, length - 1, kind === opKind.deleteBack ? position - 1 : position)
  }
}

/** Reads integers; nearly all take one byte. */
function readUints(reader: ByteReader, count: number): number[] {
  const { bytes, end } = reader
  const numbers: number[] = []
  let { at } = reader
  for (let i = 0; i < count; i++) {
    const byte = at < end ? (bytes[at] as number) : 0x80
    if (byte < 0x80) {
      numbers.push(byte)
      at++
    } else {
      reader.at = at
      numbers.push(reader.uint())
      at = reader.at
    }
  }
  reader.at = at
  return numbers
}

/** Where a run begins for its author: backspace deletes what is before the cursor. */
function cursorOf(kind: number, position: number): number {
  return kind === opKind.deleteBack ? position + 1 : position
}

function cursorAfter(kind: number, position: number, length: number): number {
  if (kind === opKind.insert) return position + length
  return kind === opKind.delete ? position : position - length + 1
}

/** Appends runs. */
export function writeRuns(writer: ByteWriter, runs: RunColumns): void {
  const count = runs.runs
  writer.uint(count)
  for (let i = 0; i < count; i++) writer.uint(((runs.lengths[i] as number) - 1) * 4 + (runs.kinds[i] as number))
  let cursor = 0
  let gaps = 0
  let expected = 0
  for (let i = 0; i < count; i++) {
    const kind = runs.kinds[i] as OpKind
    const position = runs.positions[i] as number
    const length = runs.lengths[i] as number
    const delta = cursorOf(kind, position) - cursor
    writer.uint(delta < 0 ? -2 * delta - 1 : 2 * delta)
    cursor = cursorAfter(kind, position, length)
    if (runs.events[i] !== expected) gaps++
    expected = (runs.events[i] as number) + length
  }
  writer.uint(gaps)
  if (gaps === 0) return
  expected = 0
  let last = 0
  for (let i = 0; i < count; i++) {
    const event = runs.events[i] as number
    if (event !== expected) {
      writer.uint(i - last)
      writer.uint(event - expected)
      last = i
    }
    expected = event + (runs.lengths[i] as number)
  }
}

/** Reads runs of at most `events` events. Throws `NotCanonical` or `MalformedFrame`. */
export function readRuns(reader: ByteReader, events: number): RunColumns {
  const count = reader.uint()
  // Each run takes two bytes at least, so what is made room for is bounded by what was sent.
  if (count * 2 > reader.remaining) throw notCanonical(`${count} runs in ${reader.remaining} bytes`)
  const heads = readUints(reader, count)
  const deltas = readUints(reader, count)
  const positions: number[] = []
  let cursor = 0
  for (let i = 0; i < count; i++) {
    const kind = (heads[i] as number) % 4
    const length = Math.floor((heads[i] as number) / 4) + 1
    if (kind > opKind.deleteBack) throw notCanonical('unknown kind of operation')
    const delta = deltas[i] as number
    const begin = cursor + (delta % 2 === 0 ? delta / 2 : -(delta + 1) / 2)
    const position = kind === opKind.deleteBack ? begin - 1 : begin
    cursor = cursorAfter(kind, position, length)
    if (length > events || position < 0 || position > maxOperations || cursor < 0 || cursor > maxOperations)
      throw notCanonical('a run out of range')
    positions.push(position)
  }
  const runs = new RunColumns()
  let gaps = reader.uint()
  if (gaps * 2 > reader.remaining) throw notCanonical(`${gaps} gaps in ${reader.remaining} bytes`)
  let event = 0
  let next = gaps > 0 ? reader.uint() : -1
  let last = 0
  for (let i = 0; i < count; i++) {
    if (i === next) {
      const gap = reader.uint()
      if (gap === 0) throw notCanonical('an empty gap')
      event += gap
      last = i
      next = --gaps > 0 ? last + reader.uint() : -1
      if (next === last) throw notCanonical('two gaps in one place')
    }
    const kind = ((heads[i] as number) % 4) as OpKind
    const length = Math.floor((heads[i] as number) / 4) + 1
    if (event + length > events) throw notCanonical('more operations than events')
    if (!runs.append(kind, event, length, positions[i] as number)) throw notCanonical('a run that could be longer')
    event += length
  }
  if (gaps > 0) throw notCanonical('a gap after the last run')
  return runs
}
