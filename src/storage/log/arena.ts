/** Where batches are encoded before they are written: one buffer, used again and again. */
import type { Crypto } from '../../../base/index.ts'
import type { Entry } from '../../../consensus/index.ts'
import { dataView } from './bytes.ts'
import type { RecordContext } from './record.ts'
import { encodeRecord, recordSize } from './record.ts'

const bytesMin = 64 << 10
/** A larger buffer is given up with the batch that needed it. */
const bytesKept = 4 << 20

const emptyData = new Uint8Array(0)

/** A position of the log that everything before was dropped for. */
export interface ResetMark {
  readonly index: number
  readonly term: number
}

/** Bytes that a batch takes on disk. */
export function batchSize(entries: readonly Entry[], reset: ResetMark | undefined): number {
  let size = reset === undefined ? 0 : recordSize(0)
  for (const entry of entries) size += recordSize(entry.data.length)
  return size
}

/** The buffer; its content is valid until the next batch. */
export class RecordArena {
  bytes = new Uint8Array(bytesMin)
  private view = dataView(this.bytes)

  /**
   * Encodes a batch of `size` bytes from offset `from` on, which must be congruent to the file offset modulo the sector
   * size. Leaves number and header checksum of the last record in `context`.
   */
  encode(
    crypto: Crypto,
    entries: readonly Entry[],
    reset: ResetMark | undefined,
    context: RecordContext,
    from: number,
    size: number,
  ): void {
    this.reserve(from + size)
    let at = from
    if (reset !== undefined) {
      const mark = { index: reset.index, term: reset.term, data: emptyData }
      context.number++
      context.previous = encodeRecord(crypto, this.bytes, this.view, at, 'reset', mark, context)
      at += recordSize(0)
    }
    for (const entry of entries) {
      context.number++
      context.previous = encodeRecord(crypto, this.bytes, this.view, at, entry.type, entry, context)
      at += recordSize(entry.data.length)
    }
  }

  private reserve(size: number): void {
    const { length } = this.bytes
    if (size <= length && length <= bytesKept) return
    let next = size
    if (size <= bytesKept) for (next = bytesMin; next < size;) next *= 2
    this.bytes = new Uint8Array(next)
    this.view = dataView(this.bytes)
  }
}
