/** Commands and queries of the sync program for tests, over a machine with a memory disk. */
import { text, utf8 } from '../../base/index.ts'
import {
  decodeAcquireResult,
  decodeInspectResult,
  decodeSetResult,
  decodeSyncCancelResult,
  decodeTxnResult,
  encodeAcquireArgs,
  encodeInspectArgs,
  encodeKeepAliveArgs,
  encodeLeaseGrantArgs,
  encodeLeaseRevokeArgs,
  encodeProclaimArgs,
  encodeReleaseArgs,
  encodeSetArgs,
  encodeSyncCancelArgs,
  encodeTxnArgs,
  syncKinds,
} from '../../execution/index.ts'
import type { AcquireAnswer, AcquireRequest, SessionHeader, SetRequest, SyncResource } from '../../execution/index.ts'
import { Box, call, codeOf, payloadOf } from './harness.ts'

export type Mode = AcquireRequest['mode']

export const resource = (name: string, kind: number = syncKinds.lock, namespace = 'app'): SyncResource => ({
  kind,
  namespace: utf8(namespace),
  name: utf8(name),
})

/** An acquire id that is told by its number. */
export const acquireId = (n: number): Uint8Array => {
  const id = new Uint8Array(16)
  new DataView(id.buffer).setUint32(12, n)
  return id
}
export const numberOf = (id: Uint8Array): number => new DataView(id.buffer, id.byteOffset).getUint32(12)

export const grantLease = (id: number, ttlMs = 10_000) => call('lease', 'grant', encodeLeaseGrantArgs(id, ttlMs))
export const revoke = (id: number) => call('lease', 'revoke', encodeLeaseRevokeArgs(id))
export const keepAlive = (...ids: number[]) => call('lease', 'keepAlive', encodeKeepAliveArgs(ids))

export const acquire = (
  at: SyncResource,
  n: number,
  lease: number,
  options: Partial<AcquireRequest> = {},
  header?: SessionHeader,
) =>
  call(
    'sync',
    'acquire',
    encodeAcquireArgs({
      ...{ mode: 'exclusive', capacity: 1, wait: true, maxHoldMs: 0, label: utf8(`label ${n}`), value: utf8('') },
      ...options,
      ...at,
      ...{ lease, acquireId: acquireId(n) },
    }),
    header,
  )
export const release = (at: SyncResource, token: number) => call('sync', 'release', encodeReleaseArgs(at, token))
export const cancel = (at: SyncResource, n: number, lease: number) =>
  call('sync', 'cancel', encodeSyncCancelArgs(at, lease, acquireId(n)))
export const proclaim = (at: SyncResource, token: number, value: string) =>
  call('sync', 'proclaim', encodeProclaimArgs(at, token, utf8(value)))
export const set = (at: SyncResource, request: Partial<SetRequest>) =>
  call('sync', 'set', encodeSetArgs({ token: 0, ifRevision: undefined, value: undefined, ...request, ...at }))

/** A transaction without operations that succeeds while the grant is held. */
export const guard = (at: SyncResource, token: number) =>
  call(
    'kv',
    'txn',
    encodeTxnArgs({ conditions: [{ target: 'held', grant: { ...at, token } }], success: [], failure: [] }),
  )
export const holds = (result: Uint8Array | undefined): boolean =>
  decodeTxnResult(payloadOf(result as Uint8Array)).succeeded

export const answerOf = (result: Uint8Array | undefined): AcquireAnswer =>
  decodeAcquireResult(payloadOf(result as Uint8Array))
/** The token of an acquire that was granted at once. */
export const tokenOf = (result: Uint8Array | undefined): number => {
  const answer = answerOf(result)
  if (answer.outcome !== 'granted') throw new Error(answer.outcome)
  return answer.token
}
export const cancelOf = (result: Uint8Array | undefined) => {
  if (codeOf(result as Uint8Array) !== 'ok') return codeOf(result as Uint8Array)
  return decodeSyncCancelResult(payloadOf(result as Uint8Array)).outcome
}
export const setOf = (result: Uint8Array | undefined) => {
  const { done, cell } = decodeSetResult(payloadOf(result as Uint8Array))
  return { done, value: cell === undefined ? undefined : text(cell.value), revision: cell?.revision }
}

export const inspect = (box: Box, at: SyncResource, limit = 0, nowMs = 0) =>
  decodeInspectResult(payloadOf(box.machine.query('sync', 'inspect', encodeInspectArgs(at, limit), nowMs)))

/** Who holds and who waits, by the numbers of their acquire ids. */
export const standing = (box: Box, at: SyncResource): { holders: number[]; waiters: number[] } => {
  const { holders, waiters } = inspect(box, at)
  const numbers = (entries: typeof holders) => entries.map((entry) => numberOf(entry.acquireId))
  return { holders: numbers(holders), waiters: numbers(waiters) }
}

/** The token under which someone holds it. */
export const heldBy = (box: Box, at: SyncResource, n: number): number =>
  inspect(box, at).holders.find((entry) => numberOf(entry.acquireId) === n)?.token ?? 0

export const door = resource('door')
export const shared = { mode: 'shared', capacity: 0 } as const
export const writer = { mode: 'exclusive', capacity: 0 } as const
export const book = resource('book', syncKinds.rwlock)

/** A machine with sessions 1 to 5, whose leases live for 10 seconds. */
export function sessions(options: ConstructorParameters<typeof Box>[0] = {}): Box {
  const box = new Box(options)
  box.apply([1, 2, 3, 4, 5].map((id) => grantLease(id)))
  return box
}
