/**
 * The versioned key space: current records, their hash sum, and the running chain over all changes.
 *
 * Every change is encoded once (record.ts), hashed, and that hash goes three ways: into the sum over current records (the
 * predecessor's is taken out), into the chain, and into the index, against which the record is checked when it is read back.
 */
import { hash128Into, hash128View, latin1 } from '../base/index.ts'
import type { Hash128 } from '../base/index.ts'
import type { BlockStore } from './block-store.ts'
import { KeyEntry, KeyIndex } from './key-index.ts'
import { Overlay } from './overlay.ts'
import { damaged, recordHeaderBytes, tombstoneFlag, writeRecordHeader } from './record.ts'

const lanes = new Uint32Array(4)
const mixer1 = 0x9e3779b1
const mixer2 = 0x85ebca77

/** The key space of a machine. */
export class State {
  readonly index: KeyIndex = new KeyIndex()
  readonly overlay: Overlay = new Overlay()
  readonly blocks: BlockStore
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
  }

  /**
   * Sets a key to a value; `source` holds the key at `at` and the value right behind it. `position` counts the changes of
   * this revision. Limits have been checked.
   */
  put(key: string, source: Uint8Array, at: number, valueLength: number, revision: number, position: number): void {
    let entry = this.index.get(key)
    if (entry === undefined) {
      entry = new KeyEntry(key)
      entry.create = revision
      this.index.add(entry)
    } else {
      this.release(entry)
    }
    entry.mod = revision
    entry.version++
    const bodyLength = key.length + valueLength
    const to = this.writeHeader(entry, valueLength, 0, position)
    this.overlay.chunk.bytes.set(source.subarray(at, at + bodyLength), to + recordHeaderBytes)
    this.hashRecord(entry)
    const { sum } = this
    sum[0] = (sum[0] as number) + entry.h0
    sum[1] = (sum[1] as number) + entry.h1
    sum[2] = (sum[2] as number) + entry.h2
    sum[3] = (sum[3] as number) + entry.h3
  }

  /** Deletes a key that is there. */
  remove(entry: KeyEntry, revision: number, position: number): void {
    this.index.remove(entry)
    this.release(entry)
    entry.tombstone = true
    entry.create = 0
    entry.mod = revision
    entry.version = 0
    entry.lease = 0
    const to = this.writeHeader(entry, 0, tombstoneFlag, position) + recordHeaderBytes
    const { bytes } = this.overlay.chunk
    for (let i = 0; i < entry.key.length; i++) bytes[to + i] = entry.key.charCodeAt(i)
    this.hashRecord(entry)
  }

  /**
   * Finds an entry's record: afterwards it lies in `foundBytes` at `foundAt`, verified.
   * Throws `StateDamaged` when it is missing or not what was written.
   */
  readRecord(entry: KeyEntry): void {
    if (entry.bytes !== undefined) {
      this.foundBytes = entry.bytes
      this.foundAt = entry.offset
      return
    }
    const block = this.blocks.read(entry.block)
    hash128Into(lanes, 0, block, entry.offset, entry.offset + entry.length)
    if (!hasHash(entry, lanes, 0)) {
      throw damaged(`a record in block ${entry.block} has a wrong hash`)
    }
    this.foundBytes = block
    this.foundAt = entry.offset
  }

  /** The value of an entry, a view. Throws `StateDamaged`. */
  readValue(entry: KeyEntry): Uint8Array {
    this.readRecord(entry)
    return this.foundBytes.subarray(this.foundAt + recordHeaderBytes + entry.key.length, this.foundAt + entry.length)
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
    return this.index.get(latin1(bytes, start, end))
  }

  /** The entry's current record ends to be current. */
  private release(entry: KeyEntry): void {
    const { sum } = this
    sum[0] = (sum[0] as number) - entry.h0
    sum[1] = (sum[1] as number) - entry.h1
    sum[2] = (sum[2] as number) - entry.h2
    sum[3] = (sum[3] as number) - entry.h3
    if (entry.block !== 0) this.blocks.release(entry)
  }

  private writeHeader(entry: KeyEntry, valueLength: number, flags: number, position: number): number {
    const { overlay } = this
    const { key } = entry
    const length = recordHeaderBytes + key.length + valueLength
    const at = overlay.reserve(length)
    const { create, mod, version, lease } = entry
    writeRecordHeader(overlay.chunk.data, at, key.length, valueLength, flags, position, create, mod, version, lease)
    entry.bytes = overlay.chunk.bytes
    entry.offset = at
    entry.length = length
    overlay.touch(entry)
    return at
  }

  private hashRecord(entry: KeyEntry): void {
    hash128View(lanes, 0, this.overlay.chunk.data, entry.offset, entry.offset + entry.length)
    entry.h0 = (lanes[0] as number) | 0
    entry.h1 = (lanes[1] as number) | 0
    entry.h2 = (lanes[2] as number) | 0
    entry.h3 = (lanes[3] as number) | 0
    this.mixChain(entry.h0, entry.h1, entry.h2, entry.h3)
  }
}

/** Whether the four lanes at `lane` are the hash of the entry's record. */
function hasHash(entry: KeyEntry, hash: Uint32Array, lane: number): boolean {
  return (
    (((hash[lane] as number) ^ entry.h0) |
      ((hash[lane + 1] as number) ^ entry.h1) |
      ((hash[lane + 2] as number) ^ entry.h2) |
      ((hash[lane + 3] as number) ^ entry.h3)) ===
    0
  )
}
