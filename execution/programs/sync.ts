/** The built-in sync program: its commands. Whatever can fail is checked before the first change. */
import { ByteReader, ByteWriter, NitroError, concatBytes, emptyBytes, fromLatin1, latin1 } from '../../base/index.ts'
import { syncMethods } from '../command.ts'
import type { MachineLimits } from '../limits.ts'
import { okStatus } from '../result.ts'
import {
  acquireCode,
  cancelCode,
  decodeAcquireArgs,
  decodeProclaimArgs,
  decodeReleaseArgs,
  decodeSetArgs,
  decodeSyncCancelArgs,
} from '../sync/codec.ts'
import type { AcquireRequest, CancelOutcome } from '../sync/codec.ts'
import { cellBounds, cellName, markName, resourceName } from '../sync/key.ts'
import type { SyncResource } from '../sync/key.ts'
import type { Entry } from '../sync/resource.ts'
import { writeCell, writeHolding } from './sync-queries.ts'
import type { TxnContext } from './txn.ts'

/** Holders that a refused acquire is told of. */
const holdersTold = 16

/** Applies a sync method with the arguments in `bytes[at, end)` and returns its result. */
export function runSync(context: TxnContext, method: number, bytes: Uint8Array, at: number, end: number): Uint8Array {
  const reader = new ByteReader(bytes, at, end)
  switch (method) {
    case syncMethods.acquire:
      return acquire(context, reader)
    case syncMethods.release:
      return release(context, reader)
    case syncMethods.cancel:
      return cancel(context, reader)
    case syncMethods.proclaim:
      return proclaim(context, reader)
    default:
      return set(context, reader)
  }
}

function acquire(context: TxnContext, reader: ByteReader): Uint8Array {
  const { state, leases, sync, limits } = context
  const request = decodeAcquireArgs(reader)
  checkAcquire(request, limits)
  const name = resourceName(request)
  const resource = sync.current(name)
  const acquireId = latin1(request.acquireId)
  const known = sync.find(acquireId)
  leases.get(request.lease)
  if (known !== undefined) return answerOf(context, sameAs(known, name, request.lease))
  if (state.index.get(markName(request.lease, acquireId)) !== undefined) {
    throw new NitroError('Cancelled', 'the acquisition was cancelled before it came', { executed: 'no' })
  }
  if (resource !== undefined) {
    const { capacity, holders, waiting } = resource
    if (capacity !== request.capacity) throw mismatch(capacity)
    if (!request.wait && (waiting > 0 || !resource.admits(request.mode === 'exclusive'))) {
      return refusal(context, [...holders.values()], waiting)
    }
    if (holders.size + waiting >= limits.syncQueue) throw tooMany('syncQueue', limits.syncQueue)
  }
  leases.checkAttach(request.lease, 1)
  const { capacity, lease, mode, maxHoldMs, label, value } = request
  const content = { acquireId: request.acquireId, mode, maxHoldMs, label, value }
  return answerOf(context, sync.add({ resource: name, capacity, lease, content }))
}

function release({ sync, limits }: TxnContext, reader: ByteReader): Uint8Array {
  const request = decodeReleaseArgs(reader)
  checkResource(request, limits)
  return okRevision(sync.end(holderOf({ sync }, request)))
}

function cancel(context: TxnContext, reader: ByteReader): Uint8Array {
  const { state, leases, sync, limits } = context
  const request = decodeSyncCancelArgs(reader)
  checkResource(request, limits)
  const name = resourceName(request)
  sync.current(name)
  const acquireId = latin1(request.acquireId)
  const known = sync.find(acquireId)
  if (known !== undefined) {
    const outcome = sameAs(known, name, request.lease).token === 0 ? 'removed' : 'released'
    return cancelled(sync.end(known), outcome)
  }
  const mark = markName(request.lease, acquireId)
  // An acquire for a lease that is over finds none; only for one that lives has the cancel to be remembered.
  if (leases.find(request.lease) !== undefined && state.index.get(mark) === undefined) {
    leases.checkAttach(request.lease, 1)
    state.put(mark, fromLatin1(mark), 0, 0, state.revision + 1, 0, request.lease)
    state.revision++
  }
  return cancelled(state.revision, 'remembered')
}

function proclaim({ sync, limits }: TxnContext, reader: ByteReader): Uint8Array {
  const request = decodeProclaimArgs(reader)
  checkResource(request, limits)
  checkValue(request.value, limits)
  return okRevision(sync.proclaim(holderOf({ sync }, request), request.value))
}

