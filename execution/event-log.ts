/** The events that are kept, in the order of the log: appended at the end, dropped from the start. */
import type { KeyRecord } from './key-record.ts'

const chunkShift = 10
const chunkSize = 1 << chunkShift

/** A queue of records in ascending (revision, position), with every place at hand. */
export class EventLog {
  /** All full but the last. */
  private readonly chunks: KeyRecord[][] = []
  /** Records of the first chunk that were dropped. */
  private head = 0
  private count = 0

  get length(): number {
    return this.count
  }

  push(record: KeyRecord): void {
    let last = this.chunks[this.chunks.length - 1]
    if (last === undefined || last.length === chunkSize) {
      last = []
      this.chunks.push(last)
    }
    last.push(record)
    this.count++
  }

  /** The event at a place, counted from the oldest; it must be there. */
  at(place: number): KeyRecord {
    const from = this.head + place
    return (this.chunks[from >> chunkShift] as KeyRecord[])[from & (chunkSize - 1)] as KeyRecord
  }

  /** Drops the oldest event, which must be there. */
  shift(): void {
    this.count--
    this.head++
    if (this.head < chunkSize && this.count > 0) return
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
}
