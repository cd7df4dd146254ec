/** Keys and ranges of keys, from etcd's form to the store's. */
import { compareBytes } from '../../../base/index.ts'
import type { KeyRange } from '../../../execution/codec.ts'
import { refuse } from './errors.ts'
import { RpcError } from './rpc-error.ts'

/** Keys of users begin here; those below are the store's own, and outside there are none. */
const firstKey = Uint8Array.of(1)
/** A range that holds nothing. */
export const noKeys: KeyRange = { start: firstKey, end: firstKey }

/**
 * The range that a key and a range end mean: the key alone without an end, everything from the key on with the end `\0`, otherwise the
 * keys before the end. Throws RpcError for an empty key.
 */
export function keyRangeOf(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  if (key.length === 0) throw refuse('emptyKey')
  const isReserved = key[0] === 0
  if (rangeEnd.length === 0) return isReserved ? noKeys : { start: key }
  const start = isReserved ? firstKey : key
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { start, fromKey: true }
  return compareBytes(rangeEnd, start) <= 0 ? noKeys : { start, end: rangeEnd }
}

/** A key that is to be written. Throws RpcError for an empty or a reserved one. */
export function writableKey(key: Uint8Array): Uint8Array {
  if (key.length === 0) throw refuse('emptyKey')
  if (key[0] === 0) throw new RpcError('invalidArgument', 'etcdserver: keys that begin with a zero byte are reserved')
  return key
}

/** The keys that begin with these bytes. */
export function prefixRange(prefix: Uint8Array): KeyRange {
  const end = Uint8Array.from(prefix)
  for (let at = end.length - 1; at >= 0; at--) {
    const byte = end[at] as number
    if (byte === 0xff) continue
    end[at] = byte + 1
    return { start: prefix, end: end.subarray(0, at + 1) }
  }
  return { start: prefix, fromKey: true }
}
