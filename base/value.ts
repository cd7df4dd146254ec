/**
 * Canonical values: what programs take, return and store, and what errors carry.
 *
 * A value has exactly one encoding, so equal values have equal bytes and equal hashes on every node. The decoder refuses
 * every other byte string with `NotCanonical`.
 *
 *   tag  value                                   then
 *   0    null
 *   1 2  false, true
 *   3    safe integer >= 0                       uint
 *   4    safe integer < 0                        uint of -1 - n
 *   5    bigint >= 0                             length, big-endian magnitude without leading zeros (0n: no bytes)
 *   6    bigint < 0                              the same of -1n - n
 *   7    finite number that is no safe integer   f64, little endian
 *   8    well-formed string                      length, UTF-8
 *   9    bytes                                   length, bytes
 *   10   array                                   count, items
 *   11   map                                     count, then (length, UTF-8 key, value) in byte order of the keys
 *
 * -0 is written as 0, as JSON does. `5` and `5n` are different values. Maps are plain objects: a JavaScript `Map`, a class
 * instance and an `undefined` field have no canonical form.
 */
import { ByteReader, ByteWriter } from './buffer.ts'
import { compareBytes, utf8 } from './bytes.ts'
import { NitroError, isNitroError } from './errors.ts'

/** Anything with a canonical form. */
export type Value = null | boolean | number | bigint | string | Uint8Array | readonly Value[] | ValueMap

/** A map with string keys, as a plain object. The order of its fields has no meaning. */
export interface ValueMap {
  readonly [key: string]: Value
}

/** How deeply arrays and maps may be nested. */
export const maxValueDepth = 64

/** The longest encoding, in bytes. */
export const maxValueBytes: number = 4 * 1024 * 1024

const tags = { null: 0, false: 1, true: 2, int: 3, negative: 4, big: 5, bigNegative: 6, double: 7 } as const
const longTags = { string: 8, bytes: 9, array: 10, map: 11 } as const
const loneSurrogate = /\p{Surrogate}/u
const beyondBasicPlane = /[\ud800-\udfff]/

/** The canonical bytes of a value. Throws `NotCanonical`, also when it is too deep or too long. */
export function encodeValue(value: Value): Uint8Array {
  const writer = new ByteWriter(64)
  encodeValueTo(writer, value)
  return writer.take()
}

/** Appends the canonical bytes of a value; what was appended before a `NotCanonical` must be dropped by the caller. */
export function encodeValueTo(writer: ByteWriter, value: Value): void {
  write(writer, value, 0, writer.length + maxValueBytes)
}

/** The value of canonical bytes, sharing no memory with them. Throws `NotCanonical`. */
export function decodeValue(bytes: Uint8Array): Value {
  const reader = new ByteReader(bytes)
  const value = decodeValueFrom(reader)
  if (reader.remaining > 0) throw notCanonical(`${reader.remaining} bytes left over`)
  return value
}

/** Reads one value out of longer bytes. Throws `NotCanonical`. */
export function decodeValueFrom(reader: ByteReader): Value {
  try {
    return read(reader, 0)
  } catch (thrown) {
    if (isNitroError(thrown, 'MalformedFrame')) throw notCanonical(thrown.message)
    throw thrown
  }
}

function write(writer: ByteWriter, value: Value | undefined, depth: number, end: number): void {
  if (value === null) writer.u8(tags.null)
  else if (value === false) writer.u8(tags.false)
  else if (value === true) writer.u8(tags.true)
  else if (typeof value === 'number') writeNumber(writer, value)
  else if (typeof value === 'bigint') writeBig(writer, value)
  else if (typeof value === 'string') writeText(writer, value, end)
  else if (typeof value === 'object') writeObject(writer, value, depth, end)
  else throw notCanonical(`${typeof value} has no canonical form`)
  if (writer.length > end) throw tooLong()
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (Number.isSafeInteger(value)) {
    writer.u8(value < 0 ? tags.negative : tags.int)
    writer.uint(value < 0 ? -1 - value : value)
  } else {
    if (!Number.isFinite(value)) throw notCanonical(`${value} has no canonical form`)
    writer.u8(tags.double)
    writer.f64(value)
  }
}

function writeBig(writer: ByteWriter, value: bigint): void {
  writer.u8(value < 0n ? tags.bigNegative : tags.big)
  const magnitude = value < 0n ? -1n - value : value
  if (magnitude === 0n) {
    writer.uint(0)
    return
  }
  const digits = magnitude.toString(16)
  const length = (digits.length + 1) >> 1
  if (length > maxValueBytes) throw tooLong()
  writer.uint(length)
  for (let at = digits.length - 2 * length; at < digits.length; at += 2) {
    writer.u8(Number.parseInt(digits.slice(Math.max(at, 0), at + 2), 16))
  }
}

function writeText(writer: ByteWriter, value: string, end: number): void {
  if (value.length > end - writer.length) throw tooLong()
  if (loneSurrogate.test(value)) throw notCanonical('a string holds a lone surrogate')
  writer.u8(longTags.string)
  writer.string(value)
}

