/**
 * The durable blocks as the machine knows them: which there are, whose records they hold, how much of them is live, and a
 * bounded cache of their bytes.
 */
import { assert } from '../base/index.ts'
import { BlockCache } from './block-cache.ts'
import type { Block } from './block-cache.ts'
import type { KeyEntry } from './key-index.ts'
import { damaged } from './record.ts'
import type { RecordId, Records } from './records.ts'

/** A durable block. */
export interface BlockInfo {
  readonly sizeBytes: number
  /** Records of it that were read alone since it was last read whole. */
  parts: number
  /** The keys whose current record was in it once; it still is where the entry's record is in this block. */
  readonly entries: KeyEntry[]
  /** Records in it that are not current, some of which are no longer kept, or another one by now: see {@link BlockStore.historyOf}. */
  readonly history: RecordId[]
}

/**
 * Reads a stored block, or `length` bytes of it from `offset` on if they are given. Undefined when there is no such block; fewer
 * bytes where it ends. What it gives is checked by whoever asked.
 */
export type BlockReader = (id: number, offset?: number, length?: number) => Uint8Array | undefined

/** Single records that are read of a block before it is read whole. */
const partsMax = 8

/** Knows every durable block; reads their bytes through the cache. */
export class BlockStore {
  readonly records: Records
  /** The oldest block there is; equal to `next` when there is none. */
  oldest = 1
  /** The id of the next block to be written. */
  next = 1
  /** Bytes of all durable blocks. */
  storedBytes = 0
  /** Bytes of the records in them that are kept: current ones and history. */
  liveBytes = 0
  /** By id, from the oldest on. */
  private readonly infos: BlockInfo[] = []
  /** Blocks being removed by a flush under way: they may be gone from disk before we hear of it. */
  private readonly pinned = new Map<number, Block>()
  private readonly cache: BlockCache
  private readonly readStored: BlockReader

  constructor(records: Records, readStored: BlockReader, cacheBytesMax: number) {
    this.records = records
    this.readStored = readStored
    this.cache = new BlockCache(cacheBytesMax)
  }

  /** The bytes of a block, not verified. Throws `StateDamaged` when it is missing. */
  read(id: number): Block {
    const held = this.held(id)
    if (held !== undefined) return held
    const bytes = this.readStored(id)
    if (bytes === undefined || bytes.length !== this.infoOf(id).sizeBytes) {
      throw damaged(`block ${id} is ${bytes === undefined ? 'missing' : 'of a wrong length'}`)
    }
    return this.cache.add(id, bytes)
  }

  /** A block that is in memory, or that is worth to be read whole by now; undefined when one record of it is better read alone. */
  readIfWorth(id: number): Block | undefined {
    const held = this.held(id)
    if (held !== undefined) return held
    const info = this.infoOf(id)
    if (++info.parts <= partsMax) return undefined
    info.parts = 0
    return this.read(id)
  }

  /** Some bytes of a block. Throws `StateDamaged` when they are missing. */
  readPart(id: number, offset: number, length: number): Uint8Array {
    const bytes = this.readStored(id, offset, length)
    if (bytes?.length !== length) throw damaged(`block ${id} is missing or of a wrong length`)
    return bytes
  }

  private held(id: number): Block | undefined {
    return this.cache.get(id) ?? this.pinned.get(id)
  }

  /** What is known of a durable block. */
  infoOf(id: number): BlockInfo {
    const info = this.infos[id - this.oldest]
    assert(info !== undefined, () => `block ${id} is known`)
    return info
  }

  /** Memory for a block that is being made, to come back with {@link added}. Views of other blocks are over with it. */
  memory(sizeBytes: number): Uint8Array {
    return this.cache.memory(sizeBytes)
  }

  /** A block that is now durable; its records come with {@link hold}. */
  added(id: number, block: Uint8Array): void {
    this.loaded(block.length)
    this.cache.addWritten(id, block)
  }

  /** A block that a loaded state has; its bytes are not kept. */
  loaded(sizeBytes: number): void {
    this.infos.push({ sizeBytes, parts: 0, entries: [], history: [] })
    this.storedBytes += sizeBytes
  }

  /** A kept record is now in its block. */
  hold(record: RecordId): void {
    const { records } = this
    this.liveBytes += records.length(record)
    if (records.isCurrent(record)) this.infoOf(records.block(record)).entries.push(records.entry(record))
    else this.becomesHistory(record)
  }

  /** A record is kept in its block no more: it moves to another, or is dropped. */
  leave(record: RecordId): void {
    this.liveBytes -= this.records.length(record)
  }

  /** A kept record is not current, or will not be any more. */
  becomesHistory(record: RecordId): void {
    const block = this.records.block(record)
    if (block !== 0) this.infoOf(block).history.push(record)
  }

  /** A record of history is no longer kept. */
  dropHistory(record: RecordId): void {
    if (this.records.block(record) !== 0) this.leave(record)
  }

  /** The kept records of a block that are not current. */
  historyOf(id: number): RecordId[] {
    const { records } = this
    const known = new Set<RecordId>()
    for (const record of this.infoOf(id).history) {
      if (records.block(record) === id && !records.isDropped(record) && !records.isCurrent(record)) known.add(record)
    }
    return [...known]
  }

  /** Keeps a block's bytes until it is removed. */
  pin(id: number, block: Block): void {
    this.pinned.set(id, block)
    this.cache.keep(id)
  }

  /** The oldest block is no longer stored. */
  removedOldest(): void {
    const id = this.oldest
    this.storedBytes -= this.infoOf(id).sizeBytes
    this.infos.shift()
    this.oldest++
    this.pinned.delete(id)
    this.cache.delete(id)
  }
}
