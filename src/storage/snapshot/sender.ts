/** Cuts an open snapshot of the state into chunks, on demand. */
import type { Crypto, KvRecord, KvSnapshot } from '../../../base/index.ts'
import { ByteWriter, NitroError } from '../../../base/index.ts'
import type { ChunkKind, SnapshotHead } from './format.ts'
import { encodeChunk, encodeHead, encodeTrailer, payloadBytesMax } from './format.ts'

const chunksKept = 32

/**
 * The chunks of one snapshot, numbered from 0. Going forward costs one pass over the state; going back further than a few
 * chunks starts over, which gives the same chunks since the view is frozen. Closing it closes the view.
 */
export class SnapshotSender {
  readonly head: SnapshotHead
  private readonly view: KvSnapshot
  private readonly crypto: Crypto
  private recent = new Map<number, Uint8Array>()
  private chunks: AsyncIterator<Uint8Array> | undefined
  /** Number of the chunk that the iterator gives next. */
  private next = 0
  private total: number | undefined
  private turn: Promise<unknown> = Promise.resolve()
  private closed = false

  constructor(options: { readonly view: KvSnapshot; readonly head: SnapshotHead; readonly crypto: Crypto }) {
    this.view = options.view
    this.head = options.head
    this.crypto = options.crypto
  }

  /** The chunk of this number, or undefined after the last. Calls are answered in order. */
  chunk(number: number): Promise<Uint8Array | undefined> {
    const answer = this.turn.then(() => this.find(number))
    this.turn = answer.catch(() => undefined)
    return answer
  }

  /** All chunks from `first` on. */
  async *stream(first = 0): AsyncIterable<Uint8Array> {
    for (let number = first; ; number++) {
      const chunk = await this.chunk(number)
      if (chunk === undefined) return
      yield chunk
    }
  }

  /** Ends the view; later calls throw `Closed`. */
  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await this.turn
    await this.chunks?.return?.()
    await this.view.close()
  }

  private async find(number: number): Promise<Uint8Array | undefined> {
    if (this.closed) throw new NitroError('Closed', 'the snapshot is closed')
    const kept = this.recent.get(number)
    if (kept !== undefined) return kept
    if (this.total !== undefined && number >= this.total) return undefined
    if (this.chunks === undefined || number < this.next) {
      await this.chunks?.return?.()
      this.chunks = this.cut()[Symbol.asyncIterator]()
      this.next = 0
      this.recent.clear()
    }
    for (;;) {
      const step: IteratorResult<Uint8Array, unknown> = await this.chunks.next()
      if (step.done === true) {
        this.total = this.next
        return undefined
      }
      this.recent.set(this.next, step.value)
      this.recent.delete(this.next - chunksKept)
      if (this.next++ === number) return step.value
    }
  }

  private async *cut(): AsyncIterable<Uint8Array> {
    const sha = this.crypto.createSha256()
    let number = 0
    const chunk = (kind: ChunkKind, payload: Uint8Array): Uint8Array => {
      if (kind !== 'trailer') sha.update(payload)
      return encodeChunk(this.crypto, kind, number++, payload)
    }
    const head = encodeHead(this.head)
    for (let at = 0; at < head.length; at += payloadBytesMax) {
      yield chunk('head', head.subarray(at, at + payloadBytesMax))
    }
    const buffer = new ByteWriter(2 * payloadBytesMax)
    let records = 0
    let bytes = 0
    for await (const page of this.view.pages()) {
      for (const record of page) {
        bytes += putRecord(buffer, record)
        records++
        if (buffer.length < payloadBytesMax) continue
        const full = buffer.take()
        buffer.clear()
        let at = 0
        for (; full.length - at >= payloadBytesMax; at += payloadBytesMax) {
          yield chunk('records', full.subarray(at, at + payloadBytesMax))
        }
        buffer.raw(full.subarray(at))
      }
    }
    if (buffer.length > 0) yield chunk('records', buffer.view())
    yield chunk('trailer', encodeTrailer({ records, bytes, sha256: sha.digest() }))
  }
}

function putRecord(buffer: ByteWriter, [key, value]: KvRecord): number {
  const before = buffer.length
  buffer.u32(key.length)
  buffer.u32(value.length)
  buffer.raw(key)
  buffer.raw(value)
  return buffer.length - before
}
