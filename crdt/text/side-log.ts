/**
 * Operations beside those of a sequence, one at a time: marks of a text, new values of list elements. They take local versions of the
 * same graph, and travel in the same section.
 *
 *   count, then for each: events since the one before (or since the beginning), and what the owner writes
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { IntColumn } from '../graph/columns.ts'
import type { Ranges } from '../graph/walk.ts'

/** An operation that was read, with the number of its event. */
export interface SideOperation<T> {
  readonly event: number
  readonly item: T
}

/** See the header. Items are in order of their LVs. */
export class SideLog<T> {
  readonly lvs = new IntColumn()
  readonly items: T[] = []

  /** Adds an operation that comes after all others. */
  push(lv: number, item: T): void {
    this.lvs.push(lv)
    this.items.push(item)
  }

  /** Whether there is an operation with an LV in `[start, end)`. */
  hasIn(start: number, end: number): boolean {
    const index = this.lvs.floor(start - 1) + 1
    return index < this.lvs.length && this.lvs.at(index) < end
  }

  /** Appends the operations with LVs in the ranges. */
  write(writer: ByteWriter, ranges: Ranges, writeItem: (item: T) => void): void {
    const found: number[] = []
    let before = 0
    for (let i = 0; i < ranges.length; i += 2) {
      const start = ranges[i] as number
      const end = ranges[i + 1] as number
      for (let k = this.lvs.floor(start - 1) + 1; k < this.lvs.length && this.lvs.at(k) < end; k++) {
        found.push(before + this.lvs.at(k) - start, k)
      }
      before += end - start
    }
    writer.uint(found.length / 2)
    let last = -1
    for (let i = 0; i < found.length; i += 2) {
      writer.uint((found[i] as number) - last - 1)
      last = found[i] as number
      writeItem(this.items[found[i + 1] as number] as T)
    }
  }
}

const none: readonly never[] = []

/** Reads what {@link SideLog.write} wrote for so many events. Throws `NotCanonical` or `MalformedFrame`. */
export function readSide<T>(
  reader: ByteReader,
  events: number,
  readItem: (reader: ByteReader) => T,
): readonly SideOperation<T>[] {
  const count = reader.uint()
  if (count === 0) return none
  if (count > reader.remaining) throw notCanonical(`${count} operations in ${reader.remaining} bytes`)
  const read: SideOperation<T>[] = []
  let event = -1
  for (let i = 0; i < count; i++) {
    event += reader.uint() + 1
    if (event >= events) throw notCanonical('more operations than events')
    read.push({ event, item: readItem(reader) })
  }
  return read
}
