/**
 * The window of append messages on their way to one follower, limited in messages and in bytes.
 *
 * A ring of (last index, bytes) pairs in the order of sending. It grows with use up to the limit, so that a generous
 * limit costs nothing for an idle follower.
 */
import { assert } from '../../base/index.ts'
import type { Index } from './types.ts'

/** The messages in flight to one follower. */
export class Inflights {
  readonly maxCount: number
  /** Zero means unlimited. */
  readonly maxBytes: number
  private indexes: number[] = []
  private sizes: number[] = []
  private start = 0
  private used = 0
  private bytesInFlight = 0

  constructor(maxCount: number, maxBytes: number) {
    this.maxCount = maxCount
    this.maxBytes = maxBytes
  }

  get count(): number {
    return this.used
  }

  get bytes(): number {
    return this.bytesInFlight
  }

  /** True when nothing more may be sent. The last message may have passed the byte limit by its own size. */
  full(): boolean {
    return this.used >= this.maxCount || (this.maxBytes !== 0 && this.bytesInFlight >= this.maxBytes)
  }

  /** Notes a message that ends at `lastIndex`; indexes never go down. */
  add(lastIndex: Index, bytes: number): void {
    assert(!this.full(), 'a message was sent past a full window')
    if (this.used === this.indexes.length) this.grow()
    const at = (this.start + this.used) % this.indexes.length
    this.indexes[at] = lastIndex
    this.sizes[at] = bytes
    this.used++
    this.bytesInFlight += bytes
  }

  /** Frees every message that ends at or before `index`. */
  freeThrough(index: Index): void {
    while (this.used > 0 && (this.indexes[this.start] as number) <= index) {
      this.bytesInFlight -= this.sizes[this.start] as number
      this.start = (this.start + 1) % this.indexes.length
      this.used--
    }
  }

  /** Forgets everything. */
  reset(): void {
    this.start = 0
    this.used = 0
    this.bytesInFlight = 0
  }

  private grow(): void {
    const capacity = Math.min(this.maxCount, Math.max(8, this.indexes.length * 2))
    const indexes: number[] = Array.from({ length: capacity }, () => 0)
    const sizes: number[] = Array.from({ length: capacity }, () => 0)
    for (let i = 0; i < this.used; i++) {
      const at = (this.start + i) % this.indexes.length
      indexes[i] = this.indexes[at] as number
      sizes[i] = this.sizes[at] as number
    }
    this.indexes = indexes
    this.sizes = sizes
    this.start = 0
  }
}
