/**
 * Arguments and results of the kv program, coded by hand: they are the hot path on both sides.
 *
 *   put     uint key length, key, value (all the rest)                  -> uint revision
 *   delete  key range                                                   -> uint revision, uint deleted
 *   get     key (all the rest)                                          -> uint revision, u8 found, [record]
 *   range   key range, u8 options, uint limit                           -> uint revision, uint count, u8 more, uint n, n records
 *
 *   key range  u8 kind (0 one key, 1 from start to before end, 2 from start on), blob start, [blob end]
 *   record     blob key, uint create, mod, version, lease, blob value
 */
import { ByteReader, ByteWriter, NitroError } from '../base/index.ts'
import { builtins, kvMethods, writeSessionHeader } from './command.ts'
import type { SessionHeader } from './command.ts'

/** One key, or the keys from `start` (included) to `end` (excluded), or all from `start` on. */
export interface KeyRange {
  readonly start: Uint8Array
  /** Not given: only the key `start`, unless `fromKey`. */
  readonly end?: Uint8Array | undefined
  /** Every key from `start` on; `end` must not be given. */
  readonly fromKey?: boolean | undefined
}

/** A range query. */
export interface RangeRequest extends KeyRange {
  /** Records at most; 0 or not given: as many as the machine's limits allow. */
  readonly limit?: number | undefined
  /** From the greatest key down. */
  readonly reverse?: boolean | undefined
  /** Leave the values out. */
  readonly keysOnly?: boolean | undefined
  /** Leave the records out. */
  readonly countOnly?: boolean | undefined
}

/** The current state of one key. */
export interface KvEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  /** The revision that created the key. */
  readonly createRevision: number
  /** The revision that last changed it. */
  readonly modRevision: number
  /** Changes since its creation, which is 1. */
  readonly version: number
  /** The lease it is attached to; 0 for none. */
  readonly lease: number
}

/** The answer of a put. */
export interface PutResult {
  /** The revision the put took. */
  readonly revision: number
}

/** The answer of a delete. */
export interface DeleteResult {
  /** The revision after it; deleting nothing takes none. */
  readonly revision: number
  readonly deleted: number
}

/** The answer of a get. */
export interface GetResult {
  /** The revision of the state that was read. */
  readonly revision: number
  readonly record: KvEntry | undefined
}

/** The answer of a range. */
export interface RangeResult {
  /** The revision of the state that was read. */
  readonly revision: number
  /** Keys in the whole range, whatever the limit. */
  readonly count: number
  /** Whether records were left out because of a limit. */
  readonly more: boolean
  readonly records: readonly KvEntry[]
}

/** Kinds of {@link KeyRange} as they are written. */
const rangeKinds = { single: 0, bounded: 1, from: 2 } as const

/** Bits of a range's options byte. */
const rangeBits = { reverse: 1, keysOnly: 2, countOnly: 4 } as const

/** Appends a whole put command: the fast path past `encodeCommand`. */
export function writePut(
  writer: ByteWriter,
  header: SessionHeader | undefined,
  key: Uint8Array,
  value: Uint8Array,
): void {
  writeSessionHeader(writer, header)
  writer.u8(builtins.kv)
  writer.u8(kvMethods.put)
  writer.blob(key)
  writer.raw(value)
}

/** Appends a whole delete command. */
export function writeDelete(writer: ByteWriter, header: SessionHeader | undefined, range: KeyRange): void {
  writeSessionHeader(writer, header)
  writer.u8(builtins.kv)
  writer.u8(kvMethods.delete)
  writeKeyRange(writer, range)
}

/** Arguments of kv.put. */
export function encodePutArgs(key: Uint8Array, value: Uint8Array): Uint8Array {
  const writer = new ByteWriter(key.length + value.length + 8)
  writePutArgs(writer, key, value)
  return writer.take()
}

/** Appends the arguments of kv.put; for callers that write many into one arena. */
export function writePutArgs(writer: ByteWriter, key: Uint8Array, value: Uint8Array): void {
  writer.blob(key)
  writer.raw(value)
}

