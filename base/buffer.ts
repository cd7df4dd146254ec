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
const smallMax = 0x7fff_ffff

/**
 * Small arenas are cut from a shared piece of memory, as Node does for its Buffers: memory of its own costs a writer ten times
 * as much as what is then written.
 */
const pieceBytes = 16 * 1024
const cutBytesMax = 1024
let piece: ArrayBuffer = new ArrayBuffer(pieceBytes)
let pieceUsed = 0

function arena(capacity: number): Uint8Array {
  // What is no length, from a value of the wrong type, must not get into what all writers share.
  assert(Number.isSafeInteger(capacity) && capacity >= 0, () => `room for ${capacity} bytes`)
  if (capacity > cutBytesMax) return new Uint8Array(capacity)
  if (pieceUsed + capacity > pieceBytes) {
    piece = new ArrayBuffer(pieceBytes)
    pieceUsed = 0
  }
  const cut = new Uint8Array(piece, pieceUsed, capacity)
  pieceUsed += capacity
  return cut
}

/** For what is no integer. */
const float = new DataView(new ArrayBuffer(8))

/** Strings up to this length are tried as ASCII first: their byte length fits one byte, and no encoder is asked. */
const asciiMax = 127

/** Grows as needed; `take` hands out a copy, `view` what has been written so far. */
export class ByteWriter {
  /** The arena; only `[0, length)` is meaningful. Replaced when it grows. */
  bytes: Uint8Array
  length = 0

  constructor(capacity = 256) {
    this.bytes = arena(capacity)
  }

  /** Makes room for `extra` more bytes. */
  reserve(extra: number): void {
    const needed = this.length + extra
    if (needed <= this.bytes.length) return
    const grown = arena(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  u8(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  u16(value: number): void {
    this.reserve(2)
    this.bytes[this.length++] = value
    this.bytes[this.length++] = value >>> 8
  }

  u32(value: number): void {
    this.reserve(4)
    this.word(value)
  }

  private word(value: number): void {
    const { bytes, length } = this
    bytes[length] = value
    bytes[length + 1] = value >>> 8
    bytes[length + 2] = value >>> 16
    bytes[length + 3] = value >>> 24
    this.length = length + 4
  }

  /** A safe non-negative integer in eight bytes. */
  u64(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, () => `u64 of ${value}`)
    this.reserve(8)
    this.word(value | 0)
    this.word((value / two32) | 0)
  }

  f64(value: number): void {
    float.setFloat64(0, value, true)
    this.u32(float.getUint32(0, true))
    this.u32(float.getUint32(4, true))
  }

  uint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, () => `uint of ${value}`)
    this.reserve(8)
    const { bytes } = this
    let at = this.length
    let rest = value
    // A remainder of what may be no 32-bit integer is a call of the C library.
    for (; rest > smallMax; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest & 0x7f) | 0x80
    let small = rest | 0
    for (; small >= 0x80; small >>= 7) bytes[at++] = (small & 0x7f) | 0x80
    bytes[at++] = small
    this.length = at
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
    if (!this.ascii(value)) this.blob(utf8(value))
  }

  /** Writes a short string if it is ASCII; otherwise writes nothing and says false. */
  private ascii(value: string): boolean {
    const size = value.length
    if (size > asciiMax) return false
    this.reserve(size + 1)
    const { bytes, length } = this
    for (let i = 0; i < size; i++) {
      const code = value.charCodeAt(i)
      if (code >= 0x80) return false
      bytes[length + 1 + i] = code
    }
    bytes[length] = size
    this.length = length + 1 + size
    return true
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
  /** Never used, but there: a shape of which a full collection finds no object takes all code optimized for it along. */
  static readonly kept: ByteReader = new ByteReader(emptyBytes)
  readonly bytes: Uint8Array
  at: number
  readonly end: number

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    assert(start >= 0 && start <= end && end <= bytes.length, 'reader bounds')
    this.bytes = plainBytes(bytes)
    this.at = start
    this.end = end
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
    const at = this.need(2)
    return (this.bytes[at] as number) | ((this.bytes[at + 1] as number) << 8)
  }

  u32(): number {
    return this.word(this.need(4))
  }

  private word(at: number): number {
    const { bytes } = this
    const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16)
    return (low | ((bytes[at + 3] as number) << 24)) >>> 0
  }

  u64(): number {
    const start = this.need(8)
    const high = this.word(start + 4)
    if (high > 0x1f_ffff) throw malformed('integer above 2^53')
    return high * two32 + this.word(start)
  }

  f64(): number {
    const at = this.need(8)
    float.setUint32(0, this.word(at), true)
    float.setUint32(4, this.word(at + 4), true)
    return float.getFloat64(0, true)
  }

  uint(): number {
    const first = this.u8()
    if (first < 0x80) return first
    let value = first & 0x7f
    let scale = 0x80
    for (let i = 1; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0) throw malformed('padded integer')
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
