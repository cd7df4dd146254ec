/** The retained entries, in memory: what consensus reads, synchronously. */
import { assert } from '../../../base/index.ts'
import type { Entry, StorageFault } from '../../../consensus/index.ts'
import { entrySize } from '../../../consensus/index.ts'
import { RetainedBytes } from './retained.ts'

/** Entries of this size together, the newest ones, are as they came: they will be asked for, and gone soon. */
const recentBytesMax = 2 << 20

/**
 * Entries (baseIndex, lastIndex], without holes. The entry at `baseIndex` is known by its term only. While a log is read
 * from disk the last index may lie below the base (`replace` with an index that is compacted already).
 */
export class EntryWindow {
  baseIndex: number
  baseTerm: number
  /** Sum of `entrySize` over the retained entries. */
  bytes = 0
  private readonly list: Entry[] = []
  /** The data of the oldest `aged` entries lie in memory of our own, and are copied when they are asked for. */
  private readonly retained: RetainedBytes
  private aged = 0
  /** The sum of `entrySize` over the others. */
  private recentBytes = 0

  constructor(baseIndex: number, baseTerm: number, retained: RetainedBytes = new RetainedBytes()) {
    this.retained = retained
    this.baseIndex = baseIndex
    this.baseTerm = baseTerm
  }

  get count(): number {
    return this.list.length
  }

  get lastIndex(): number {
    return this.baseIndex + this.list.length
  }

  /** The term at `lastIndex`. */
  get lastTerm(): number {
    return this.list.at(-1)?.term ?? this.baseTerm
  }

  term(index: number): number | StorageFault {
    if (index < this.baseIndex) return 'compacted'
    if (index === this.baseIndex) return this.baseTerm
    return this.list[index - this.baseIndex - 1]?.term ?? 'unavailable'
  }

  /** Bytes of the data of the entry at `index`, which must be in the window. */
  dataBytes(index: number): number {
    const entry = this.list[index - this.baseIndex - 1]
    assert(entry !== undefined, () => `entry ${index} is in the log`)
    return entry.data.length
  }

  /** Entries in [lo, hi) up to `maxBytes`, at least one. */
  slice(lo: number, hi: number, maxBytes: number): Entry[] | StorageFault {
    if (lo <= this.baseIndex) return 'compacted'
    if (hi > this.lastIndex + 1) return 'unavailable'
    const first = lo - this.baseIndex - 1
    const limit = hi - this.baseIndex - 1
    let end = first
    for (let size = 0; end < limit; end++) {
      size += entrySize(this.list[end] as Entry)
      if (size > maxBytes && end > first) break
    }
    const entries = this.list.slice(first, end)
    for (let at = first; at < Math.min(end, this.aged); at++) {
      const entry = this.list[at] as Entry
      entries[at - first] = { ...entry, data: entry.data.slice() }
    }
    return entries
  }

  /** Puts `entry` at its index and forgets all above it. */
  put(entry: Entry): void {
    assert(
      entry.index > this.baseIndex && entry.index <= this.lastIndex + 1,
      () => `entry ${entry.index} leaves a hole`,
    )
    this.cut(entry.index)
    this.list.push(entry)
    this.bytes += entrySize(entry)
    this.recentBytes += entrySize(entry)
    while (this.recentBytes > recentBytesMax) this.age()
  }

  private age(): void {
    const entry = this.list[this.aged] as Entry
    this.list[this.aged++] = { ...entry, data: this.retained.add(entry.data) }
    this.recentBytes -= entrySize(entry)
  }

  /** Forgets all entries from `index` on. */
  cut(index: number): void {
    const keep = Math.max(0, index - this.baseIndex - 1)
    this.uncount(keep, this.list.length)
    if (this.list.length > keep) this.list.length = keep
    if (this.aged <= keep) return
    this.retained.dropLast(this.aged - keep)
    this.aged = keep
  }

  /** Forgets all entries up to `index`, which must be in the window or be its base. */
  compact(index: number): void {
    const term = this.term(index)
    assert(typeof term === 'number', () => `compaction at ${index} outside of the log`)
    const count = index - this.baseIndex
    const aged = Math.min(this.aged, count)
    this.uncount(0, count)
    this.list.splice(0, count)
    this.retained.dropFirst(aged)
    this.aged -= aged
    this.baseIndex = index
    this.baseTerm = term
  }

  /** The entries at these places of the list are about to be forgotten. */
  private uncount(from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const size = entrySize(this.list[at] as Entry)
      this.bytes -= size
      if (at >= this.aged) this.recentBytes -= size
    }
  }

  /** Forgets everything; the log now starts after (index, term). */
  reset(index: number, term: number): void {
    this.retained.dropFirst(this.aged)
    this.aged = 0
    this.recentBytes = 0
    this.list.length = 0
    this.bytes = 0
    this.baseIndex = index
    this.baseTerm = term
  }
}
