/**
 * An index of keys: a map (key-map.ts) for points, sorted chunks for ranges. One holds the keys that exist, another the deleted ones of
 * which history is kept.
 *
 * Keys are latin1 strings, one char per byte, so `<` is byte order. Nothing here depends on the order in which keys came,
 * which differs between a node that ran the log and one that loaded a snapshot.
 */
import { assert } from '../base/index.ts'
import { KeyMap } from './key-map.ts'
import type { RecordId } from './records.ts'

/** A key that exists, or of which history is kept. It lives as long as any record of the key does. */
export class KeyEntry {
  readonly key: string
  /** The last change of the key: its state if it is a put, its end if it is a delete. 0 only until it has its first one. */
  record: RecordId = 0

  constructor(key: string) {
    this.key = key
  }
}

const chunkMax = 512

/** Entries by key. */
export class KeyIndex {
  private readonly points = new KeyMap()
  private chunks: KeyEntry[][] = []

  get size(): number {
    return this.points.size
  }

  get(key: string): KeyEntry | undefined {
    return this.points.get(key)
  }

  /** The entry whose key stands in `bytes[start, end)`. */
  find(bytes: Uint8Array, start: number, end: number): KeyEntry | undefined {
    return this.points.find(bytes, start, end)
  }

  /** Adds an entry whose key is not there yet. */
  add(entry: KeyEntry): void {
    this.points.set(entry)
    if (this.chunks.length === 0) {
      this.chunks.push([entry])
      return
    }
    const at = this.chunkOf(entry.key)
    const chunk = this.chunks[at] as KeyEntry[]
    chunk.splice(lowerBound(chunk, entry.key), 0, entry)
    if (chunk.length > chunkMax) {
      // Keys often arrive in order: a split at the end leaves full chunks behind.
      const last = at === this.chunks.length - 1 && chunk[chunk.length - 1] === entry
      this.chunks.splice(at + 1, 0, chunk.splice(last ? chunkMax : chunkMax >> 1))
    }
  }

  /** Removes an entry that is there. */
  remove(entry: KeyEntry): void {
    const known = this.points.delete(entry.key)
    assert(known, 'a removed key was in the index')
    const at = this.chunkOf(entry.key)
    const chunk = this.chunks[at] as KeyEntry[]
    if (chunk.length === 1) this.chunks.splice(at, 1)
    else chunk.splice(lowerBound(chunk, entry.key), 1)
  }

  /** Replaces everything; for loading. */
  fill(entries: KeyEntry[]): void {
    assert(this.points.size === 0, 'an index is filled once')
    entries.sort((a, b) => (a.key < b.key ? -1 : 1))
    for (const entry of entries) this.points.set(entry)
    for (let at = 0; at < entries.length; at += chunkMax) this.chunks.push(entries.slice(at, at + chunkMax))
  }

  /** The number of keys in `[start, end)`; `end` undefined means without end. */
  count(start: string, end: string | undefined): number {
    if (this.chunks.length === 0 || (end !== undefined && end <= start)) return 0
    // Keys are looked at in the first and the last chunk only; of the others the lengths do.
    const from = this.chunkOf(start)
    const to = end === undefined ? this.chunks.length - 1 : this.chunkOf(end)
    const last = this.chunks[to] as KeyEntry[]
    let count = end === undefined ? last.length : lowerBound(last, end)
    for (let at = from; at < to; at++) count += (this.chunks[at] as KeyEntry[]).length
    return count - lowerBound(this.chunks[from] as KeyEntry[], start)
  }

  /** Visits the keys of `[start, end)` in order until the visitor says false; the index must not change meanwhile. */
  ascend(start: string, end: string | undefined, visit: (entry: KeyEntry) => boolean): void {
    let at = this.chunkOf(start)
    let i = at < this.chunks.length ? lowerBound(this.chunks[at] as KeyEntry[], start) : 0
    for (; at < this.chunks.length; at++, i = 0) {
      const chunk = this.chunks[at] as KeyEntry[]
      for (; i < chunk.length; i++) {
        const entry = chunk[i] as KeyEntry
        if ((end !== undefined && entry.key >= end) || !visit(entry)) return
      }
    }
  }

  /** As {@link ascend}, from the greatest key down. */
  descend(start: string, end: string | undefined, visit: (entry: KeyEntry) => boolean): void {
    if (this.chunks.length === 0) return
    let at = end === undefined ? this.chunks.length - 1 : this.chunkOf(end)
    let chunk = this.chunks[at] as KeyEntry[]
    let i = (end === undefined ? chunk.length : lowerBound(chunk, end)) - 1
    for (;;) {
      for (; i >= 0; i--) {
        const entry = chunk[i] as KeyEntry
        if (entry.key < start || !visit(entry)) return
      }
      if (--at < 0) return
      chunk = this.chunks[at] as KeyEntry[]
      i = chunk.length - 1
    }
  }

  /** The entries of `[start, end)` one by one, for a walk beside another; the index must not change meanwhile. */
  *entries(start: string, end: string | undefined, reverse: boolean): Generator<KeyEntry> {
    if (this.chunks.length === 0 || (end !== undefined && end <= start)) return
    const step = reverse ? -1 : 1
    let at =
      reverse && end === undefined ? this.chunks.length - 1 : this.chunkOf(reverse && end !== undefined ? end : start)
    let chunk = this.chunks[at] as KeyEntry[]
    let i = lowerBound(chunk, start)
    if (reverse) i = (end === undefined ? chunk.length : lowerBound(chunk, end)) - 1
    for (;;) {
      for (; i >= 0 && i < chunk.length; i += step) {
        const entry = chunk[i] as KeyEntry
        if (reverse ? entry.key < start : end !== undefined && entry.key >= end) return
        yield entry
      }
      at += step
      if (at < 0 || at >= this.chunks.length) return
      chunk = this.chunks[at] as KeyEntry[]
      i = reverse ? chunk.length - 1 : 0
    }
  }

  /** The chunk a key lies in or would be added to: the last one that starts at or before it. */
  private chunkOf(key: string): number {
    let low = 0
    let high = this.chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.chunks[middle] as KeyEntry[])[0]!.key <= key) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** The first position whose key is not below `key`. */
function lowerBound(chunk: readonly KeyEntry[], key: string): number {
  let low = 0
  let high = chunk.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((chunk[middle] as KeyEntry).key < key) low = middle + 1
    else high = middle
  }
  return low
}
