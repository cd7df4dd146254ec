/** The events that are kept, in the order of the log: appended at the end, dropped from the start. */
import type { RecordId, Records } from './records.ts'

const chunkShift = 10
const chunkSize = 1 << chunkShift

/** A queue of records in ascending (revision, position), with every place at hand. */
export class EventLog {
  /** Events ever dropped from the start: the number of the oldest one. */
  dropped = 0
  private readonly chunks: Int32Array[] = []
  private readonly records: Records
  /** Where the first one is in the first chunk. */
  private head = 0
  private count = 0

  constructor(records: Records) {
    this.records = records
  }

  get length(): number {
    return this.count
  }

  push(record: RecordId): void {
    const to = this.head + this.count
    const chunk = this.chunks[to >> chunkShift] ?? this.grow()
    chunk[to & (chunkSize - 1)] = record
    this.count++
  }

  /** The event at a place, counted from the oldest; it must be there. */
  at(place: number): RecordId {
    const from = this.head + place
    return (this.chunks[from >> chunkShift] as Int32Array)[from & (chunkSize - 1)] as number
  }

  /** Drops the oldest events, which must be there. */
  drop(count: number): void {
    this.head += count
    this.count -= count
    this.dropped += count
    const chunks = this.head >> chunkShift
    if (chunks === 0) return
    this.chunks.splice(0, chunks)
    this.head &= chunkSize - 1
  }

  /** The place of the first event of this revision or a later one; `length` when there is none. */
  placeOf(revision: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.records.mod(this.at(middle)) < revision) low = middle + 1
      else high = middle
    }
    return low
  }

  private grow(): Int32Array {
    const chunk = new Int32Array(chunkSize)
    this.chunks.push(chunk)
    return chunk
  }
}
