/**
 * The table of records: what is known of each change of each key without reading its value. A record is a number, and what is known of
 * it stands in a row of memory that the collector does not look at: with history there are many records, they live for seconds, and as
 * objects they would be the worst case for it. A record's row is one event, one version of its key, and where the bytes are.
 *
 *    f64  create, mod, version, until (the revision that has replaced it; 0 for none), lease
 *    i32  hash, 4 lanes
 *    u32  block (the durable one that holds it; 0 while it is only in memory), offset in it, or in its chunk of memory
 *    i32  chunk of memory (overlay.ts) that holds it; 0 if none does
 *    i32  length of the whole record; position among the changes of its revision, from 0
 *    i32  older: the record this one replaced; 0 when there was none or it is not kept
 *    i32  flags: kind, and what still refers to it
 *
 * A record that is dropped is no longer part of the state or its history. It is freed when nothing refers to it: no newer record of its
 * key, and no flush under way.
 *
 * What is visited in the order of the log lies in that order, because memory far apart is what a put pays most for. So new records
 * take row after row, whole pages at a time, and a page is used again when all of its records are freed. One that is still the state of
 * its key when its event is no longer kept would hold its page for long: it settles, which is to move to pages where any free row is
 * used again.
 */
import { assert } from '../base/index.ts'
import type { Hash128 } from '../base/index.ts'
import type { KeyEntry } from './key-index.ts'

/** What a record says. Emitted ones are events only, never the state of a key. */
export const recordKinds = { put: 0, tombstone: 1, emit: 2 } as const

/** One of {@link recordKinds}. */
export type RecordKind = (typeof recordKinds)[keyof typeof recordKinds]

/** A record's number in the table; 0 is none. */
export type RecordId = number

const pageShift = 10
const pageRows = 1 << pageShift
const rowMask = pageRows - 1
const rowInts = 24
const rowFloats = 12

const createAt = 0
const modAt = 1
const versionAt = 2
const untilAt = 3
const leaseAt = 4

const hashAt = 10
const blockAt = 14
const flagsAt = 15
const offsetAt = 16
const chunkAt = 17
const lengthAt = 18
const positionAt = 19
const olderAt = 20

const kindBits = 3
const droppedBit = 4
const replacedBit = 8
const sealedBit = 16

/** The records of one key space. */
export class Records {
  private readonly ints: Int32Array[] = []
  private readonly floats: Float64Array[] = []
  private readonly entries: (KeyEntry | undefined)[][] = []
  /** By page, how many records it has; -1 for a page of settled ones. */
  private readonly counts: number[] = []
  private readonly freePages: number[] = []
  /** The next new record. */
  private next = 1
  /** The first free row among settled records; the next one stands in its `older`. */
  private free = 0

  constructor() {
    // number 0 is none, and keeps the first page
    this.counts[this.page()] = 1
  }

  /** A blank record of a key. */
  add(entry: KeyEntry): RecordId {
    if ((this.next & rowMask) === 0) this.turn()
    const record = this.next++
    const page = record >> pageShift
    this.counts[page] = (this.counts[page] as number) + 1
    ;(this.entries[page] as (KeyEntry | undefined)[])[record & rowMask] = entry
    return record
  }

  /** A record that is the state of its key and whose event is not kept moves to where it may stay for long. */
  settle(record: RecordId): void {
    const page = record >> pageShift
    if (this.counts[page] === -1 || (this.int(record, flagsAt) & sealedBit) !== 0) return
    const entry = this.entry(record)
    const to = this.settledRow()
    const ints = this.ints[page] as Int32Array
    const from = (record & rowMask) * rowInts
    ;(this.ints[to >> pageShift] as Int32Array).set(ints.subarray(from, from + rowInts), (to & rowMask) * rowInts)
    ;(this.entries[to >> pageShift] as (KeyEntry | undefined)[])[to & rowMask] = entry
    entry.record = to
    this.leave(record)
  }

  /** A record in the place of an entry's last one, which this revision replaces; blank but for what it has of that one. */
  succeed(entry: KeyEntry, revision: number): RecordId {
    const before = entry.record
    const record = this.add(entry)
    entry.record = record
    const beforeFloats = this.floats[before >> pageShift] as Float64Array
    const beforeFloat = (before & rowMask) * rowFloats
    beforeFloats[beforeFloat + untilAt] = revision
    const floats = this.floats[record >> pageShift] as Float64Array
    const float = (record & rowMask) * rowFloats
    floats[float + createAt] = beforeFloats[beforeFloat + createAt] as number
    floats[float + versionAt] = (beforeFloats[beforeFloat + versionAt] as number) + 1
    this.setInt(record, olderAt, before)
    this.refer(before, replacedBit)
    return record
  }

