/**
 * The versioned key space: current records, their history, their hash sum, and the running chain over all changes.
 *
 * Every change is encoded once (record.ts), hashed, and that hash goes three ways: into the sum over current records (the
 * predecessor's is taken out), into the chain, and into the record's object, against which the bytes are checked when they
 * are read back.
 */
import { hash128View, latin1 } from '../base/index.ts'
import type { Hash128 } from '../base/index.ts'
import type { BlockStore } from './block-store.ts'
import { History } from './history.ts'
import { KeyEntry, KeyIndex } from './key-index.ts'
import { KeyRecord, recordKinds } from './key-record.ts'
import { LeaseKeys } from './lease-keys.ts'
import { Overlay } from './overlay.ts'
import { damaged, recordHeaderBytes, viewOf, writeRecordHeader } from './record.ts'

const lanes = new Uint32Array(4)
const mixer1 = 0x9e3779b1
const mixer2 = 0x85ebca77

/** The key space of a machine. */
export class State {
  /** The keys that exist. */
  readonly index: KeyIndex = new KeyIndex()
  /** The deleted keys of which history is kept. */
  readonly gone: KeyIndex = new KeyIndex()
  readonly overlay: Overlay = new Overlay()
  readonly blocks: BlockStore
  readonly history: History
  /** Which keys are attached to which lease. */
  readonly leaseKeys: LeaseKeys = new LeaseKeys()
  /** The revision of the last transaction that changed a key. */
  revision = 0
  /** The sum of the hashes of all current records. */
  readonly sum: Hash128 = new Uint32Array(4)
  /** The chain over every change and every entry ever applied. */
  readonly chain: Hash128 = new Uint32Array(4)
  /** Where the last {@link readRecord} found its record. */
  foundBytes: Uint8Array = this.overlay.chunk.bytes
  foundAt = 0

  constructor(blocks: BlockStore) {
    this.blocks = blocks
    this.history = new History(this.gone, (record) => blocks.dropHistory(record))
  }

  /**
   * Sets a key to a value; `source` holds the key at `at` and the value right behind it. `position` counts the changes of
   * this revision, from 0; a revision changes a key once at most. Without a lease the key is detached from the one it had.
   * Limits have been checked.
   */
  put(
    key: string,
    source: Uint8Array,
    at: number,
    valueLength: number,
    revision: number,
    position: number,
    lease = 0,
  ): void {
    const known = this.index.get(key)
    const record = known === undefined ? this.created(key, revision) : this.changed(known, revision)
    record.position = position
    if (lease !== 0) {
      record.lease = lease
      this.leaseKeys.move(key, 0, lease)
    }
    this.become(record, source, at, valueLength, revision)
  }

  /** As {@link put}, as the only change of its revision, for a key of which nobody has made the text. */
  putAt(source: Uint8Array, at: number, keyLength: number, valueLength: number, revision: number): void {
    const known = this.index.find(source, at, at + keyLength)
    const record =
      known === undefined ? this.created(latin1(source, at, at + keyLength), revision) : this.changed(known, revision)
    this.become(record, source, at, valueLength, revision)
  }

  /** The record is what its key is from this revision on. */
  private become(record: KeyRecord, source: Uint8Array, at: number, valueLength: number, revision: number): void {
    record.mod = revision
    this.write(record, source, at, valueLength)
    const { sum } = this
    sum[0] = (sum[0] as number) + record.h0
    sum[1] = (sum[1] as number) + record.h1
    sum[2] = (sum[2] as number) + record.h2
    sum[3] = (sum[3] as number) + record.h3
  }

  /** Deletes a key that is there. */
  remove(entry: KeyEntry, revision: number, position: number): void {
    this.index.remove(entry)
    this.gone.add(entry)
    const record = this.changed(entry, revision)
    record.kind = recordKinds.tombstone
    record.create = 0
    record.version = 0
    record.mod = revision
    record.position = position
    const { key } = entry
    const to = this.begin(record, 0) + recordHeaderBytes
    const { bytes } = this.overlay.chunk
    for (let i = 0; i < key.length; i++) bytes[to + i] = key.charCodeAt(i)
    this.finish(record)
    this.history.count++
  }

  /** Adds an event that changes no key. `source`, `at`, `revision` and `position` as in {@link put}. */
  emit(key: string, source: Uint8Array, at: number, valueLength: number, revision: number, position: number): void {
    const { record } = new KeyEntry(key)
    record.kind = recordKinds.emit
    record.mod = revision
    record.position = position
    this.write(record, source, at, valueLength)
    this.history.count++
  }

  /**
   * Finds a record's bytes: afterwards they lie in `foundBytes` at `foundAt`, verified.
   * Throws `StateDamaged` when they are missing or not what was written.
   */
  readRecord(record: KeyRecord): void {
    if (record.bytes !== undefined) {
      this.foundBytes = record.bytes
      this.foundAt = record.offset
      return
    }
    const block = this.blocks.readIfWorth(record.block)
    this.foundBytes = block?.bytes ?? this.blocks.readPart(record.block, record.offset, record.length)
    this.foundAt = block === undefined ? 0 : record.offset
    this.verify(record, block?.view ?? viewOf(this.foundBytes), this.foundAt)
  }

