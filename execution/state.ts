/**
 * The versioned key space: current records, their history, their hash sum, and the running chain over all changes.
 *
 * Every change is encoded once (record.ts), hashed, and that hash goes three ways: into the sum over current records (the
 * predecessor's is taken out), into the chain, and into the record's row, against which the bytes are checked when they
 * are read back.
 */
import { hash128View, latin1 } from '../base/index.ts'
import type { Hash128 } from '../base/index.ts'
import type { BlockStore } from './block-store.ts'
import { History } from './history.ts'
import { KeyEntry, KeyIndex } from './key-index.ts'
import { LeaseKeys } from './lease-keys.ts'
import { Overlay } from './overlay.ts'
import { damaged, recordHeaderBytes, viewOf, writeRecordHeader } from './record.ts'
import { recordKinds } from './records.ts'
import type { RecordId, Records } from './records.ts'

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
  readonly records: Records
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
    this.records = blocks.records
    this.history = new History(this.records, this.gone, (record) => blocks.dropHistory(record))
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
    this.records.setPosition(record, position)
    if (lease !== 0) {
      this.records.setLease(record, lease)
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
  private become(record: RecordId, source: Uint8Array, at: number, valueLength: number, revision: number): void {
    this.records.setMod(record, revision)
    this.write(record, source, at, valueLength)
    this.records.sum(record, this.sum, 1)
  }

  /** Deletes a key that is there. */
  remove(entry: KeyEntry, revision: number, position: number): void {
    this.index.remove(entry)
    this.gone.add(entry)
    const { records } = this
    const record = this.changed(entry, revision)
    records.setKind(record, recordKinds.tombstone)
    records.setCreate(record, 0)
    records.setVersion(record, 0)
    records.setMod(record, revision)
    records.setPosition(record, position)
    const { key } = entry
    const to = this.begin(record, 0) + recordHeaderBytes
    const { bytes } = this.overlay.chunk
    for (let i = 0; i < key.length; i++) bytes[to + i] = key.charCodeAt(i)
    this.finish(record)
    this.history.count++
  }

  /** Adds an event that changes no key. `source`, `at`, `revision` and `position` as in {@link put}. */
  emit(key: string, source: Uint8Array, at: number, valueLength: number, revision: number, position: number): void {
    const { records } = this
    const record = first(records, new KeyEntry(key))
    records.setKind(record, recordKinds.emit)
    records.setMod(record, revision)
    records.setPosition(record, position)
    this.write(record, source, at, valueLength)
    this.history.count++
  }

  /**
   * Finds a record's bytes: afterwards they lie in `foundBytes` at `foundAt`, verified.
   * Throws `StateDamaged` when they are missing or not what was written.
   */
  readRecord(record: RecordId): void {
    const { blocks, records } = this
    const chunk = records.chunk(record)
    const offset = records.offset(record)
    if (chunk !== 0) {
      this.foundBytes = this.overlay.chunkOf(chunk).bytes
      this.foundAt = offset
      return
    }
    const id = records.block(record)
    const block = blocks.readIfWorth(id)
    this.foundBytes = block?.bytes ?? blocks.readPart(id, offset, records.length(record))
    this.foundAt = block === undefined ? 0 : offset
    this.verify(record, block?.view ?? viewOf(this.foundBytes), this.foundAt)
  }

  /** Throws `StateDamaged` when the record, which stands at `at`, is not what was written into its block. */
  verify(record: RecordId, bytes: DataView, at: number): void {
    const { records } = this
    hash128View(lanes, 0, bytes, at, at + records.length(record))
    if (!records.hasHash(record, lanes)) throw damaged(`a record in block ${records.block(record)} has a wrong hash`)
  }

  /** The value of a record, a view. Throws `StateDamaged`. */
  valueOf(record: RecordId): Uint8Array {
    this.readRecord(record)
    const { foundAt, records } = this
    const start = foundAt + recordHeaderBytes + records.entry(record).key.length
    return this.foundBytes.subarray(start, foundAt + records.length(record))
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
  private created(key: string, revision: number): RecordId {
    const gone = this.gone.size === 0 ? undefined : this.gone.get(key)
    const entry = gone ?? new KeyEntry(key)
    const { records } = this
    const record = gone === undefined ? first(records, entry) : records.succeed(gone, revision)
    if (gone !== undefined) this.gone.remove(gone)
    this.index.add(entry)
    records.setCreate(record, revision)
    records.setVersion(record, 1)
    return record
  }

  /** The record for a change of a key that is there; the one so far becomes history. */
  private changed(entry: KeyEntry, revision: number): RecordId {
    const { records } = this
    const before = entry.record
    records.sum(before, this.sum, -1)
    const lease = records.lease(before)
    if (lease !== 0) this.leaseKeys.move(entry.key, lease, 0)
    this.history.count++
    this.blocks.becomesHistory(before)
    return records.succeed(entry, revision)
  }

  private write(record: RecordId, source: Uint8Array, at: number, valueLength: number): void {
    const to = this.begin(record, valueLength)
    const bodyLength = this.records.entry(record).key.length + valueLength
    this.overlay.chunk.bytes.set(source.subarray(at, at + bodyLength), to + recordHeaderBytes)
    this.finish(record)
  }

  /** Writes the header; key and value go behind it. */
  private begin(record: RecordId, valueLength: number): number {
    const { overlay, records } = this
    const keyLength = records.entry(record).key.length
    const length = recordHeaderBytes + keyLength + valueLength
    const at = overlay.reserve(length)
    writeRecordHeader(
      overlay.chunk.data,
      at,
      keyLength,
      valueLength,
      records.kind(record),
      records.position(record),
      records.create(record),
      records.mod(record),
      records.version(record),
      records.lease(record),
    )
    records.setChunk(record, overlay.number, at)
    records.setLength(record, length)
    return at
  }

  private finish(record: RecordId): void {
    const { records } = this
    const offset = records.offset(record)
    hash128View(lanes, 0, this.overlay.chunk.data, offset, offset + records.length(record))
    const h0 = (lanes[0] as number) | 0
    const h1 = (lanes[1] as number) | 0
    const h2 = (lanes[2] as number) | 0
    const h3 = (lanes[3] as number) | 0
    records.setHash(record, h0, h1, h2, h3)
    this.mixChain(h0, h1, h2, h3)
    this.history.add(record)
  }
}

/** The first record of an entry, blank. */
function first(records: Records, entry: KeyEntry): RecordId {
  const record = records.add(entry)
  entry.record = record
  return record
}
