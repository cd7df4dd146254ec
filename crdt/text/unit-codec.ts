/**
 * UTF-16 code units as bytes: UTF-8, except that a surrogate that stands alone has the three bytes its number would have. A pair is
 * always written as the character it is, so that there is one form for any units (this is known as WTF-8).
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import type { UnitStore } from './unit-store.ts'

type UnitArray = Uint8Array | Uint16Array

/** Appends the bytes of pieces `[start, end, start, end, ...]` of a store, with their length before them. */
export function writeUnits(writer: ByteWriter, store: UnitStore, pieces: ArrayLike<number>): void {
  const { data } = store
  const size = byteLength(data, pieces)
  writer.uint(size.bytes)
  writer.reserve(size.bytes)
  const { bytes } = writer
  let at = writer.length
  if (size.bytes === size.units) {
    for (let i = 0; i < pieces.length; i += 2) {
      const start = pieces[i] as number
      const end = pieces[i + 1] as number
      if (end - start < 32) for (let k = start; k < end; k++) bytes[at++] = data[k] as number
      else {
        bytes.set(data.subarray(start, end), at)
        at += end - start
      }
    }
  } else at = encodeWide(data, pieces, bytes, at)
  writer.length = at
}

function byteLength(data: UnitArray, pieces: ArrayLike<number>): { bytes: number; units: number } {
  let bytes = 0
  let units = 0
  let high = false
  for (let i = 0; i < pieces.length; i += 2) {
    const end = pieces[i + 1] as number
    units += end - (pieces[i] as number)
    for (let k = pieces[i] as number; k < end; k++) {
      const unit = data[k] as number
      if (unit < 0x80) bytes++
      else if (unit < 0x800) bytes += 2
      else if (high && unit >= 0xdc00 && unit < 0xe000) {
        bytes++
        high = false
        continue
      } else bytes += 3
      high = unit >= 0xd800 && unit < 0xdc00
    }
  }
  return { bytes, units }
}

function encodeWide(data: UnitArray, pieces: ArrayLike<number>, bytes: Uint8Array, start: number): number {
  let at = start
  let high = 0
  for (let i = 0; i < pieces.length; i += 2) {
    const end = pieces[i + 1] as number
    for (let k = pieces[i] as number; k < end; k++) {
      const unit = data[k] as number
      if (high > 0 && unit >= 0xdc00 && unit < 0xe000) {
        // The second half turns the three bytes of the first into the four of the character.
        const point = 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00)
        at -= 3
        bytes[at++] = 0xf0 | (point >> 18)
        bytes[at++] = 0x80 | ((point >> 12) & 0x3f)
        bytes[at++] = 0x80 | ((point >> 6) & 0x3f)
        bytes[at++] = 0x80 | (point & 0x3f)
        high = 0
        continue
      }
      if (unit < 0x80) bytes[at++] = unit
      else if (unit < 0x800) {
        bytes[at++] = 0xc0 | (unit >> 6)
        bytes[at++] = 0x80 | (unit & 0x3f)
      } else {
        bytes[at++] = 0xe0 | (unit >> 12)
        bytes[at++] = 0x80 | ((unit >> 6) & 0x3f)
        bytes[at++] = 0x80 | (unit & 0x3f)
      }
      high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0
    }
  }
  return at
}

/** Reads exactly `count` units. ASCII is not copied. Throws `NotCanonical` or `MalformedFrame`. */
export function readUnits(reader: ByteReader, count: number): UnitArray {
  const bytes = reader.blob()
  if (bytes.length < count || bytes.length > 3 * count) throw notCanonical('content of another length')
  let ascii = true
  for (let i = 0; i < bytes.length && ascii; i++) ascii = (bytes[i] as number) < 0x80
  if (ascii) {
    if (bytes.length !== count) throw notCanonical('content of another length')
    return bytes
  }
  return decodeWide(bytes, count)
}

function decodeWide(bytes: Uint8Array, count: number): Uint16Array {
  const units = new Uint16Array(count)
  const { length } = bytes
  let at = 0
  let out = 0
  while (at < length) {
    const lead = bytes[at] as number
    const size = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0
    if (size === 0 || at + size > length) throw notCanonical('not UTF-8')
    let point = size === 1 ? lead : lead & (0x7f >> size)
    for (let i = 1; i < size; i++) {
      const next = bytes[at + i] as number
      if (next >> 6 !== 2) throw notCanonical('not UTF-8')
      point = (point << 6) | (next & 0x3f)
    }
    at += size
    if (point < (size === 2 ? 0x80 : size === 3 ? 0x800 : size === 4 ? 0x10000 : 0) || point > 0x10ffff)
      throw notCanonical('not UTF-8')
    if (size === 4) {
      units[out++] = 0xd800 + ((point - 0x10000) >> 10)
      units[out++] = 0xdc00 + (point & 0x3ff)
    } else {
      const before = out > 0 ? (units[out - 1] as number) : 0
      const pair = size === 3 && point >= 0xdc00 && point < 0xe000 && before >= 0xd800 && before < 0xdc00
      if (pair) throw notCanonical('a pair of surrogates in two parts')
      units[out++] = point
    }
    if (out > count) throw notCanonical('content of another length')
  }
  if (out !== count) throw notCanonical('content of another length')
  return units
}