  /** Throws `StateDamaged` when the record, which stands at `at`, is not what was written into its block. */
  verify(record: KeyRecord, bytes: DataView, at: number): void {
    hash128View(lanes, 0, bytes, at, at + record.length)
    if (!hasHash(record, lanes)) throw damaged(`a record in block ${record.block} has a wrong hash`)
  }

  /** The value of a record, a view. Throws `StateDamaged`. */
  valueOf(record: KeyRecord): Uint8Array {
    this.readRecord(record)
    const { foundAt } = this
    return this.foundBytes.subarray(foundAt + recordHeaderBytes + record.entry.key.length, foundAt + record.length)
  }

  /** The current value of a key that exists, a view. Throws `StateDamaged`. */
  readValue(entry: KeyEntry): Uint8Array {
    return this.valueOf(entry.record)
  }

  /** Adds four lanes to the chain; the order matters. */
  mixChain(h0: number, h1: number, h2: number, h3: number): void {
    const { chain } = this
    const c0 = Math.imul((chain[0] as number) ^ h0, mixer1)
    const c1 = Math.imul((chain[1] as number) ^ h1, mixer2)
    const c2 = Math.imul((chain[2] as number) ^ h2, mixer1)
    const c3 = Math.imul((chain[3] as number) ^ h3, mixer2)
    chain[0] = (c0 ^ (c1 >>> 15)) + c3
    chain[1] = (c1 ^ (c2 >>> 13)) + c0
    chain[2] = (c2 ^ (c3 >>> 16)) + c1
    chain[3] = (c3 ^ (c0 >>> 14)) + c2
  }

  /** The key of a latin1 range in a byte string; for callers that have bytes. */
  lookup(bytes: Uint8Array, start: number, end: number): KeyEntry | undefined {
    return this.index.find(bytes, start, end)
  }

  /** The record for a key that is not there, in the index from now on. */
  private created(key: string, revision: number): KeyRecord {
    const gone = this.gone.size === 0 ? undefined : this.gone.get(key)
    const entry = gone ?? new KeyEntry(key)
    let { record } = entry
    if (gone !== undefined) {
      this.gone.remove(gone)
      record = succeed(gone)
    }
    this.index.add(entry)
    record.create = revision
    record.version = 1
    return record
  }

  /** The record for a change of a key that is there; the one so far becomes history. */
  private changed(entry: KeyEntry, revision: number): KeyRecord {
    const before = entry.record
    before.until = revision
    const { sum } = this
    sum[0] = (sum[0] as number) - before.h0
    sum[1] = (sum[1] as number) - before.h1
    sum[2] = (sum[2] as number) - before.h2
    sum[3] = (sum[3] as number) - before.h3
    if (before.lease !== 0) this.leaseKeys.move(entry.key, before.lease, 0)
    this.history.count++
    this.blocks.becomesHistory(before)
    const record = succeed(entry)
    record.create = before.create
    record.version = before.version + 1
    return record
  }

  private write(record: KeyRecord, source: Uint8Array, at: number, valueLength: number): void {
    const to = this.begin(record, valueLength)
    const bodyLength = record.entry.key.length + valueLength
    this.overlay.chunk.bytes.set(source.subarray(at, at + bodyLength), to + recordHeaderBytes)
    this.finish(record)
  }

  /** Writes the header; key and value go behind it. */
  private begin(record: KeyRecord, valueLength: number): number {
    const { overlay } = this
    const keyLength = record.entry.key.length
    const length = recordHeaderBytes + keyLength + valueLength
    const at = overlay.reserve(length)
    const { kind, position, create, mod, version, lease } = record
    writeRecordHeader(overlay.chunk.data, at, keyLength, valueLength, kind, position, create, mod, version, lease)
    record.bytes = overlay.chunk.bytes
    record.offset = at
    record.length = length
    return at
  }

  private finish(record: KeyRecord): void {
    hash128View(lanes, 0, this.overlay.chunk.data, record.offset, record.offset + record.length)
    record.h0 = (lanes[0] as number) | 0
    record.h1 = (lanes[1] as number) | 0
    record.h2 = (lanes[2] as number) | 0
    record.h3 = (lanes[3] as number) | 0
    this.mixChain(record.h0, record.h1, record.h2, record.h3)
    this.history.add(record)
  }
}

/** A blank record in the place of the entry's last one. */
function succeed(entry: KeyEntry): KeyRecord {
  const record = new KeyRecord(entry)
  record.older = entry.record
  entry.record = record
  return record
}

function hasHash(record: KeyRecord, hash: Uint32Array): boolean {
  return (
    (((hash[0] as number) ^ record.h0) |
      ((hash[1] as number) ^ record.h1) |
      ((hash[2] as number) ^ record.h2) |
      ((hash[3] as number) ^ record.h3)) ===
    0
  )
}
