/** Fixed-width fields of the log's formats: little endian, integers below 2^53. */

const two32 = 0x1_0000_0000

/** The unit that a disk writes whole or not at all. */
export const sectorBytes = 512

/** Writes a safe integer in eight bytes. */
export function putU64(data: DataView, at: number, value: number): void {
  data.setUint32(at, value >>> 0, true)
  data.setUint32(at + 4, Math.floor(value / two32), true)
}

/** Reads eight bytes; NaN when the value is not below 2^53. */
export function getU64(data: DataView, at: number): number {
  const high = data.getUint32(at + 4, true)
  return high > 0x1f_ffff ? Number.NaN : high * two32 + data.getUint32(at, true)
}

/** From this length on, words are compared instead of bytes: a fresh segment is millions of zeros. */
const wordwiseBytes = 4096

/** Whether `bytes[from, to)` holds nothing but zeros. */
export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from
  if (to - from > wordwiseBytes) {
    while ((bytes.byteOffset + at) % 4 !== 0) if (bytes[at++] !== 0) return false
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (to - at) >> 2)
    for (let word = 0; word < words.length; word++) if (words[word] !== 0) return false
    at += words.length * 4
  }
  for (; at < to; at++) if (bytes[at] !== 0) return false
  return true
}

/** How many aligned sectors lie whole in `bytes[from, to)` and are all zero. */
export function zeroSectors(bytes: Uint8Array, from: number, to: number): number {
  let count = 0
  for (let at = Math.ceil(from / sectorBytes) * sectorBytes; at + sectorBytes <= to; at += sectorBytes) {
    if (isZero(bytes, at, at + sectorBytes)) count++
  }
  return count
}

/** A view over the same bytes. */
export function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