  entry(record: RecordId): KeyEntry {
    return (this.entries[record >> pageShift] as (KeyEntry | undefined)[])[record & rowMask] as KeyEntry
  }

  create(record: RecordId): number {
    return this.float(record, createAt)
  }

  mod(record: RecordId): number {
    return this.float(record, modAt)
  }

  version(record: RecordId): number {
    return this.float(record, versionAt)
  }

  until(record: RecordId): number {
    return this.float(record, untilAt)
  }

  lease(record: RecordId): number {
    return this.float(record, leaseAt)
  }

  block(record: RecordId): number {
    return this.int(record, blockAt) >>> 0
  }

  offset(record: RecordId): number {
    return this.int(record, offsetAt)
  }

  chunk(record: RecordId): number {
    return this.int(record, chunkAt)
  }

  length(record: RecordId): number {
    return this.int(record, lengthAt)
  }

  position(record: RecordId): number {
    return this.int(record, positionAt)
  }

  older(record: RecordId): RecordId {
    return this.int(record, olderAt)
  }

  kind(record: RecordId): RecordKind {
    return (this.int(record, flagsAt) & kindBits) as RecordKind
  }

  /** No longer part of the state or its history. */
  isDropped(record: RecordId): boolean {
    return (this.int(record, flagsAt) & droppedBit) !== 0
  }

  /** Whether it is the state of its key, not history. */
  isCurrent(record: RecordId): boolean {
    // Most that are asked about were replaced, and say so themselves: their entries lie far apart.
    const isPut = (this.int(record, flagsAt) & (kindBits | replacedBit)) === recordKinds.put
    return isPut && this.entry(record).record === record
  }

  /** One lane of its hash, as a signed integer. */
  lane(record: RecordId, lane: number): number {
    return this.int(record, hashAt + lane)
  }

  setCreate(record: RecordId, value: number): void {
    this.setFloat(record, createAt, value)
  }

  setMod(record: RecordId, value: number): void {
    this.setFloat(record, modAt, value)
  }

  setVersion(record: RecordId, value: number): void {
    this.setFloat(record, versionAt, value)
  }

  setUntil(record: RecordId, value: number): void {
    this.setFloat(record, untilAt, value)
  }

  setLease(record: RecordId, value: number): void {
    this.setFloat(record, leaseAt, value)
  }

  setPosition(record: RecordId, value: number): void {
    this.setInt(record, positionAt, value)
  }

  setLength(record: RecordId, value: number): void {
    this.setInt(record, lengthAt, value)
  }

  setKind(record: RecordId, kind: RecordKind): void {
    this.setInt(record, flagsAt, (this.int(record, flagsAt) & ~kindBits) | kind)
  }

  /** The record lies in memory. */
  setChunk(record: RecordId, chunk: number, offset: number): void {
    this.setInt(record, chunkAt, chunk)
    this.setInt(record, offsetAt, offset)
  }

  /** The record lies in a durable block, and no longer in memory. */
  setBlock(record: RecordId, block: number, offset: number): void {
    this.setInt(record, chunkAt, 0)
    this.setInt(record, blockAt, block)
    this.setInt(record, offsetAt, offset)
  }

  setHash(record: RecordId, h0: number, h1: number, h2: number, h3: number): void {
    const at = (record & rowMask) * rowInts + hashAt
    const ints = this.ints[record >> pageShift] as Int32Array
    ints[at] = h0
    ints[at + 1] = h1
    ints[at + 2] = h2
    ints[at + 3] = h3
  }

  /** Which record this one replaced, or 0. No record may name two, or be named by two. */
  setOlder(record: RecordId, older: RecordId): void {
    const before = this.older(record)
    this.setInt(record, olderAt, older)
    if (before !== 0) this.release(before, replacedBit)
    if (older !== 0) this.refer(older, replacedBit)
  }

  /** The record that this one replaced is no longer part of anything. */
  dropOlder(record: RecordId): void {
    const older = this.older(record)
    this.setInt(older, flagsAt, this.int(older, flagsAt) | droppedBit)
    this.setInt(record, olderAt, 0)
    this.release(older, replacedBit)
  }

  /** A flush has the record. */
  seal(record: RecordId): void {
    this.refer(record, sealedBit)
  }

