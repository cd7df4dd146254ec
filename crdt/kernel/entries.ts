/**
 * The dot store that maps dots to payloads, as a linked list by dot: nearly always there is one entry, and a list of one costs
 * no more than the entry.
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import type { Past } from './dot.ts'
import { compareDots, maxReplicaId, maxSeq } from './dot.ts'
import { maxWallMs, tickOf, timeHigh, timeLow, wallOf } from './hlc.ts'

/** A dot and its payload. Times are 0 where the type has no use for them. */
export class Entry<V> {
  /** Keeps the shape, as {@link ByteReader.kept}. */
  static readonly kept: Entry<undefined> = new Entry(0, 0, 0, 0, undefined)
  readonly rid: number
  readonly seq: number
  readonly high: number
  readonly low: number
  value: V
  next: Entry<V> | undefined

  constructor(rid: number, seq: number, high: number, low: number, value: V) {
    this.rid = rid
    this.seq = seq
    this.high = high
    this.low = low
    this.value = value
    this.next = undefined
  }
}

/** A list of entries by dot; undefined is the empty one. */
export type Entries<V> = Entry<V> | undefined

/** How a payload is written. */
export interface Payload<V> {
  readonly time: boolean
  write(writer: ByteWriter, value: V): void
  read(reader: ByteReader): V
}

/** Removes what lies in a past. */
export function removeCovered<V>(head: Entries<V>, past: Past): Entries<V> {
  let first = head
  while (first !== undefined && past.covers(first.rid, first.seq)) first = first.next
  let entry = first
  while (entry?.next !== undefined) {
    if (past.covers(entry.next.rid, entry.next.seq)) entry.next = entry.next.next
    else entry = entry.next
  }
  return first
}

/** Adds an entry; one with the same dot is replaced. */
export function insertEntry<V>(head: Entries<V>, entry: Entry<V>): Entry<V> {
  if (head === undefined || compareDots(entry, head) < 0) {
    entry.next = head
    return entry
  }
  let before = head
  while (before.next !== undefined && compareDots(before.next, entry) <= 0) before = before.next
  if (compareDots(before, entry) === 0) before.value = entry.value
  else {
    entry.next = before.next
    before.next = entry
  }
  return head
}

/** The join of two dot stores under their contexts: what both hold, and what one holds and the other has not seen. */
export function joinEntries<V>(mine: Entries<V>, theirs: Entries<V>, seenHere: Past, seenThere: Past): Entries<V> {
  let head: Entries<V>
  let tail: Entries<V>
  const keep = (entry: Entry<V>): void => {
    if (tail === undefined) head = entry
    else tail.next = entry
    tail = entry
  }
  let a = mine
  let b = theirs
  while (a !== undefined || b !== undefined) {
    const order = a === undefined ? 1 : b === undefined ? -1 : compareDots(a, b)
    if (order <= 0) {
      const entry = a as Entry<V>
      a = entry.next
      if (order === 0) b = (b as Entry<V>).next
      if (order === 0 || !seenThere.covers(entry.rid, entry.seq)) keep(entry)
    } else {
      const entry = b as Entry<V>
      b = entry.next
      if (!seenHere.covers(entry.rid, entry.seq)) {
        keep(new Entry(entry.rid, entry.seq, entry.high, entry.low, entry.value))
      }
    }
  }
  if (tail !== undefined) tail.next = undefined
  return head
}

/** The entry that decides where one must: the latest by time, then by dot. */
export function latestEntry<V>(head: Entries<V>): Entries<V> {
  let latest = head
  for (let entry = head?.next; entry !== undefined; entry = entry.next) {
    const best = latest as Entry<V>
    // The list is by dot, so of equal times the later entry has the larger dot.
    if (entry.high > best.high || (entry.high === best.high && entry.low >= best.low)) latest = entry
  }
  return latest
}

/** Appends the canonical bytes of a list. */
export function writeEntries<V>(writer: ByteWriter, head: Entries<V>, payload: Payload<V>): void {
  let count = 0
  for (let entry = head; entry !== undefined; entry = entry.next) count++
  writer.uint(count)
  for (let entry = head; entry !== undefined; entry = entry.next) {
    writer.uint(entry.rid)
    writer.uint(entry.seq)
    if (payload.time) writeTime(writer, entry.high, entry.low)
    payload.write(writer, entry.value)
  }
}

/** Reads what {@link writeEntries} wrote. Throws `NotCanonical`. */
export function readEntries<V>(reader: ByteReader, payload: Payload<V>): Entries<V> {
  let head: Entries<V>
  let tail: Entries<V>
  for (let count = reader.uint(); count > 0; count--) {
    const rid = reader.uint()
    const seq = reader.uint()
    if (rid > maxReplicaId || seq >= maxSeq) throw notCanonical('a dot above the limit')
    let high = 0
    let low = 0
    if (payload.time) [high, low] = readTime(reader)
    const entry = new Entry(rid, seq, high, low, payload.read(reader))
    if (tail === undefined) head = entry
    else if (compareDots(tail, entry) < 0) tail.next = entry
    else throw notCanonical('dots out of order')
    tail = entry
  }
  return head
}

/** Appends a time: wall milliseconds, then tick. */
export function writeTime(writer: ByteWriter, high: number, low: number): void {
  writer.uint(wallOf(high, low))
  writer.uint(tickOf(low))
}

/** Reads what {@link writeTime} wrote. */
export function readTime(reader: ByteReader): [high: number, low: number] {
  const wall = reader.uint()
  const tick = reader.uint()
  if (wall > maxWallMs || tick > 0xffff) throw notCanonical('a time above the limit')
  return [timeHigh(wall), timeLow(wall, tick)]
}
