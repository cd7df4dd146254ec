/** The events that are kept, in the order of the log: appended at the end, dropped from the start. */
import type { KeyRecord } from './key-record.ts'

const chunkShift = 10
const chunkSize = 1 << chunkShift

/** A queue of records in ascending (revision, position), with every place at hand. */
export class EventLog {
  /** Events ever dropped from the start: the number of the oldest one. */
  dropped = 0
  private readonly chunks: (KeyRecord | undefined)[][] = []
  /** Where the first one is in the first chunk. */
  private head = 0
  private count = 0

  get length(): number {
    return this.count
  }

  push(record: KeyRecord): void {
    const to = this.head + this.count
    const chunk = this.chunks[to >> chunkShift] ?? this.grow()
    chunk[to & (chunkSize - 1)] = record
    this.count++
  }

  /** The event at a place, counted from the oldest; it must be there. */
  at(place: number): KeyRecord {
    const from = this.head + place
    return (this.chunks[from >> chunkShift] as (KeyRecord | undefined)[])[from & (chunkSize - 1)] as KeyRecord
  }

  /** Drops the oldest event, which must be there. */
  shift(): void {
    const chunk = this.chunks[0] as (KeyRecord | undefined)[]
    chunk[this.head++] = undefined
    this.count--
    this.dropped++
    if (this.head < chunkSize) return
    this.chunks.shift()
    this.head = 0
  }

  /** The place of the first event of this revision or a later one; `length` when there is none. */
  placeOf(revision: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.at(middle).mod < revision) low = middle + 1
      else high = middle
    }
    return low
  }

  private grow(): (KeyRecord | undefined)[] {
    // Filled from its beginning on.
    const chunk: (KeyRecord | undefined)[] = []
    this.chunks.push(chunk)
    return chunk
  }
}
