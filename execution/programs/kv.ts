/**
 * The built-in kv program. It works on the state directly instead of through a transaction: everything that can fail is
 * checked before the first change.
 */
import { ByteReader, ByteWriter, NitroError, latin1 } from '../../base/index.ts'
import { compacted, futureRevision } from '../events.ts'
import { visitVersions } from '../history.ts'
import type { KeyEntry } from '../key-index.ts'
import { decodeHistoryArgs, decodeRangeArgs, readKeyRange } from '../kv-codec.ts'
import type { RangeRequest } from '../kv-codec.ts'
import type { MachineLimits } from '../limits.ts'
import { changedBounds, checkRangeRequest, checkReadable, selectRange } from '../range.ts'
import { recordKinds } from '../records.ts'
import type { RecordId } from '../records.ts'
import { okStatus } from '../result.ts'
import type { State } from '../state.ts'
import { reservedKey } from '../sync/key.ts'

/** Applies kv.put with the arguments in `bytes[at, end)` and returns its result. */
export function put(state: State, limits: MachineLimits, bytes: Uint8Array, at: number, end: number): Uint8Array {
  let keyLength = bytes[at] as number
  let keyAt = at + 1
  if (at >= end || keyLength >= 0x80) {
    const reader = new ByteReader(bytes, at, end)
    keyLength = reader.uint()
    keyAt = reader.at
  }
  if (keyAt + keyLength > end) throw new NitroError('MalformedFrame', 'the key runs past the end')
  checkKey(keyLength, limits)
  if (bytes[keyAt] === 0) throw reservedKey()
  const valueLength = end - keyAt - keyLength
  if (valueLength > limits.valueBytes) throw tooLarge('ValueTooLarge', valueLength, limits.valueBytes)
  const revision = state.revision + 1
  state.putAt(bytes, keyAt, keyLength, valueLength, revision)
  state.revision = revision
  return revisionResult(revision)
}

/** Applies kv.delete with the arguments in `bytes[at, end)` and returns its result. */
export function remove(state: State, limits: MachineLimits, bytes: Uint8Array, at: number, end: number): Uint8Array {
  const reader = new ByteReader(bytes, at, end)
  const [start, stop] = changedBounds(readKeyRange(reader))
  reader.finish()
  const count = state.index.count(start, stop)
  if (count > limits.transactionKeys) {
    const details = { name: 'transactionKeys', limit: limits.transactionKeys }
    throw new NitroError('LimitExceeded', `the range holds ${count} keys`, { details })
  }
  const entries: KeyEntry[] = []
  if (count > 0) state.index.ascend(start, stop, (entry) => entries.push(entry) < count)
  const revision = count > 0 ? state.revision + 1 : state.revision
  for (let i = 0; i < entries.length; i++) state.remove(entries[i] as KeyEntry, revision, i)
  state.revision = revision
  const writer = begin(revision)
  writer.uint(count)
  return writer.take()
}

/** Applies kv.compact with the arguments in `bytes[at, end)` and returns its result. It takes no revision. */
export function compact(state: State, bytes: Uint8Array, at: number, end: number): Uint8Array {
  const reader = new ByteReader(bytes, at, end)
  const revision = reader.uint()
  reader.finish()
  const { history } = state
  if (revision <= history.compactRevision) throw compacted(history.compactRevision)
  if (revision > state.revision) throw futureRevision(state.revision)
  history.compact(revision)
  return revisionResult(state.revision)
}

/** Answers the query kv.get. */
export function get(state: State, limits: MachineLimits, args: Uint8Array): Uint8Array {
  checkKey(args.length, limits)
  const entry = state.lookup(args, 0, args.length)
  const writer = begin(state.revision)
  writer.u8(entry === undefined ? 0 : 1)
  if (entry !== undefined) writeEntry(writer, state, entry.record, true)
  return writer.take()
}

/** Answers the query kv.range. */
export function range(state: State, limits: MachineLimits, args: Uint8Array): Uint8Array {
  const request = decodeRangeArgs(args)
  checkRangeRequest(state, limits, request)
  results.clear()
  results.u8(okStatus)
  writeRange(results, state, limits, request, limits.rangeBytes)
  return results.take()
}

/** The payload of a range that was checked (`checkRangeRequest`), with records of at most so many bytes. */
export function rangePayload(
  state: State,
  limits: MachineLimits,
  request: RangeRequest,
  budgetBytes: number,
): Uint8Array {
  results.clear()
  writeRange(results, state, limits, request, budgetBytes)
  return results.take()
}

/** Answers the query kv.history. */
export function history(state: State, limits: MachineLimits, args: Uint8Array): Uint8Array {
  const { key, revision, limit } = decodeHistoryArgs(args)
  checkKey(key.length, limits)
  checkReadable(state, revision)
  const name = latin1(key)
  const entry = state.index.get(name) ?? state.gone.get(name)
  const { compactRevision } = state.history
  const most = Math.min(limit || limits.rangeRecords, limits.rangeRecords)
  const { records } = state
  const found: RecordId[] = []
  let sizeBytes = 0
  let more = false
  if (entry !== undefined) {
    visitVersions(records, entry, compactRevision, (record) => {
      if (revision !== 0 && records.mod(record) > revision) return true
      sizeBytes += records.length(record)
      more = found.length >= most || (sizeBytes > limits.rangeBytes && found.length > 0)
      return !more && found.push(record) > 0
    })
  }
  const writer = begin(state.revision)
  writer.uint(compactRevision)
  writer.u8(more ? 1 : 0)
  writer.uint(found.length)
  for (const record of found) {
    writer.u8(records.kind(record) === recordKinds.tombstone ? 1 : 0)
    writeEntry(writer, state, record, true)
  }
  return writer.take()
}

function writeRange(
  writer: ByteWriter,
  state: State,
  limits: MachineLimits,
  request: RangeRequest,
  budgetBytes: number,
): void {
  const { count, more, records } = selectRange(state, limits, request, budgetBytes)
  writer.uint(state.revision)
  writer.uint(count)
  writer.u8(more ? 1 : 0)
  writer.uint(records.length)
  for (const record of records) writeEntry(writer, state, record, !request.keysOnly)
}

/** Appends a record as results hold it. Throws `StateDamaged`. */
export function writeEntry(writer: ByteWriter, state: State, record: RecordId, withValue: boolean): void {
  const { records } = state
  writer.latin1(records.entry(record).key)
  writer.uint(records.create(record))
  writer.uint(records.mod(record))
  writer.uint(records.version(record))
  writer.uint(records.lease(record))
  if (withValue) writer.blob(state.valueOf(record))
  else writer.uint(0)
}

function begin(revision: number): ByteWriter {
  results.clear()
  results.u8(okStatus)
  results.uint(revision)
  return results
}
const results = new ByteWriter(1024)

/** The result of a put, in an array of just its size: sessions keep it. */
function revisionResult(revision: number): Uint8Array {
  let size = 2
  for (let rest = revision; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  const out = new Uint8Array(size)
  let rest = revision
  for (let i = 1; i < size - 1; i++) {
    out[i] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  out[size - 1] = rest
  return out
}

function checkKey(length: number, limits: MachineLimits): void {
  if (length === 0 || length > limits.keyBytes) throw tooLarge('KeyTooLarge', length, limits.keyBytes)
}

function tooLarge(code: 'KeyTooLarge' | 'ValueTooLarge', bytes: number, limit: number): NitroError {
  return new NitroError(code, `${bytes} bytes; the limit is ${limit}`, { details: { bytes, limit } })
}
