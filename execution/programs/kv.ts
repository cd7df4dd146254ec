/**
 * The built-in kv program. It works on the state directly instead of through a transaction: everything that can fail is
 * checked before the first change.
 */
import { ByteReader, ByteWriter, NitroError, latin1 } from '../../base/index.ts'
import type { KeyEntry } from '../key-index.ts'
import { decodeRangeArgs, readKeyRange } from '../kv-codec.ts'
import type { KeyRange } from '../kv-codec.ts'
import type { MachineLimits } from '../limits.ts'
import { okStatus } from '../result.ts'
import type { State } from '../state.ts'

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
  const valueLength = end - keyAt - keyLength
  if (valueLength > limits.valueBytes) throw tooLarge('ValueTooLarge', valueLength, limits.valueBytes)
  const revision = state.revision + 1
  state.put(latin1(bytes, keyAt, keyAt + keyLength), bytes, keyAt, valueLength, revision, 0)
  state.revision = revision
  return revisionResult(revision)
}

/** Applies kv.delete with the arguments in `bytes[at, end)` and returns its result. */
export function remove(state: State, limits: MachineLimits, bytes: Uint8Array, at: number, end: number): Uint8Array {
  const reader = new ByteReader(bytes, at, end)
  const [start, stop] = boundsOf(readKeyRange(reader))
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

/** Answers the query kv.get. */
export function get(state: State, limits: MachineLimits, args: Uint8Array): Uint8Array {
  checkKey(args.length, limits)
  const entry = state.lookup(args, 0, args.length)
  const writer = begin(state.revision)
  writer.u8(entry === undefined ? 0 : 1)
  if (entry !== undefined) writeEntry(writer, state, entry, true)
  return writer.take()
}

/** Answers the query kv.range. */
export function range(state: State, limits: MachineLimits, args: Uint8Array): Uint8Array {
  const request = decodeRangeArgs(args)
  const [start, stop] = boundsOf(request)
  const count = state.index.count(start, stop)
  const entries: KeyEntry[] = []
  if (count > 0 && !request.countOnly) {
    const limit = Math.min(request.limit || count, limits.rangeRecords)
    let sizeBytes = 0
    const visit = (entry: KeyEntry): boolean => {
      sizeBytes += request.keysOnly ? entry.key.length : entry.length
      if (sizeBytes > limits.rangeBytes && entries.length > 0) return false
      return entries.push(entry) < limit
    }
    if (request.reverse) state.index.descend(start, stop, visit)
    else state.index.ascend(start, stop, visit)
  }
  const writer = begin(state.revision)
  writer.uint(count)
  writer.u8(!request.countOnly && entries.length < count ? 1 : 0)
  writer.uint(entries.length)
  for (const entry of entries) writeEntry(writer, state, entry, !request.keysOnly)
  return writer.take()
}

function writeEntry(writer: ByteWriter, state: State, entry: KeyEntry, withValue: boolean): void {
  writer.latin1(entry.key)
  writer.uint(entry.create)
  writer.uint(entry.mod)
  writer.uint(entry.version)
  writer.uint(entry.lease)
  if (withValue) writer.blob(state.readValue(entry))
  else writer.uint(0)
}

/** First and end key as latin1; the end undefined means without end. */
function boundsOf({ start, end, fromKey }: KeyRange): readonly [string, string | undefined] {
  const first = latin1(start)
  if (fromKey) return [first, undefined]
  return [first, end === undefined ? `${first}\0` : latin1(end)]
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
