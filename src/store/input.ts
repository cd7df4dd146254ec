/** What callers give, checked and turned into bytes. The machine checks again; here the errors come early and are clear. */
import { fromLatin1, latin1, NitroError, prefixEnd, utf8 } from '../../base/index.ts'
import { defaultLimits } from '../../execution/codec.ts'
import type { KeyRange as CodedRange, PutOperation, RangeRequest } from '../../execution/codec.ts'
import type { BytesLike, KeyRange, RangeQuery, WriteOptions } from '../api/index.ts'

/** No key is smaller: keys have at least one byte. */
const firstKey = Uint8Array.of(0)

/** Bytes of a key. Throws `KeyTooLarge` when it is empty or too long, `InvalidArgument` when it is no bytes at all. */
export function keyBytes(key: BytesLike): Uint8Array {
  const bytes = toBytes(key, 'key')
  if (bytes.length === 0) throw new NitroError('KeyTooLarge', 'the key is empty; keys have at least one byte')
  return checkKeyLength(bytes, 'key')
}

/** Bytes of a value. Throws `ValueTooLarge`, `InvalidArgument`. */
export function valueBytes(value: BytesLike): Uint8Array {
  const bytes = toBytes(value, 'value')
  const limit = defaultLimits.valueBytes
  if (bytes.length <= limit) return bytes
  throw new NitroError('ValueTooLarge', `the value has ${bytes.length} bytes; at most ${limit} are allowed`, {
    details: { bytes: bytes.length, limit },
  })
}

/** The range as the machine takes it. Throws `InvalidArgument` for contradictions, `KeyTooLarge`. */
export function codedRange(range: KeyRange): CodedRange {
  // A key instead of a range has no bounds, and a range without bounds is everything: no typo may delete that.
  if (typeof range !== 'object' || (range as unknown) === null || range instanceof Uint8Array) {
    throw new NitroError('InvalidArgument', 'a range is an object with prefix, or with start and end')
  }
  const { prefix, start, end } = range
  if (prefix !== undefined && (start !== undefined || end !== undefined)) {
    throw new NitroError('InvalidArgument', 'a range is given by prefix, or by start and end, not by both')
  }
  if (prefix !== undefined) return prefixRange(checkKeyLength(toBytes(prefix, 'prefix'), 'prefix'))
  const first = start === undefined ? firstKey : checkKeyLength(toBytes(start, 'start'), 'start')
  const from = first.length === 0 ? firstKey : first
  if (end === undefined) return { start: from, fromKey: true }
  const last = checkKeyLength(toBytes(end, 'end'), 'end')
  if (last.length === 0) throw new NitroError('InvalidArgument', 'end is empty; leave it out to read to the last key')
  return { start: from, end: last }
}

function prefixRange(prefix: Uint8Array): CodedRange {
  const after = prefixEnd(latin1(prefix))
  const start = prefix.length === 0 ? firstKey : prefix
  return after === undefined ? { start, fromKey: true } : { start, end: fromLatin1(after) }
}

/** A range limit, or 0 for none. Throws `InvalidArgument`. */
export function checkLimit(limit: number | undefined): number {
  if (limit === undefined) return 0
  const most = defaultLimits.rangeRecords
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit
  throw new NitroError('InvalidArgument', `limit is ${limit}; it must be a whole number from 1 to ${most}`)
}

/** A whole number from 0 on, as it is written into requests; 0 when it is not given. Throws `InvalidArgument`. */
export function checkNumber(value: number | undefined, what: string): number {
  if (value === undefined) return 0
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new NitroError('InvalidArgument', `${what} is ${value}; it must be a whole number from 0 on`)
}

/** A number that must be there; see {@link checkNumber}. Throws `InvalidArgument`. */
export function requireNumber(value: number, what: string): number {
  if ((value as number | undefined) !== undefined) return checkNumber(value, what)
  throw new NitroError('InvalidArgument', `${what} is missing; it must be a whole number from 0 on`)
}

const orders: ReadonlySet<string | undefined> = new Set([undefined, 'key', 'version', 'create', 'mod', 'value'])

/** A range read as the machine takes it. Throws `InvalidArgument`, `KeyTooLarge`. */
export function rangeRequest(query: RangeQuery): RangeRequest {
  const { reverse, keysOnly, countOnly, sort } = query
  if (!orders.has(sort)) {
    throw new NitroError(
      'InvalidArgument',
      `sort is ${JSON.stringify(sort)}; it must be key, version, create, mod or value`,
    )
  }
  return {
    ...codedRange(query),
    ...{ reverse, keysOnly, countOnly, sort },
    limit: checkLimit(query.limit),
    revision: checkNumber(query.revision, 'revision'),
    minModRevision: checkNumber(query.minModRevision, 'minModRevision'),
    maxModRevision: checkNumber(query.maxModRevision, 'maxModRevision'),
    minCreateRevision: checkNumber(query.minCreateRevision, 'minCreateRevision'),
    maxCreateRevision: checkNumber(query.maxCreateRevision, 'maxCreateRevision'),
  }
}

/** A put with options as the machine takes it; the bytes are the caller's. Throws as `keyBytes` and `valueBytes`. */
export function putOperation(key: BytesLike, value: BytesLike, options: Omit<WriteOptions, 'signal'>): PutOperation {
  return {
    kind: 'put',
    key: keyBytes(key),
    value: valueBytes(value),
    lease: checkNumber(options.lease, 'lease'),
    prevKv: options.prev === true,
    ignoreValue: options.ignoreValue === true,
    ignoreLease: options.ignoreLease === true,
  }
}

function toBytes(value: BytesLike, what: string): Uint8Array {
  if (typeof value === 'string') return shortAscii(value) ?? utf8(value)
  if (value instanceof Uint8Array) return value
  throw new NitroError('InvalidArgument', `the ${what} must be a string or a Uint8Array, not ${typeof value}`)
}

/** Most keys are short and ASCII; for those a loop costs a third of what the platform's encoder does. */
function shortAscii(value: string): Uint8Array | undefined {
  const { length } = value
  if (length > 64) return undefined
  const out = new Uint8Array(length)
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i)
    if (code >= 0x80) return undefined
    out[i] = code
  }
  return out
}

function checkKeyLength(bytes: Uint8Array, what: string): Uint8Array {
  const limit = defaultLimits.keyBytes
  if (bytes.length <= limit) return bytes
  throw new NitroError('KeyTooLarge', `the ${what} has ${bytes.length} bytes; at most ${limit} are allowed`, {
    details: { bytes: bytes.length, limit },
  })
}