function set({ state, sync, limits }: TxnContext, reader: ByteReader): Uint8Array {
  const request = decodeSetArgs(reader)
  const { token, ifRevision, value } = request
  checkResource(request, limits)
  checkValue(value ?? emptyBytes, limits)
  if (token !== 0) holderOf({ sync }, request)
  const key = cellName(resourceName(request))
  const known = state.index.get(key)
  const isDone = ifRevision === undefined || ifRevision === (known === undefined ? 0 : state.records.mod(known.record))
  if (isDone && value !== undefined) {
    if (known === undefined && state.index.count(...cellBounds) >= limits.syncCells) {
      throw tooMany('syncCells', limits.syncCells)
    }
    state.put(key, concatBytes([fromLatin1(key), value]), 0, value.length, state.revision + 1, 0)
    state.revision++
  } else if (isDone && known !== undefined) {
    state.remove(known, state.revision + 1, 0)
    state.revision++
  }
  const writer = begin(state.revision)
  writer.u8(isDone ? 1 : 0)
  writeCell(writer, state, key)
  return writer.take()
}

/** The holder of a token. Throws `NotHeld`. */
function holderOf({ sync }: Pick<TxnContext, 'sync'>, grant: SyncResource & { readonly token: number }): Entry {
  sync.current(resourceName(grant))
  const entry = sync.holder(grant)
  if (entry === undefined) {
    const details = { token: grant.token }
    throw new NitroError('NotHeld', `nobody holds it under the token ${grant.token}`, { details })
  }
  return entry
}

/** An entry that was asked for again. Throws `InvalidArgument` if it was asked for as another. */
function sameAs(known: Entry, resource: string, lease: number): Entry {
  if (known.resource.name !== resource || known.lease !== lease) {
    throw new NitroError('InvalidArgument', 'the acquire id is of another resource or lease')
  }
  return known
}

function answerOf({ state }: TxnContext, entry: Entry): Uint8Array {
  const { token, id, resource } = entry
  const writer = begin(state.revision)
  writer.u8(acquireCode(token === 0 ? 'queued' : 'granted'))
  writer.uint(id)
  writer.uint(token === 0 ? resource.aheadOf(entry) : token)
  return writer.take()
}

function refusal({ state, sync, leases }: TxnContext, holders: readonly Entry[], waiting: number): Uint8Array {
  const writer = begin(state.revision)
  writer.u8(acquireCode('held'))
  writer.uint(waiting)
  writer.uint(holders.length)
  const told = holders.slice(0, holdersTold)
  writer.uint(told.length)
  for (const entry of told) writeHolding(writer, sync, entry, leases.logTime)
  return writer.take()
}

function checkAcquire(request: AcquireRequest, limits: MachineLimits): void {
  checkResource(request, limits)
  checkName(request.label, limits)
  checkValue(request.value, limits)
  if (request.maxHoldMs > limits.leaseTtlMsMax) {
    const details = { name: 'leaseTtlMsMax', limit: limits.leaseTtlMsMax }
    throw new NitroError('InvalidArgument', `to be held for ${request.maxHoldMs} ms`, { details })
  }
}

/** Throws `InvalidArgument` or `KeyTooLarge` for what is no resource. */
export function checkResource({ kind, namespace, name }: SyncResource, limits: MachineLimits): void {
  if (kind === 0) throw new NitroError('InvalidArgument', 'kinds begin at 1')
  checkName(namespace, limits)
  checkName(name, limits)
}

function checkName({ length: bytes }: Uint8Array, { syncNameBytes: limit }: MachineLimits): void {
  if (bytes > limit) {
    throw new NitroError('KeyTooLarge', `a name of ${bytes} bytes; the limit is ${limit}`, {
      details: { bytes, limit },
    })
  }
}

function checkValue({ length: bytes }: Uint8Array, { syncValueBytes: limit }: MachineLimits): void {
  if (bytes > limit) {
    throw new NitroError('ValueTooLarge', `${bytes} bytes; the limit is ${limit}`, { details: { bytes, limit } })
  }
}

function mismatch(capacity: number): NitroError {
  return new NitroError('CapacityMismatch', `it is in use with capacity ${capacity}`, { details: { capacity } })
}

function tooMany(name: 'syncQueue' | 'syncCells', limit: number): NitroError {
  return new NitroError('LimitExceeded', `${name}: at most ${limit}`, { details: { name, limit } })
}

function cancelled(revision: number, outcome: CancelOutcome): Uint8Array {
  const writer = begin(revision)
  writer.u8(cancelCode(outcome))
  return writer.take()
}

function okRevision(revision: number): Uint8Array {
  return begin(revision).take()
}

function begin(revision: number): ByteWriter {
  const writer = new ByteWriter(32)
  writer.u8(okStatus)
  writer.uint(revision)
  return writer
}