function writeObject(writer: ByteWriter, value: object, depth: number, end: number): void {
  if (value instanceof Uint8Array) {
    if (value.length > end - writer.length) throw tooLong()
    writer.u8(longTags.bytes)
    writer.blob(value)
    return
  }
  if (depth >= maxValueDepth) throw notCanonical(`nested deeper than ${maxValueDepth}`)
  if (Array.isArray(value)) {
    if (value.length > end - writer.length) throw tooLong()
    writer.u8(longTags.array)
    writer.uint(value.length)
    for (let i = 0; i < value.length; i++) write(writer, value[i] as Value, depth + 1, end)
    return
  }
  const prototype = Object.getPrototypeOf(value) as unknown
  if (prototype !== null && prototype !== Object.prototype) throw notCanonical('only plain objects are maps')
  const map = value as ValueMap
  const keys = Object.keys(map)
  sortKeys(keys)
  writer.u8(longTags.map)
  writer.uint(keys.length)
  for (const key of keys) {
    if (loneSurrogate.test(key)) throw notCanonical('a key holds a lone surrogate')
    writer.string(key)
    write(writer, map[key], depth + 1, end)
  }
}

/** Byte order of the UTF-8: `<` agrees with it unless a char lies beyond the basic plane. */
function sortKeys(keys: string[]): void {
  if (keys.some((key) => beyondBasicPlane.test(key))) keys.sort((a, b) => compareBytes(utf8(a), utf8(b)))
  else keys.sort()
}

function read(reader: ByteReader, depth: number): Value {
  const tag = reader.u8()
  switch (tag) {
    case tags.null:
      return null
    case tags.false:
      return false
    case tags.true:
      return true
    case tags.int:
      return reader.uint()
    case tags.negative:
      return readNegative(reader)
    case tags.big:
      return readMagnitude(reader)
    case tags.bigNegative:
      return -1n - readMagnitude(reader)
    case tags.double:
      return readDouble(reader)
    case longTags.string:
      return reader.string()
    case longTags.bytes:
      return reader.blob().slice()
    case longTags.array:
      return readArray(reader, depth)
    case longTags.map:
      return readMap(reader, depth)
    default:
      throw notCanonical(`unknown tag ${tag}`)
  }
}

function readNegative(reader: ByteReader): number {
  const value = -1 - reader.uint()
  if (!Number.isSafeInteger(value)) throw notCanonical('integer below -2^53')
  return value
}

function readMagnitude(reader: ByteReader): bigint {
  const bytes = reader.blob()
  if (bytes.length === 0) return 0n
  if (bytes[0] === 0) throw notCanonical('padded bigint')
  let digits = '0x'
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0')
  return BigInt(digits)
}

function readDouble(reader: ByteReader): number {
  const value = reader.f64()
  if (!Number.isFinite(value) || Number.isSafeInteger(value)) throw notCanonical(`${value} as a double`)
  return value
}

function readArray(reader: ByteReader, depth: number): Value[] {
  const count = readCount(reader, depth, 1)
  const items: Value[] = []
  for (let i = 0; i < count; i++) items.push(read(reader, depth + 1))
  return items
}

function readMap(reader: ByteReader, depth: number): ValueMap {
  const count = readCount(reader, depth, 2)
  const map: Record<string, Value> = {}
  let before: Uint8Array | undefined
  for (let i = 0; i < count; i++) {
    const start = reader.at
    const key = reader.string()
    const bytes = keyBytes(reader, start)
    if (before !== undefined && compareBytes(before, bytes) >= 0) throw notCanonical('keys out of order')
    before = bytes
    const value = read(reader, depth + 1)
    // Plain assignment of this one name would set the prototype instead.
    if (key === '__proto__')
      Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true })
    else map[key] = value
  }
  return map
}

/** The bytes of the string just read, which began with its length at `start`. */
function keyBytes(reader: ByteReader, start: number): Uint8Array {
  let at = start
  while ((reader.bytes[at] as number) >= 0x80) at++
  return reader.bytes.subarray(at + 1, reader.at)
}

/** A count that the rest of the bytes could hold, so that a lie can't make us allocate. */
function readCount(reader: ByteReader, depth: number, itemBytes: number): number {
  if (depth >= maxValueDepth) throw notCanonical(`nested deeper than ${maxValueDepth}`)
  const count = reader.uint()
  if (count * itemBytes > reader.remaining) throw notCanonical(`${count} items in ${reader.remaining} bytes`)
  return count
}

/** Whether two values have the same canonical bytes. Throws `NotCanonical`. */
export function equalValues(a: Value, b: Value): boolean {
  return compareBytes(encodeValue(a), encodeValue(b)) === 0
}

function tooLong(): NitroError {
  return notCanonical(`longer than ${maxValueBytes} bytes`)
}

function notCanonical(what: string): NitroError {
  return new NitroError('NotCanonical', `no canonical value: ${what}`)
}
