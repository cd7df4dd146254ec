/** The one record that says where the state stands, written with every flush in the same batch. */
import { ByteReader, ByteWriter, NitroError, emptyBytes, hash128, hash128Into, isNitroError } from '../base/index.ts'
import type { Hash128 } from '../base/index.ts'
import { damaged } from './record.ts'

/** The key of the metadata record. */
export const metadataKey: Uint8Array = Uint8Array.of(0x6d)

const metadataFormat = 1
const seed = 0x6d

/** What is the same on every node that has applied the same log. */
export interface Standing {
  readonly appliedIndex: number
  readonly appliedTerm: number
  readonly logTime: number
  readonly wallTime: number
  readonly revision: number
  readonly keyCount: number
  readonly recordSum: Hash128
  readonly chain: Hash128
  readonly sessionCount: number
  readonly sessionSum: Hash128
  readonly sessionUses: number
  readonly configuration: Uint8Array
}

/** The metadata record as data: the standing, and which blocks this node has. */
export interface Metadata extends Standing {
  readonly oldestBlock: number
  readonly nextBlock: number
}

/** The metadata of a machine that has applied nothing. */
export const emptyMetadata: Metadata = {
  appliedIndex: 0,
  appliedTerm: 0,
  logTime: 0,
  wallTime: 0,
  revision: 0,
  keyCount: 0,
  recordSum: new Uint32Array(4),
  chain: new Uint32Array(4),
  sessionCount: 0,
  sessionSum: new Uint32Array(4),
  sessionUses: 0,
  configuration: emptyBytes,
  oldestBlock: 1,
  nextBlock: 1,
}

/** The state hash: everything replicated, in 128 bits. */
export function hashStanding(standing: Standing): Hash128 {
  const writer = new ByteWriter(256)
  writeStanding(writer, standing)
  return hash128(writer.view(), seed)
}

/** The stored bytes of the metadata. */
export function encodeMetadata(metadata: Metadata): Uint8Array {
  const writer = new ByteWriter(256)
  writer.u8(metadataFormat)
  writer.u64(metadata.oldestBlock)
  writer.u64(metadata.nextBlock)
  writeStanding(writer, metadata)
  writeHash(writer, hash128(writer.view(), seed))
  return writer.take()
}

/** The metadata of stored bytes. Throws `StateDamaged`, or `UnsupportedFormat` for intact ones of another version. */
export function decodeMetadata(value: Uint8Array): Metadata {
  const end = value.length - 16
  if (end < 0) throw damaged('the metadata is too short')
  const actual = new Uint32Array(4)
  hash128Into(actual, 0, value, 0, end, seed)
  const stored = new ByteReader(value, end)
  for (const lane of actual) if (stored.u32() !== lane) throw damaged('the metadata has a wrong checksum')
  try {
    return read(new ByteReader(value, 0, end))
  } catch (thrown) {
    if (isNitroError(thrown, 'MalformedFrame')) throw damaged(`the metadata: ${thrown.message}`)
    throw thrown
  }
}

function writeStanding(writer: ByteWriter, standing: Standing): void {
  writer.u64(standing.appliedIndex)
  writer.u64(standing.appliedTerm)
  writer.u64(standing.logTime)
  writer.u64(standing.wallTime)
  writer.u64(standing.revision)
  writer.u64(standing.keyCount)
  writeHash(writer, standing.recordSum)
  writeHash(writer, standing.chain)
  writer.u64(standing.sessionCount)
  writeHash(writer, standing.sessionSum)
  writer.u64(standing.sessionUses)
  writer.blob(standing.configuration)
}

function read(reader: ByteReader): Metadata {
  const format = reader.u8()
  if (format !== metadataFormat) throw new NitroError('UnsupportedFormat', `metadata of format ${format}`)
  const oldestBlock = reader.u64()
  const nextBlock = reader.u64()
  const metadata = {
    oldestBlock,
    nextBlock,
    appliedIndex: reader.u64(),
    appliedTerm: reader.u64(),
    logTime: reader.u64(),
    wallTime: reader.u64(),
    revision: reader.u64(),
    keyCount: reader.u64(),
    recordSum: readHash(reader),
    chain: readHash(reader),
    sessionCount: reader.u64(),
    sessionSum: readHash(reader),
    sessionUses: reader.u64(),
    configuration: reader.blob().slice(),
  }
  reader.finish()
  return metadata
}

function writeHash(writer: ByteWriter, hash: Hash128): void {
  for (const lane of hash) writer.u32(lane)
}

function readHash(reader: ByteReader): Hash128 {
  return Uint32Array.of(reader.u32(), reader.u32(), reader.u32(), reader.u32())
}
