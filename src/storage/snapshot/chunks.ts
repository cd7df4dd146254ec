/** Cuts an open snapshot of the state into chunks, as they are asked for. */
import type { Crypto, KvRecord, KvView } from '../../../base/index.ts'
import { ByteWriter } from '../../../base/index.ts'
import type { ChunkKind, SnapshotHead } from './format.ts'
import { encodeChunk, encodeHead, encodeTrailer, payloadBytesMax } from './format.ts'

/**
 * The chunks of one snapshot, numbered from 0. The same view gives the same chunks. The view stays open.
 */
export async function* snapshotChunks(options: {
  readonly view: KvView
  readonly header: SnapshotHead
  readonly crypto: Crypto
}): AsyncGenerator<Uint8Array, void, undefined> {
  const { view, header, crypto } = options
  const sha = crypto.createSha256()
  let number = 0
  const chunk = (kind: ChunkKind, payload: Uint8Array): Uint8Array => {
    if (kind !== 'trailer') sha.update(payload)
    return encodeChunk(crypto, kind, number++, payload)
  }
  const head = encodeHead(header)
  for (let at = 0; at < head.length; at += payloadBytesMax) {
    yield chunk('head', head.subarray(at, at + payloadBytesMax))
  }
  const buffer = new ByteWriter(2 * payloadBytesMax)
  let records = 0
  let bytes = 0
  for await (const page of view.pages()) {
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

function putRecord(buffer: ByteWriter, [key, value]: KvRecord): number {
  const before = buffer.length
  buffer.u32(key.length)
  buffer.u32(value.length)
  buffer.raw(key)
  buffer.raw(value)
  return buffer.length - before
}
