/**
 * The durable blocks as the machine knows them: which there are, how much of them is live, and a bounded cache of their bytes.
 */
import { assert } from '../base/index.ts'
import { damaged } from './record.ts'

/** Knows every durable block; reads their bytes through the cache. */
export class BlockStore {
  /** The oldest block there is; equal to `next` when there is none. */
  oldest = 1
  /** The id of the next block to be written. */
  next = 1
  /** Bytes of all durable blocks. */
  storedBytes = 0
  /** Bytes of the records in them that are the current ones of their keys. */
  liveBytes = 0
  private readonly sizes = new Map<number, number>()
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
      if (block === undefined || block.length !== this.sizes.get(id)) {
        throw damaged(`block ${id} is ${block === undefined ? 'missing' : 'of a wrong length'}`)
      }
      this.remember(id, block)
      return block
    }
    if (this.cache.delete(id)) this.cache.set(id, known)
    return known
  }

  /** The stored size of a block. */
  sizeOf(id: number): number {
    const size = this.sizes.get(id)
    assert(size !== undefined, () => `block ${id} is known`)
    return size
  }

  /** A block that is now durable. */
  added(id: number, block: Uint8Array): void {
    this.sizes.set(id, block.length)
    this.storedBytes += block.length
    this.remember(id, block)
  }

  /** A block that a loaded state has; its bytes are not kept. */
  loaded(id: number, sizeBytes: number): void {
    this.sizes.set(id, sizeBytes)
    this.storedBytes += sizeBytes
  }

  /** Keeps a block's bytes until it is removed. */
  pin(id: number, block: Uint8Array): void {
    this.pinned.set(id, block)
  }

  /** The oldest block is no longer stored. */
  removedOldest(): void {
    const id = this.oldest++
    this.storedBytes -= this.sizeOf(id)
    this.sizes.delete(id)
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