/** Arguments of kv.delete. Throws `InvalidArgument` for an end beside `fromKey`. */
export function encodeDeleteArgs(range: KeyRange): Uint8Array {
  const writer = new ByteWriter(64)
  writeKeyRange(writer, range)
  return writer.take()
}

/** Arguments of the kv.range query. Throws `InvalidArgument` for an end beside `fromKey`. */
export function encodeRangeArgs(request: RangeRequest): Uint8Array {
  const writer = new ByteWriter(64)
  writeKeyRange(writer, request)
  const { reverse, keysOnly, countOnly } = request
  writer.u8(
    (reverse ? rangeBits.reverse : 0) | (keysOnly ? rangeBits.keysOnly : 0) | (countOnly ? rangeBits.countOnly : 0),
  )
  writer.uint(request.limit ?? 0)
  return writer.take()
}

/** The payload of a put's result. */
export function decodePutResult(payload: Uint8Array): PutResult {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  reader.finish()
  return { revision }
}

/** The payload of a delete's result. */
export function decodeDeleteResult(payload: Uint8Array): DeleteResult {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  const deleted = reader.uint()
  reader.finish()
  return { revision, deleted }
}

/** The payload of a get's result. Key and value are views into it. */
export function decodeGetResult(payload: Uint8Array): GetResult {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  const record = reader.u8() === 0 ? undefined : readKvEntry(reader)
  reader.finish()
  return { revision, record }
}

/** The payload of a range's result. Keys and values are views into it. */
export function decodeRangeResult(payload: Uint8Array): RangeResult {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  const count = reader.uint()
  const more = reader.u8() !== 0
  const length = reader.uint()
  const records: KvEntry[] = []
  for (let i = 0; i < length; i++) records.push(readKvEntry(reader))
  reader.finish()
  return { revision, count, more, records }
}

/** Appends a key range. Throws `InvalidArgument` for an end beside `fromKey`. */
export function writeKeyRange(writer: ByteWriter, { start, end, fromKey }: KeyRange): void {
  if (end !== undefined && fromKey)
    throw new NitroError('InvalidArgument', 'a range has an end or goes on from its key')
  writer.u8(fromKey ? rangeKinds.from : end === undefined ? rangeKinds.single : rangeKinds.bounded)
  writer.blob(start)
  if (end !== undefined) writer.blob(end)
}

/** Reads a key range; its bytes are views. Throws `MalformedFrame`. */
export function readKeyRange(reader: ByteReader): KeyRange {
  const kind = reader.u8()
  const start = reader.blob()
  if (kind === rangeKinds.single) return { start }
  if (kind === rangeKinds.bounded) return { start, end: reader.blob() }
  if (kind === rangeKinds.from) return { start, fromKey: true }
  throw new NitroError('MalformedFrame', `key range of kind ${kind}`)
}

/** Reads the arguments of a range. Throws `MalformedFrame`. */
export function decodeRangeArgs(args: Uint8Array): RangeRequest {
  const reader = new ByteReader(args)
  const range = readKeyRange(reader)
  const bits = reader.u8()
  if (bits > (rangeBits.reverse | rangeBits.keysOnly | rangeBits.countOnly)) {
    throw new NitroError('MalformedFrame', `range options ${bits}`)
  }
  const limit = reader.uint()
  reader.finish()
  return {
    ...range,
    limit,
    reverse: (bits & rangeBits.reverse) !== 0,
    keysOnly: (bits & rangeBits.keysOnly) !== 0,
    countOnly: (bits & rangeBits.countOnly) !== 0,
  }
}

function readKvEntry(reader: ByteReader): KvEntry {
  const key = reader.blob()
  const createRevision = reader.uint()
  const modRevision = reader.uint()
  const version = reader.uint()
  const lease = reader.uint()
  return { key, value: reader.blob(), createRevision, modRevision, version, lease }
}
