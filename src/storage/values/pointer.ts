/**
 * What the database holds for a value: the value itself behind a byte 0, or behind a byte 1 where it lies in a file:
 *
 *    0  u8   0, then the value; or 1
 *    1  u32  number of the file
 *    5  u64  offset in it
 *   13  u32  length
 *   17  u32  CRC-32 of the value
 */
import { ByteReader, ByteWriter } from '../../../base/index.ts'

const isInline = 0
const isPointer = 1
const pointerBytes = 21

/** Where a value lies. */
export interface Pointer {
  readonly file: number
  readonly offset: number
  /** In bytes. */
  readonly length: number
  readonly checksum: number
}

/** What is stored for a value that is kept in the database. */
export function encodeInline(value: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + value.length)
  out.set(value, 1)
  return out
}

/** What is stored for a value that is kept in a file. */
export function encodePointer({ file, offset, length, checksum }: Pointer): Uint8Array {
  const writer = new ByteWriter(pointerBytes)
  writer.u8(isPointer)
  writer.u32(file)
  writer.u64(offset)
  writer.u32(length)
  writer.u32(checksum)
  return writer.take()
}

/** The value that stands here, a view, or where it lies; undefined for what nobody has stored. */
export function decodeStored(stored: Uint8Array): Uint8Array | Pointer | undefined {
  if (stored[0] === isInline) return stored.subarray(1)
  if (stored[0] !== isPointer || stored.length !== pointerBytes) return undefined
  const reader = new ByteReader(stored, 1)
  const file = reader.u32()
  // an offset that is no safe integer is damage, which the reader would call bad input
  const offset = reader.u32() + reader.u32() * 0x1_0000_0000
  return { file, offset, length: reader.u32(), checksum: reader.u32() }
}
