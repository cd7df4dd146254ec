/**
 * The binary writer and reader that every hand-made codec uses.
 *
 * Integers are little endian. `uint` is a LEB128 varint of a safe non-negative integer. The reader checks every
 * bound and throws `MalformedFrame`; callers that read from disk translate it.
 */
import { assert } from './assert.ts'
import { emptyBytes, latin1, plainBytes, strictText, utf8 } from './bytes.ts'
import { NitroError } from './errors.ts'

const two32 = 0x1_0000_0000

/** Grows as needed; `take` hands out a copy, `view` what has been written so far. */
export class ByteWriter {
  /** The arena; only `[0, length)` is meaningful. Replaced when it grows. */
  bytes: Uint8Array
  length = 0
  private data: DataView

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity)
    this.data = new DataView(this.bytes.buffer)
  }

  /** Makes room for `extra` more bytes. */
  reserve(extra: number): void {
    const needed = this.length + extra
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
    this.data = new DataView(grown.buffer)
  }

  u8(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  u16(value: number): void {
    this.reserve(2)
    this.data.setUint16(this.length, value, true)
    this.length += 2
  }

  u32(value: number): void {
    this.reserve(4)
    this.data.setUint32(this.length, value, true)
    this.length += 4
  }

  /** A safe non-negative integer in eight bytes. */
  u64(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, () => `u64 of ${value}`)
    this.reserve(8)
    this.data.setUint32(this.length, value % two32, true)
    this.data.setUint32(this.length + 4, Math.floor(value / two32), true)
    this.length += 8
  }

  f64(value: number): void {
    this.reserve(8)
    this.data.setFloat64(this.length, value, true)
    this.length += 8
  }

  uint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, () => `uint of ${value}`)
    this.reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.bytes[this.length++] = rest
  }

  /** Bytes without a length. */
  raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.bytes.set(value, this.length)
    this.length += value.length
  }

  /** A length and then the bytes. */
  blob(value: Uint8Array): void {
    this.uint(value.length)
    this.raw(value)
  }

  /** A byte length and then UTF-8. */
  string(value: string): void {
    this.blob(utf8(value))
  }

  /** A length and then one byte per char of a latin1 string. */
  latin1(value: string): void {
    this.uint(value.length)
    this.reserve(value.length)
    for (let i = 0; i < value.length; i++) this.bytes[this.length++] = value.charCodeAt(i)
  }

  /** What has been written, without copying; valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** A copy of what has been written. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.length)
  }

  /** Forgets what was written and keeps the arena. */
  clear(): void {
    this.length = 0
  }
}

/** Reads what {@link ByteWriter} wrote. Byte strings are views into the input, not copies. */
export class ByteReader {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
  private view: DataView | undefined

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    assert(start >= 0 && start <= end && end <= bytes.length, 'reader bounds')
    this.bytes = plainBytes(bytes)
    this.at = start
    this.end = end
  }

  /** Made when it is needed: most readers read bytes and varints only. */
  private get data(): DataView {
    const { bytes } = this
    return (this.view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }

  get remaining(): number {
    return this.end - this.at
  }

  private need(count: number): number {
    const start = this.at
    if (count > this.end - start) throw malformed(`needs ${count} bytes at ${start}, has ${this.end - start}`)
    this.at = start + count
    return start
  }

  u8(): number {
    return this.bytes[this.need(1)] as number
  }

  u16(): number {
    return this.data.getUint16(this.need(2), true)
  }

  u32(): number {
    return this.data.getUint32(this.need(4), true)
  }

  u64(): number {
    const start = this.need(8)
    const high = this.data.getUint32(start + 4, true)
    if (high > 0x1f_ffff) throw malformed('integer above 2^53')
    return high * two32 + this.data.getUint32(start, true)
  }

  f64(): number {
    return this.data.getFloat64(this.need(8), true)
  }

  uint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0 && i > 0) throw malformed('padded integer')
        if (value > Number.MAX_SAFE_INTEGER) throw malformed('integer above 2^53')
        return value
      }
      scale *= 0x80
    }
    throw malformed('integer too long')
  }

  raw(length: number): Uint8Array {
    if (length === 0) return emptyBytes
    const start = this.need(length)
    return this.bytes.subarray(start, start + length)
  }

  blob(): Uint8Array {
    return this.raw(this.uint())
  }

  string(): string {
    const bytes = this.blob()
    try {
      return strictText(bytes)
    } catch {
      throw malformed('text is not UTF-8')
    }
  }

  latin1(): string {
    const length = this.uint()
    const start = this.need(length)
    return latin1(this.bytes, start, start + length)
  }

  /** Throws unless everything has been read. */
  finish(): void {
    if (this.at !== this.end) throw malformed(`${this.end - this.at} bytes left over`)
  }
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', `malformed bytes: ${what}`)
}
