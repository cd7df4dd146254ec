/**
 * Arguments and results of the kv program, coded by hand: they are the hot path on both sides.
 *
 *   put     uint key length, key, value (all the rest)                  -> uint revision
 *   delete  key range                                                   -> uint revision, uint deleted
 *   get     key (all the rest)                                          -> uint revision, u8 found, [record]
 *   compact uint revision                                               -> uint revision
 *   range   key range, u8 options, uint limit, [view]                   -> uint revision, uint count, u8 more, uint n, n records
 *   history blob key, uint revision, uint limit                         -> uint revision, uint compacted, u8 more, uint n, n versions
 *
 *   key range  u8 kind (0 one key, 1 from start to before end, 2 from start on), blob start, [blob end]
 *   view       uint revision, u8 order, uint min mod, max mod, min create, max create; there if option bit 3 says so
 *   record     blob key, uint create, mod, version, lease, blob value
 *   version    u8 (1 deleted), record
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

/** What a range can be ordered by. */
export type RangeSort = 'key' | 'version' | 'create' | 'mod' | 'value'

/** A range query. */
export interface RangeRequest extends KeyRange {
  /** Records at most, after filters and order; 0 or not given: as many as the machine's limits allow. */
  readonly limit?: number | undefined
  /** From the greatest down. */
  readonly reverse?: boolean | undefined
  /** The state at this revision; 0 or not given: now. */
  readonly revision?: number | undefined
  /** What the records are ordered by; the key, unless given. Equal ones are ordered by key. */
  readonly sort?: RangeSort | undefined
  /** Only records last changed at this revision or later; 0 for any. */
  readonly minModRevision?: number | undefined
  /** Only records last changed at this revision or earlier; 0 for any. */
  readonly maxModRevision?: number | undefined
  /** Only keys created at this revision or later; 0 for any. */
  readonly minCreateRevision?: number | undefined
  /** Only keys created at this revision or earlier; 0 for any. */
  readonly maxCreateRevision?: number | undefined
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
  /** The current revision; without one asked for, the state of this revision was read. */
  readonly revision: number
  /** Keys in the whole range at the revision read, whatever the filters and the limit. */
  readonly count: number
  /** Whether matching records were left out because of a limit. */
  readonly more: boolean
  readonly records: readonly KvEntry[]
}

/** A query for what is kept of one key's past. */
export interface HistoryRequest {
  readonly key: Uint8Array
  /** Begins with the version that the key had at this revision; 0 or not given: with the newest. */
  readonly revision?: number | undefined
  /** Versions at most; 0 or not given: as many as the machine's limits allow. */
  readonly limit?: number | undefined
}

/** A state of a key, or its end: then version and create revision are 0 and the value is empty. */
export interface KeyVersion extends KvEntry {
  readonly deleted: boolean
}

/** The answer of a history query. */
export interface HistoryResult {
  /** The current revision. */
  readonly revision: number
  /** What the key was before this revision is not known any more. */
  readonly compactRevision: number
  /** Whether older versions are kept that were left out because of a limit. */
  readonly more: boolean
  /** Newest first. */
  readonly versions: readonly KeyVersion[]
}

/** Kinds of {@link KeyRange} as they are written. */
const rangeKinds = { single: 0, bounded: 1, from: 2 } as const

/** Bits of a range's options byte. */
const rangeBits = { reverse: 1, keysOnly: 2, countOnly: 4, view: 8 } as const

/** Orders by code. */
const rangeSorts: readonly RangeSort[] = ['key', 'version', 'create', 'mod', 'value']

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
  const { reverse, keysOnly, countOnly, revision = 0, sort = 'key' } = request
  const { minModRevision = 0, maxModRevision = 0, minCreateRevision = 0, maxCreateRevision = 0 } = request
  const view = [minModRevision, maxModRevision, minCreateRevision, maxCreateRevision]
  const hasView = revision !== 0 || sort !== 'key' || view.some((bound) => bound !== 0)
  writer.u8(
    (reverse ? rangeBits.reverse : 0) |
      (keysOnly ? rangeBits.keysOnly : 0) |
      (countOnly ? rangeBits.countOnly : 0) |
      (hasView ? rangeBits.view : 0),
  )
  writer.uint(request.limit ?? 0)
  if (!hasView) return writer.take()
  writer.uint(revision)
  writer.u8(rangeSorts.indexOf(sort))
  for (const bound of view) writer.uint(bound)
  return writer.take()
}

/** Arguments of kv.compact. */
export function encodeCompactArgs(revision: number): Uint8Array {
  const writer = new ByteWriter(10)
  writer.uint(revision)
  return writer.take()
}

/** The payload of a compaction's result: the current revision. */
export function decodeCompactResult(payload: Uint8Array): PutResult {
  return decodePutResult(payload)
}

/** Arguments of the kv.history query. */
export function encodeHistoryArgs({ key, revision = 0, limit = 0 }: HistoryRequest): Uint8Array {
  const writer = new ByteWriter(key.length + 16)
  writer.blob(key)
  writer.uint(revision)
  writer.uint(limit)
  return writer.take()
}

/** Reads the arguments of a history query; the key is a view. Throws `MalformedFrame`. */
export function decodeHistoryArgs(args: Uint8Array): { key: Uint8Array; revision: number; limit: number } {
  const reader = new ByteReader(args)
  const request = { key: reader.blob(), revision: reader.uint(), limit: reader.uint() }
  reader.finish()
  return request
}

/** The payload of a history query's result. Keys and values are views into it. */
export function decodeHistoryResult(payload: Uint8Array): HistoryResult {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  const compactRevision = reader.uint()
  const more = reader.u8() !== 0
  const versions: KeyVersion[] = []
  for (let left = reader.uint(); left > 0; left--) {
    const deleted = reader.u8() !== 0
    versions.push({ ...readKvEntry(reader), deleted })
  }
  reader.finish()
  return { revision, compactRevision, more, versions }
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
  if (bits > (rangeBits.reverse | rangeBits.keysOnly | rangeBits.countOnly | rangeBits.view)) {
    throw new NitroError('MalformedFrame', `range options ${bits}`)
  }
  const limit = reader.uint()
  const request = {
    start: range.start,
    end: range.end,
    fromKey: range.fromKey,
    limit,
    reverse: (bits & rangeBits.reverse) !== 0,
    keysOnly: (bits & rangeBits.keysOnly) !== 0,
    countOnly: (bits & rangeBits.countOnly) !== 0,
  }
  const view = (bits & rangeBits.view) === 0 ? undefined : readView(reader)
  reader.finish()
  return view === undefined ? request : { ...request, ...view }
}

function readView(reader: ByteReader): Partial<RangeRequest> {
  const revision = reader.uint()
  const code = reader.u8()
  const sort = rangeSorts[code]
  if (sort === undefined) throw new NitroError('MalformedFrame', `range order ${code}`)
  return {
    revision,
    sort,
    minModRevision: reader.uint(),
    maxModRevision: reader.uint(),
    minCreateRevision: reader.uint(),
    maxCreateRevision: reader.uint(),
  }
}

/** Reads one record; its bytes are views. Throws `MalformedFrame`. */
export function readKvEntry(reader: ByteReader): KvEntry {
  const key = reader.blob()
  const createRevision = reader.uint()
  const modRevision = reader.uint()
  const version = reader.uint()
  const lease = reader.uint()
  return { key, value: reader.blob(), createRevision, modRevision, version, lease }
}
