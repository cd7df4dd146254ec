/**
 * Values inside merged state: the canonical values of `base` without fractions, because state is hashed and compared between
 * machines and languages. `1.5` goes in as text, or as an integer of a smaller unit.
 */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import {
  NitroError,
  decodeValue,
  decodeValueFrom,
  encodeValue,
  encodeValueTo,
  fromLatin1,
  isNitroError,
  latin1,
} from '../../base/index.ts'
import { notCanonical } from './errors.ts'
import { checkText, readText, writeText } from './text.ts'

const tagInteger = 3
const tagString = 8
const escape = '\u0000'

/** An own copy of a value that the caller may change later. Throws `NotCanonical` for what state can't hold. */
export function ownValue(value: Value): Value {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value))
      throw notCanonical(`${value} is no safe integer; use bigint, or text for fractions`)
    return value === 0 ? 0 : value
  }
  if (typeof value === 'string') {
    checkText(value)
    return value
  }
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return value
  refuseFractions(value)
  return decodeValue(encodeValue(value))
}

/** Own copies of values. Throws `InvalidArgument` for what is no array, `NotCanonical`, also for holes. */
export function ownValues(values: readonly Value[], own: (value: Value) => Value = ownValue): Value[] {
  if (!Array.isArray(values)) throw new NitroError('InvalidArgument', 'elements are given as an array')
  // Unlike map, this does not skip holes.
  return Array.from(values as readonly Value[], (value) => own(value))
}

/** Throws `NotCanonical` when there is a number with a fraction anywhere inside. */
function refuseFractions(value: Value): void {
  if (typeof value === 'number') ownValue(value)
  else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    for (const item of Array.isArray(value) ? (value as readonly Value[]) : Object.values(value)) refuseFractions(item)
  }
}

/** Appends an own value. */
export function writeValue(writer: ByteWriter, value: Value): void {
  if (typeof value === 'string') {
    writer.u8(tagString)
    writeText(writer, value)
  } else if (typeof value === 'number' && value >= 0) {
    writer.u8(tagInteger)
    writer.uint(value)
  } else encodeValueTo(writer, value)
}

/** Reads an own value. Throws `NotCanonical` or `MalformedFrame`. */
export function readValue(reader: ByteReader): Value {
  const tag = reader.remaining > 0 ? reader.bytes[reader.at] : -1
  if (tag === tagInteger) {
    reader.at++
    return reader.uint()
  }
  if (tag === tagString) {
    reader.at++
    return readText(reader)
  }
  const value = decodeValueFrom(reader)
  refuseFractions(value)
  return value
}

/** A string that stands for an element of a set: equal for equal elements only. */
export function elementKey(element: Value): string {
  if (typeof element === 'string' && !element.startsWith(escape)) return element
  return escape + latin1(encodeValue(element))
}

/** The element behind {@link elementKey}. Throws `NotCanonical`. */
export function elementOf(key: string): Value {
  if (!key.startsWith(escape)) return key
  const value = decodeValue(fromLatin1(key.slice(1)))
  refuseFractions(value)
  return value
}

/** Whether two own values are equal, cheaply for the usual ones. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Uint8Array && b instanceof Uint8Array && a.length !== b.length) return false
  return latin1(encodeValue(a)) === latin1(encodeValue(b))
}

/** Whether decoding an element key would succeed with nothing but its own key coming back. */
export function isElementKey(key: string): boolean {
  try {
    return elementKey(elementOf(key)) === key
  } catch (thrown) {
    if (isNitroError(thrown)) return false
    throw thrown
  }
}
