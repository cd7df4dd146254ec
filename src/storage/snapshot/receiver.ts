/** Puts chunks together again, trusting none of them. */
import type { Crypto, KvChange, Sha256 } from '../../../base/index.ts'
import { ByteReader, ByteWriter, compareBytes, concatBytes, equalBytes } from '../../../base/index.ts'
import type { SnapshotHead } from './format.ts'
import { decodeChunk, decodeHead, decodeTrailer, invalid, recordBytesMax } from './format.ts'

const recordHeaderBytes = 8

/** What a receiver does with what it gets. */
export interface SnapshotTarget {
  /** The head is known; a rejection ends the transfer. */
  head?(head: SnapshotHead): Promise<void> | void
  /** Records in key order; the next batch comes when this one's promise resolves. The arrays may be kept. */
  records(batch: readonly KvChange[]): Promise<void> | void
}

/**
 * Accepts the chunks of one snapshot in order. Nothing of it may be used before `accept` has said `done`. After an error
 * the receiver is worthless: begin again.
 */
export class SnapshotReceiver {
  /** Number of the chunk it needs next: where a broken transfer goes on. */
  wanted = 0
  /** What the snapshot is of, once known. */
  head: SnapshotHead | undefined
  /** Records and bytes of record stream so far. */
  records = 0
  bytes = 0
  private readonly crypto: Crypto
  private readonly target: SnapshotTarget
  private readonly sha: Sha256
  private headParts: Uint8Array[] = []
  private readonly rest = new ByteWriter(4096)
  private lastKey: Uint8Array | undefined
  private state: 'open' | 'busy' | 'done' | 'failed' = 'open'

  constructor(crypto: Crypto, target: SnapshotTarget) {
    this.crypto = crypto
    this.target = target
    this.sha = crypto.createSha256()
  }

  /**
   * Takes a chunk; one at a time. A chunk of another number than `wanted` is ignored. `done` means that the whole snapshot
   * was verified. Throws `SnapshotInvalid`, `UnsupportedFormat`, and whatever the target throws.
   */
  async accept(chunk: Uint8Array): Promise<'more' | 'done'> {
    if (this.state === 'busy') throw invalid('two chunks at a time')
    if (this.state === 'failed') throw invalid('an earlier chunk was not valid')
    if (this.state === 'done') return 'done'
    this.state = 'busy'
    try {
      this.state = (await this.take(chunk)) ? 'done' : 'open'
    } catch (error) {
      this.state = 'failed'
      throw error
    }
    return this.state === 'done' ? 'done' : 'more'
  }

  private async take(chunk: Uint8Array): Promise<boolean> {
    const { kind, number, payload } = decodeChunk(this.crypto, chunk)
    if (number !== this.wanted) return false
    if (kind === 'head') {
      if (this.head !== undefined) throw invalid('a head chunk after the head')
      this.headParts.push(payload.slice())
    } else if (this.head === undefined) {
      this.head = decodeHead(concatBytes(this.headParts))
      this.headParts = []
      await this.target.head?.(this.head)
    }
    if (kind === 'records') await this.takeRecords(payload)
    if (kind === 'trailer') this.finish(payload)
    else this.sha.update(payload)
    this.wanted++
    return kind === 'trailer'
  }

  private async takeRecords(payload: Uint8Array): Promise<void> {
    this.bytes += payload.length
    this.rest.raw(payload)
    const stream = this.rest.view()
    const batch: KvChange[] = []
    let at = 0
    while (stream.length - at >= recordHeaderBytes) {
      const reader = new ByteReader(stream, at)
      const [keyLength, valueLength] = [reader.u32(), reader.u32()]
      if (keyLength > recordBytesMax || valueLength > recordBytesMax) throw invalid('a record is too long')
      if (reader.remaining < keyLength + valueLength) break
      const change = { key: reader.raw(keyLength).slice(), value: reader.raw(valueLength).slice() }
      if (this.lastKey !== undefined && compareBytes(this.lastKey, change.key) >= 0)
        throw invalid('records out of order')
      this.lastKey = change.key
      batch.push(change)
      at = reader.at
    }
    if (at > 0) {
      const left = stream.slice(at)
      this.rest.clear()
      this.rest.raw(left)
    }
    this.records += batch.length
    if (batch.length > 0) await this.target.records(batch)
  }

  private finish(payload: Uint8Array): void {
    const trailer = decodeTrailer(payload)
    if (this.rest.length > 0) throw invalid('the last record is cut')
    if (trailer.records !== this.records || trailer.bytes !== this.bytes) throw invalid('records are missing')
    if (!equalBytes(trailer.sha256, this.sha.digest())) throw invalid('the checksum of the whole is wrong')
  }
}
