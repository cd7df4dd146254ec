/**
 * Snapshots as numbered, checksummed chunks of at most 64 KiB.
 *
 *   chunk:  u32 magic, u8 kind, 3 zero bytes, u32 number, u32 payload length, payload, u32 CRC-32 of all before it
 *   kinds:  1 head (first chunks), 2 records, 3 trailer (last chunk)
 *
 * The payloads of one kind, joined, are
 *   head:     u8 format, 32 bytes cluster id, u64 index, u64 term, u64 revision, blob configuration
 *   records:  for each record in key order: u32 key length, u32 value length, key, value; cut wherever a chunk is full
 *   trailer:  u64 records, u64 bytes of record stream, 32 bytes SHA-256 of all head and record payloads
 */
import type { Crypto } from '../../../base/index.ts'
import { ByteReader, ByteWriter, NitroError, assert, isNitroError } from '../../../base/index.ts'

const magic = 0x3143534e
const format = 1

/** Largest chunk. */
export const chunkBytesMax: number = 64 << 10
const chunkHeaderBytes = 16
/** Largest payload of a chunk. */
export const payloadBytesMax: number = chunkBytesMax - chunkHeaderBytes - 4
/** Longest key or value that a receiver believes in, in bytes. */
export const recordBytesMax: number = 256 << 20

/** Which part of a snapshot a chunk carries. */
export type ChunkKind = 'head' | 'records' | 'trailer'
const kinds: readonly (ChunkKind | undefined)[] = [undefined, 'head', 'records', 'trailer']

/** What a snapshot is a snapshot of. */
export interface SnapshotHead {
  /** 32 bytes. */
  readonly clusterId: Uint8Array
  readonly index: number
  readonly term: number
  readonly revision: number
  /** The driver's member table at `index`. */
  readonly configuration: Uint8Array
}

/** What the trailer says of all before it. */
export interface SnapshotTrailer {
  readonly records: number
  readonly bytes: number
  readonly sha256: Uint8Array
}

/** A `SnapshotInvalid` error. */
export function invalid(what: string, cause?: unknown): NitroError {
  return new NitroError('SnapshotInvalid', `the snapshot is not valid: ${what}`, { details: { what }, cause })
}

/** One chunk as bytes. */
export function encodeChunk(crypto: Crypto, kind: ChunkKind, number: number, payload: Uint8Array): Uint8Array {
  assert(payload.length <= payloadBytesMax, 'chunk too large')
  const writer = new ByteWriter(chunkHeaderBytes + payload.length + 4)
  writer.u32(magic)
  writer.u32(kinds.indexOf(kind))
  writer.u32(number)
  writer.u32(payload.length)
  writer.raw(payload)
  writer.u32(crypto.crc32(writer.view()))
  return writer.take()
}

/** The inverse of {@link encodeChunk}; the payload is a view. Throws `SnapshotInvalid`. */
export function decodeChunk(
  crypto: Crypto,
  chunk: Uint8Array,
): { readonly kind: ChunkKind; readonly number: number; readonly payload: Uint8Array } {
  if (chunk.length < chunkHeaderBytes + 4 || chunk.length > chunkBytesMax) throw invalid('a chunk has a wrong size')
  const end = chunk.length - 4
  if (crypto.crc32(chunk.subarray(0, end)) !== new ByteReader(chunk, end).u32()) throw invalid('a chunk is damaged')
  const reader = new ByteReader(chunk, 0, end)
  if (reader.u32() !== magic) throw invalid('this is not a snapshot chunk')
  const kind = kinds[reader.u32()]
  const number = reader.u32()
  const length = reader.u32()
  if (kind === undefined || length !== reader.remaining) throw invalid('a chunk is malformed')
  return { kind, number, payload: reader.raw(length) }
}

/** The head as bytes. */
export function encodeHead(head: SnapshotHead): Uint8Array {
  assert(head.clusterId.length === 32, 'a cluster id has 32 bytes')
  const writer = new ByteWriter(64 + head.configuration.length)
  writer.u8(format)
  writer.raw(head.clusterId)
  writer.u64(head.index)
  writer.u64(head.term)
  writer.u64(head.revision)
  writer.blob(head.configuration)
  return writer.take()
}

/** The inverse of {@link encodeHead}. Throws `SnapshotInvalid`, `UnsupportedFormat`. */
export function decodeHead(bytes: Uint8Array): SnapshotHead {
  return reading(() => {
    const reader = new ByteReader(bytes)
    const found = reader.u8()
    if (found !== format) throw new NitroError('UnsupportedFormat', `the snapshot has format ${found}`)
    const clusterId = reader.raw(32).slice()
    const [index, term, revision] = [reader.u64(), reader.u64(), reader.u64()]
    const configuration = reader.blob().slice()
    reader.finish()
    return { clusterId, index, term, revision, configuration }
  })
}

/** The trailer as bytes. */
export function encodeTrailer(trailer: SnapshotTrailer): Uint8Array {
  const writer = new ByteWriter(48)
  writer.u64(trailer.records)
  writer.u64(trailer.bytes)
  writer.raw(trailer.sha256)
  return writer.take()
}

/** The inverse of {@link encodeTrailer}. Throws `SnapshotInvalid`. */
export function decodeTrailer(bytes: Uint8Array): SnapshotTrailer {
  return reading(() => {
    const reader = new ByteReader(bytes)
    const trailer = { records: reader.u64(), bytes: reader.u64(), sha256: reader.raw(32) }
    reader.finish()
    return trailer
  })
}

function reading<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (isNitroError(error, 'MalformedFrame')) throw invalid('a part of it is malformed', error)
    throw error
  }
}
