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
import { IntColumn } from '../graph/columns.ts'
import { maxOperations } from '../graph/graph.ts'
import { continued, opKind } from './op-log.ts'
import type { OpKind } from './op-log.ts'

/** Runs of operations by event, growing like a log. */
export class RunColumns {
  readonly events = new IntColumn()
  readonly kinds = new IntColumn()
  readonly lengths = new IntColumn()
  readonly positions = new IntColumn()
  /** How many units are inserted in all. */
  inserted = 0

  /** How many runs there are. */
  get runs(): number {
    return this.events.length
  }

  /** Forgets everything and keeps the room. */
  clear(): void {
    this.events.length = this.kinds.length = this.lengths.length = this.positions.length = this.inserted = 0
  }

  /** Adds operations, as part of the last run as far as they go on with it. */
  push(kind: OpKind, event: number, length: number, position: number): void {
    const run = this.runs - 1
    let taken = 0
    if (run >= 0 && this.events.at(run) + this.lengths.at(run) === event) {
      const size = this.lengths.at(run)
      const joined = continued(this.kinds.at(run) as OpKind, this.positions.at(run), size, kind, position)
      if (joined >= 0) {
        this.kinds.data[run] = joined
        taken = joined === kind ? length : 1
        this.lengths.data[run] = size + taken
      }
    }
    if (taken === 0) {
      this.events.push(event)
      this.kinds.push(length === 1 && kind === opKind.deleteBack ? opKind.delete : kind)
      this.lengths.push(length)
      this.positions.push(position)
      taken = length
    }
    if (kind === opKind.insert) this.inserted += taken
    if (taken < length) this.push(kind, event + 1, length - 1, kind === opKind.deleteBack ? position - 1 : position)
  }
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
  const { events, kinds, lengths, positions } = runs
  const count = runs.runs
  writer.uint(count)
  for (let i = 0; i < count; i++) writer.uint((lengths.at(i) - 1) * 4 + kinds.at(i))
  let cursor = 0
  let gaps = 0
  let expected = 0
  for (let i = 0; i < count; i++) {
    const kind = kinds.at(i)
    const delta = cursorOf(kind, positions.at(i)) - cursor
    writer.uint(delta < 0 ? -2 * delta - 1 : 2 * delta)
    cursor = cursorAfter(kind, positions.at(i), lengths.at(i))
    if (events.at(i) !== expected) gaps++
    expected = events.at(i) + lengths.at(i)
  }
  writer.uint(gaps)
  if (gaps === 0) return
  expected = 0
  let last = 0
  for (let i = 0; i < count; i++) {
    if (events.at(i) !== expected) {
      writer.uint(i - last)
      writer.uint(events.at(i) - expected)
      last = i
    }
    expected = events.at(i) + lengths.at(i)
  }
}

/** Reads runs of at most `events` events. Throws `NotCanonical` or `MalformedFrame`. */
export function readRuns(reader: ByteReader, events: number): RunColumns {
  const count = reader.uint()
  // Each run takes two bytes at least, so what is made room for is bounded by what was sent.
  if (count * 2 > reader.remaining) throw notCanonical(`${count} runs in ${reader.remaining} bytes`)
  const heads = new Float64Array(count)
  for (let i = 0; i < count; i++) heads[i] = reader.uint()
  const positions = new Float64Array(count)
  let cursor = 0
  for (let i = 0; i < count; i++) {
    const kind = (heads[i] as number) % 4
    const length = Math.floor((heads[i] as number) / 4) + 1
    if (kind > opKind.deleteBack) throw notCanonical('unknown kind of operation')
    const delta = reader.uint()
    const begin = cursor + (delta % 2 === 0 ? delta / 2 : -(delta + 1) / 2)
    const position = kind === opKind.deleteBack ? begin - 1 : begin
    cursor = cursorAfter(kind, position, length)
    if (length > events || position < 0 || position > maxOperations || cursor < 0 || cursor > maxOperations)
      throw notCanonical('a run out of range')
    positions[i] = position
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
    runs.push(kind, event, length, positions[i] as number)
    if (runs.runs !== i + 1 || runs.kinds.at(i) !== kind) throw notCanonical('a run that could be longer')
    event += length
  }
  if (gaps > 0) throw notCanonical('a gap after the last run')
  return runs
}
