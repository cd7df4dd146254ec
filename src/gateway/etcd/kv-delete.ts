/**
 * Deletes of any size. The store deletes so many keys at once at most, for nothing else happens meanwhile; etcd has no such bound. So a
 * greater delete goes in steps: the only request that takes more than one revision.
 */
import { concatBytes, isNitroError } from '../../../base/index.ts'
import { decodeDeleteResult, encodeDeleteArgs } from '../../../execution/codec.ts'
import type { DeleteResult, KeyRange } from '../../../execution/codec.ts'
import type { Engine } from '../../api/index.ts'
import type { CallContext } from './call.ts'

/** Finds a key up to which a range holds no more than one delete may take; undefined when it holds none. */
export type FindCut = (range: KeyRange, timeoutMs: number) => Promise<Uint8Array | undefined>

/** Deletes a range, whatever its size. Throws NitroError, or the reason why the call is over; then some of its first keys may be gone. */
export async function deleteRange(
  engine: Engine,
  range: KeyRange,
  call: CallContext,
  cut: FindCut,
): Promise<DeleteResult> {
  let { start } = range
  let deleted = 0
  for (;;) {
    const rest = await deleteWhole(engine, { ...range, start }, call)
    if (rest !== undefined) return { revision: rest.revision, deleted: deleted + rest.deleted }
    call.signal.throwIfAborted()
    const last = await cut({ ...range, start }, call.timeoutMs)
    // Others have deleted meanwhile.
    if (last === undefined) continue
    const behind = concatBytes([last, Uint8Array.of(0)])
    const first = await deleteWhole(engine, { start, end: behind }, call)
    // Others have written meanwhile.
    if (first === undefined) continue
    deleted += first.deleted
    start = behind
  }
}

/** One delete; undefined when the range holds too many keys for one. */
async function deleteWhole(
  engine: Engine,
  range: KeyRange,
  { timeoutMs }: CallContext,
): Promise<DeleteResult | undefined> {
  try {
    return decodeDeleteResult(await engine.command('kv', 'delete', encodeDeleteArgs(range), { timeoutMs }))
  } catch (error) {
    if (isNitroError(error, 'LimitExceeded')) return undefined
    throw error
  }
}
