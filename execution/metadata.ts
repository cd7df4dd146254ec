/** The one record that says where the state stands, written with every flush in the same batch. */
import { ByteReader, ByteWriter, NitroError, emptyBytes, hash128, hash128Into, isNitroError } from '../base/index.ts'
import type { Hash128 } from '../base/index.ts'
import type { AuthStanding } from './auth/auth.ts'
import { emptyProgramSet, readProgramSet, writeProgramSet } from './program-set.ts'
import type { ProgramSet } from './program-set.ts'
import { damaged } from './record.ts'
import type { TimeMark } from './retention.ts'

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
  readonly compactRevision: number
  readonly marks: readonly TimeMark[]
  readonly keyCount: number
  readonly recordSum: Hash128
  readonly chain: Hash128
  readonly sessionCount: number
  readonly sessionSum: Hash128
  readonly sessionUses: number
  readonly leaseCount: number
  readonly leaseSum: Hash128
  readonly leaseCounter: number
  /** The programs and flags in force. */
  readonly active: ProgramSet
  /** Undefined, and not written, as long as there never was a user or role: releases without them hash and read the same. */
  readonly auth: AuthStanding | undefined
  readonly configuration: Uint8Array
}

/** The metadata record as data: the standing, which blocks this node has, and how much history is in them. */
export interface Metadata extends Standing {
  readonly oldestBlock: number
  readonly nextBlock: number
  /** The compact revision by which records were kept so far. */
  readonly freedRevision: number
  /** Records kept by it that are not current. */
  readonly historyCount: number
}

/** The metadata of a machine that has applied nothing. */
export const emptyMetadata: Metadata = {
  appliedIndex: 0,
  appliedTerm: 0,
  logTime: 0,
  wallTime: 0,
  revision: 0,
  compactRevision: 0,
  marks: [],
  keyCount: 0,
  recordSum: new Uint32Array(4),
  chain: new Uint32Array(4),
  sessionCount: 0,
  sessionSum: new Uint32Array(4),
  sessionUses: 0,
  leaseCount: 0,
  leaseSum: new Uint32Array(4),
  leaseCounter: 0,
  active: emptyProgramSet,
  auth: undefined,
  configuration: emptyBytes,
  oldestBlock: 1,
  nextBlock: 1,
  freedRevision: 0,
  historyCount: 0,
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
  writer.u64(metadata.freedRevision)
  writer.u64(metadata.historyCount)
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
  writer.u64(standing.compactRevision)
  writer.uint(standing.marks.length)
  for (const { logTime, revision } of standing.marks) {
    writer.u64(logTime)
    writer.u64(revision)
  }
  writer.u64(standing.keyCount)
  writeHash(writer, standing.recordSum)
  writeHash(writer, standing.chain)
  writer.u64(standing.sessionCount)
  writeHash(writer, standing.sessionSum)
  writer.u64(standing.sessionUses)
  writer.u64(standing.leaseCount)
  writeHash(writer, standing.leaseSum)
  writer.u64(standing.leaseCounter)
  writeProgramSet(writer, standing.active)
  writer.blob(standing.configuration)
  if (standing.auth !== undefined) writeAuth(writer, standing.auth)
}

function writeAuth(writer: ByteWriter, { enabled, revision, signingKey, recordCount, recordSum }: AuthStanding): void {
  writer.u8(enabled ? 1 : 0)
  writer.u64(revision)
  writer.blob(signingKey)
  writer.u64(recordCount)
  writeHash(writer, recordSum)
}

function read(reader: ByteReader): Metadata {
  const format = reader.u8()
  if (format !== metadataFormat) throw new NitroError('UnsupportedFormat', `metadata of format ${format}`)
  const oldestBlock = reader.u64()
  const nextBlock = reader.u64()
  const metadata = {
    oldestBlock,
    nextBlock,
    freedRevision: reader.u64(),
    historyCount: reader.u64(),
    appliedIndex: reader.u64(),
    appliedTerm: reader.u64(),
    logTime: reader.u64(),
    wallTime: reader.u64(),
    revision: reader.u64(),
    compactRevision: reader.u64(),
    marks: readMarks(reader),
    keyCount: reader.u64(),
    recordSum: readHash(reader),
    chain: readHash(reader),
    sessionCount: reader.u64(),
    sessionSum: readHash(reader),
    sessionUses: reader.u64(),
    leaseCount: reader.u64(),
    leaseSum: readHash(reader),
    leaseCounter: reader.u64(),
    active: readProgramSet(reader),
    configuration: reader.blob().slice(),
    auth: reader.remaining === 0 ? undefined : readAuth(reader),
  }
  reader.finish()
  return metadata
}

function readAuth(reader: ByteReader): AuthStanding {
  return {
    enabled: reader.u8() !== 0,
    revision: reader.u64(),
    signingKey: reader.blob().slice(),
    recordCount: reader.u64(),
    recordSum: readHash(reader),
  }
}

function readMarks(reader: ByteReader): TimeMark[] {
  const marks: TimeMark[] = []
  for (let left = reader.uint(); left > 0; left--) marks.push({ logTime: reader.u64(), revision: reader.u64() })
  return marks
}

function writeHash(writer: ByteWriter, hash: Hash128): void {
  for (const lane of hash) writer.u32(lane)
}

function readHash(reader: ByteReader): Hash128 {
  return Uint32Array.of(reader.u32(), reader.u32(), reader.u32(), reader.u32())
}