  /** A flush is done with the record, which is freed if it was dropped. */
  unseal(record: RecordId): void {
    this.release(record, sealedBit)
  }

  /** The record is no longer part of anything. What is known of it stays until nothing refers to it. */
  drop(record: RecordId): void {
    this.refer(record, droppedBit)
    this.release(record, 0)
  }

  /** Adds its hash to a sum, or takes it out. */
  sum(record: RecordId, sum: Hash128, sign: 1 | -1): void {
    const at = (record & rowMask) * rowInts + hashAt
    const ints = this.ints[record >> pageShift] as Int32Array
    sum[0] = (sum[0] as number) + Math.imul(sign, ints[at] as number)
    sum[1] = (sum[1] as number) + Math.imul(sign, ints[at + 1] as number)
    sum[2] = (sum[2] as number) + Math.imul(sign, ints[at + 2] as number)
    sum[3] = (sum[3] as number) + Math.imul(sign, ints[at + 3] as number)
  }

  /** Whether its hash is this one. */
  hasHash(record: RecordId, hash: Hash128): boolean {
    const at = (record & rowMask) * rowInts + hashAt
    const ints = this.ints[record >> pageShift] as Int32Array
    const difference =
      ((ints[at] as number) ^ (hash[0] as number)) |
      ((ints[at + 1] as number) ^ (hash[1] as number)) |
      ((ints[at + 2] as number) ^ (hash[2] as number)) |
      ((ints[at + 3] as number) ^ (hash[3] as number))
    return difference === 0
  }

  /** The version of a key at a revision: the newest record from `newest` on down that is not above it; 0 if there is none. */
  at(newest: RecordId, revision: number): RecordId {
    let record = newest
    while (record !== 0 && this.mod(record) > revision) record = this.older(record)
    return record
  }

  private refer(record: RecordId, bit: number): void {
    this.setInt(record, flagsAt, this.int(record, flagsAt) | bit)
  }

  private release(record: RecordId, bit: number): void {
    const flags = this.int(record, flagsAt) & ~bit
    this.setInt(record, flagsAt, flags)
    if ((flags & ~kindBits) !== droppedBit) return
    assert(this.older(record) === 0, 'a record goes after those that it replaced')
    this.leave(record)
  }

  /** The row is free. */
  private leave(record: RecordId): void {
    const page = record >> pageShift
    ;(this.entries[page] as (KeyEntry | undefined)[])[record & rowMask] = undefined
    this.setInt(record, blockAt, 0)
    const count = this.counts[page] as number
    if (count === -1) {
      this.setInt(record, olderAt, this.free)
      this.free = record
      return
    }
    this.counts[page] = count - 1
    if (count === 1 && page !== (this.next - 1) >> pageShift) this.freePages.push(page)
  }

  /** New records go to another page from now on. */
  private turn(): void {
    const full = (this.next - 1) >> pageShift
    if (this.counts[full] === 0) this.freePages.push(full)
    this.next = this.page() << pageShift
  }

  /** A row for a settled record. */
  private settledRow(): RecordId {
    if (this.free === 0) {
      const page = this.page()
      this.counts[page] = -1
      for (let row = pageRows - 1; row >= 0; row--) this.leave((page << pageShift) + row)
    }
    const record = this.free
    this.free = this.older(record)
    return record
  }

  /** A blank page. */
  private page(): number {
    const used = this.freePages.pop()
    if (used !== undefined) {
      ;(this.ints[used] as Int32Array).fill(0)
      return used
    }
    const ints = new Int32Array(pageRows * rowInts)
    this.ints.push(ints)
    this.floats.push(new Float64Array(ints.buffer))
    this.entries.push(Array.from<KeyEntry | undefined>({ length: pageRows }))
    return this.counts.push(0) - 1
  }

  private int(record: RecordId, at: number): number {
    return (this.ints[record >> pageShift] as Int32Array)[(record & rowMask) * rowInts + at] as number
  }

  private float(record: RecordId, at: number): number {
    return (this.floats[record >> pageShift] as Float64Array)[(record & rowMask) * rowFloats + at] as number
  }

  private setInt(record: RecordId, at: number, value: number): void {
    ;(this.ints[record >> pageShift] as Int32Array)[(record & rowMask) * rowInts + at] = value
  }

  private setFloat(record: RecordId, at: number, value: number): void {
    ;(this.floats[record >> pageShift] as Float64Array)[(record & rowMask) * rowFloats + at] = value
  }
}
