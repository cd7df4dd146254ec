/**
 * One record: the state of one key after one change, or an event that a program emitted. The same bytes are hashed, kept
 * in the overlay and stored in blocks.
 *
 *   0  u32  length of the whole record
 *   4  u32  value length
 *   8  u16  key length
 *  10  u8   flags: bit 0 the key was deleted, bit 1 an event that changes no key
 *  11  u8   kind of the key: 0 strong
 *  12  u32  position among the changes of its revision
 *  16  u64  create revision (0 when deleted or an event)
 *  24  u64  mod revision
 *  32  u64  version (0 when deleted or an event)
 *  40  u64  lease (0 for none)
 *  48  u64  epoch
 *  56  key, value
 */
import { NitroError } from '../base/index.ts'
import { recordKinds } from './records.ts'
import type { RecordKind } from './records.ts'

/** The bytes before a record's key. */
export const recordHeaderBytes = 56

const two32 = 0x1_0000_0000

/** Where records are written: a piece of memory with its view, made once. */
export interface Chunk {
  readonly bytes: Uint8Array
  readonly data: DataView
}

/** A piece of memory of this size. */
export function newChunk(sizeBytes: number): Chunk {
  const bytes = new Uint8Array(sizeBytes)
  return { bytes, data: new DataView(bytes.buffer) }
}

/** A view of all of these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Writes a record's header at `at`; key and value follow it. The flags are the record's kind. */
export function writeRecordHeader(
  data: DataView,
  at: number,
  keyLength: number,
  valueLength: number,
  flags: RecordKind,
  position: number,
  create: number,
  mod: number,
  version: number,
  lease: number,
): void {
  data.setUint32(at, recordHeaderBytes + keyLength + valueLength, true)
  data.setUint32(at + 4, valueLength, true)
  data.setUint32(at + 8, keyLength | (flags << 16), true)
  data.setUint32(at + 12, position, true)
  data.setUint32(at + 16, create, true)
  data.setUint32(at + 20, create / two32, true)
  data.setUint32(at + 24, mod, true)
  data.setUint32(at + 28, mod / two32, true)
  data.setUint32(at + 32, version, true)
  data.setUint32(at + 36, version / two32, true)
  data.setUint32(at + 40, lease, true)
  data.setUint32(at + 44, lease / two32, true)
  data.setUint32(at + 48, 0, true)
  data.setUint32(at + 52, 0, true)
}

/** A record's header as read; one object is reused while a block is walked. */
export class RecordHeader {
  length = 0
  keyLength = 0
  valueLength = 0
  kind: RecordKind = recordKinds.put
  position = 0
  /** Not in the record, but beside it in its block: the revision that has replaced it, or 0 when that is not said. */
  until = 0
  create = 0
  mod = 0
  version = 0
  lease = 0
}

/**
 * Reads and checks the header of the record at `at`, which must end by `end`.
 * Throws `StateDamaged` for bytes that no machine wrote, `UnsupportedFormat` for kinds and flags of another version.
 */
export function readRecordHeader(data: DataView, at: number, end: number, out: RecordHeader): void {
  if (end - at < recordHeaderBytes) throw damaged('a record is cut off')
  out.length = data.getUint32(at, true)
  out.valueLength = data.getUint32(at + 4, true)
  out.keyLength = data.getUint16(at + 8, true)
  if (out.length !== recordHeaderBytes + out.keyLength + out.valueLength || out.length > end - at) {
    throw damaged('a record has a wrong length')
  }
  const flags = data.getUint8(at + 10)
  const kind = data.getUint8(at + 11)
  out.position = data.getUint32(at + 12, true)
  out.create = readU64(data, at + 16)
  out.mod = readU64(data, at + 24)
  out.version = readU64(data, at + 32)
  out.lease = readU64(data, at + 40)
  if (flags <= recordKinds.emit) out.kind = flags as RecordKind
  if (flags > recordKinds.emit || kind !== 0 || readU64(data, at + 48) !== 0) {
    throw new NitroError('UnsupportedFormat', `a record of kind ${kind} with flags ${flags}`, {
      details: { flags, kind },
    })
  }
}

function readU64(data: DataView, at: number): number {
  const value = data.getUint32(at + 4, true) * two32 + data.getUint32(at, true)
  if (!Number.isSafeInteger(value)) throw damaged('an integer above 2^53')
  return value
}

/** The error for stored state that is not what was written; `what` says where. */
export function damaged(what: string): NitroError {
  return new NitroError('StateDamaged', `stored state: ${what}`, { details: { what } })
}
