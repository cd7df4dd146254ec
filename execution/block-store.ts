/**
 * The durable blocks as the machine knows them: which there are, whose records they hold, how much of them is live, and a
 * bounded cache of their bytes.
 */
import { assert } from '../base/index.ts'
import type { KeyEntry } from './key-index.ts'
import type { KeyRecord } from './key-record.ts'
import { damaged } from './record.ts'

/** A durable block. */
export interface BlockInfo {
  readonly sizeBytes: number
  /** The keys whose current record was in it once; it still is where the entry's record is in this block. */
  readonly entries: KeyEntry[]
  /** Records in it that are kept but not current. */
  historyCount: number
  /** These, and some that are no longer kept. */
  history: KeyRecord[]
}

/** Knows every durable block; reads their bytes through the cache. */
export class BlockStore {
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
  private readonly pinned = new Map<number, Uint8Array>()
  private readonly cache = new Map<number, Uint8Array>()
  private cachedBytes = 0
  private readonly cacheBytesMax: number
  private readonly readStored: (id: number) => Uint8Array | undefined

  constructor(readStored: (id: number) => Uint8Array | undefined, cacheBytesMax: number) {
    this.readStored = readStored
    this.cacheBytesMax = cacheBytesMax
  }

  /** The bytes of a block, not verified. Throws `StateDamaged` when it is missing. */
  read(id: number): Uint8Array {
    const known = this.cache.get(id) ?? this.pinned.get(id)
    if (known === undefined) {
      const block = this.readStored(id)
      if (block === undefined || block.length !== this.infoOf(id).sizeBytes) {
        throw damaged(`block ${id} is ${block === undefined ? 'missing' : 'of a wrong length'}`)
      }
      this.remember(id, block)
      return block
    }
    if (this.cache.delete(id)) this.cache.set(id, known)
    return known
  }

  /** What is known of a durable block. */
  infoOf(id: number): BlockInfo {
    const info = this.infos[id - this.oldest]
    assert(info !== undefined, () => `block ${id} is known`)
    return info
  }

  /** A block that is now durable; its records come with {@link hold}. */
  added(id: number, block: Uint8Array): void {
    this.loaded(block.length)
    this.remember(id, block)
  }

  /** A block that a loaded state has; its bytes are not kept. */
  loaded(sizeBytes: number): void {
    this.infos.push({ sizeBytes, entries: [], historyCount: 0, history: [] })
    this.storedBytes += sizeBytes
  }

  /** A kept record is now in its block. */
  hold(record: KeyRecord): void {
    this.liveBytes += record.length
    if (record.isCurrent) this.infoOf(record.block).entries.push(record.entry)
    else this.becomesHistory(record)
  }

  /** A record leaves the block it is in, which is gone already, for another. */
  leave(record: KeyRecord): void {
    this.liveBytes -= record.length
  }

  /** A kept record is not current, or will not be any more. */
  becomesHistory(record: KeyRecord): void {
    if (record.block === 0) return
    const info = this.infoOf(record.block)
    info.history.push(record)
    info.historyCount++
  }

  /** A record of history is no longer kept. */
  dropHistory(record: KeyRecord): void {
    if (record.block === 0) return
    this.liveBytes -= record.length
    const info = this.infoOf(record.block)
    info.historyCount--
    if (info.history.length > 2 * info.historyCount + 16) info.history = info.history.filter((one) => !one.isDropped)
  }

  /** Keeps a block's bytes until it is removed. */
  pin(id: number, block: Uint8Array): void {
    this.pinned.set(id, block)
  }

  /** The oldest block is no longer stored. */
  removedOldest(): void {
    const id = this.oldest
    this.storedBytes -= this.infoOf(id).sizeBytes
    this.infos.shift()
    this.oldest++
    this.pinned.delete(id)
    const cached = this.cache.get(id)
    if (cached !== undefined) {
      this.cache.delete(id)
      this.cachedBytes -= cached.length
    }
  }

  private remember(id: number, block: Uint8Array): void {
    if (block.length > this.cacheBytesMax) return
    this.cache.set(id, block)
    this.cachedBytes += block.length
    for (const [oldest, bytes] of this.cache) {
      if (this.cachedBytes <= this.cacheBytesMax) break
      this.cache.delete(oldest)
      this.cachedBytes -= bytes.length
    }
  }
}
