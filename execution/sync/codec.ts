/**
 * Arguments and results of the commands of the sync program.
 *
 *   resource   u8 kind, blob namespace, blob name
 *
 *   acquire    resource, u8 mode, u32 capacity, uint lease, 16 bytes acquire id, u8 wait, uint maxHoldMs, blob label, blob value
 *                -> uint revision, u8 outcome, then   0 granted: uint sequence, uint token
 *                                                     1 queued:  uint sequence, uint ahead
 *                                                     2 held:    uint waiting, uint holders, uint n, n x entry of an inspection
 *   release    resource, uint token                   -> uint revision
 *   cancel     resource, uint lease, acquire id       -> uint revision, u8 outcome
 *   proclaim   resource, uint token, value            -> uint revision
 *   set        resource, uint token (0: none), u8 conditioned, uint revision of the cell, u8 there, value
 *                -> uint revision, u8 done, cell (as the query answers it)
 *
 * An acquire or a release must be sent within a session: the command then happens once however often it travels, and an
 * acquire cannot come to life again after its entry has gone.
 */
import { ByteReader, ByteWriter, NitroError } from '../../base/index.ts'
import { readMode, writeMode } from './entry.ts'
import type { SyncMode } from './entry.ts'
import { acquireIdBytes } from './key.ts'
import type { SyncResource } from './key.ts'
import { readCell, readInspected } from './query-codec.ts'
import type { SyncCell, SyncHolding } from './query-codec.ts'

/** What an acquire asks for. */
export interface AcquireRequest extends SyncResource {
  readonly mode: SyncMode
  /** How many may share the resource, 0 for any number; the same for all that use it, else `CapacityMismatch`. */
  readonly capacity: number
  /** The entry lives as long as this lease. */
  readonly lease: number
  /** 16 random bytes, chosen anew for every acquisition and kept for its repetitions. */
  readonly acquireId: Uint8Array
  /** Whether to queue when it can't be had at once. */
  readonly wait: boolean
  /** The grant ends by itself after so many ms of log time; 0 for never. */
  readonly maxHoldMs: number
  readonly label: Uint8Array
  readonly value: Uint8Array
}

/** What became of an acquire, and the revision of the state after it. */
export type AcquireAnswer =
  | { readonly outcome: 'granted'; readonly revision: number; readonly sequence: number; readonly token: number }
  /** `ahead` counts holders and waiters. Watch the entry's key (`syncKey`) from the revision after this one. */
  | { readonly outcome: 'queued'; readonly revision: number; readonly sequence: number; readonly ahead: number }
  /** Without `wait` only. Not all holders are told when they are many. */
  | {
      readonly outcome: 'held'
      readonly revision: number
      readonly waiting: number
      readonly holding: number
      readonly holders: readonly SyncHolding[]
    }

const outcomes = ['granted', 'queued', 'held'] as const
const cancelOutcomes = ['remembered', 'removed', 'released'] as const

/** What a cancel has done: noted for an acquire that may yet come, taken a waiter out, or given a grant back. */
export type CancelOutcome = (typeof cancelOutcomes)[number]

/** What to do with a cell. */
export interface SetRequest extends SyncResource {
  /** The grant (of any mode, on the same resource) under which it happens, else `NotHeld`; 0 for none. */
  readonly token: number
  /** The revision that the cell must be of, 0 for one that is not there; not given: whatever it is. */
  readonly ifRevision: number | undefined
  /** What it is set to; not given: it is deleted. */
  readonly value: Uint8Array | undefined
}

/** Appends the bytes of a resource. */
export function writeResource(writer: ByteWriter, { kind, namespace, name }: SyncResource): void {
  writer.u8(kind)
  writer.blob(namespace)
  writer.blob(name)
}

/** Reads a resource; its bytes are views. Throws `MalformedFrame`. */
export function readResource(reader: ByteReader): SyncResource {
  return { kind: reader.u8(), namespace: reader.blob(), name: reader.blob() }
}

/** Arguments of sync.acquire. */
export function encodeAcquireArgs(request: AcquireRequest): Uint8Array {
  const writer = new ByteWriter(128)
  writeResource(writer, request)
  writeMode(writer, request.mode)
  writer.u32(request.capacity)
  writer.uint(request.lease)
  writer.raw(request.acquireId)
  writer.u8(request.wait ? 1 : 0)
  writer.uint(request.maxHoldMs)
  writer.blob(request.label)
  writer.blob(request.value)
  return writer.take()
}

/** What sync.acquire asks for. The bytes are views, here and below. Throws `MalformedFrame`, here and below. */
export function decodeAcquireArgs(reader: ByteReader): AcquireRequest {
  const resource = readResource(reader)
  const request = {
    ...resource,
    mode: readMode(reader),
    capacity: reader.u32(),
    lease: reader.uint(),
    acquireId: reader.raw(acquireIdBytes),
    wait: readFlag(reader),
    maxHoldMs: reader.uint(),
    label: reader.blob(),
    value: reader.blob(),
  }
  reader.finish()
  return request
}

/** The payload of an acquire's result. */
export function decodeAcquireResult(payload: Uint8Array): AcquireAnswer {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  const answer = readAnswer(reader, revision)
  reader.finish()
  return answer
}

function readAnswer(reader: ByteReader, revision: number): AcquireAnswer {
  const outcome = outcomes[reader.u8()]
  switch (outcome) {
    case 'granted':
      return { outcome, revision, sequence: reader.uint(), token: reader.uint() }
    case 'queued':
      return { outcome, revision, sequence: reader.uint(), ahead: reader.uint() }
    case 'held': {
      const waiting = reader.uint()
      const holding = reader.uint()
      const holders: SyncHolding[] = []
      for (let left = reader.uint(); left > 0; left--) holders.push(readInspected(reader))
      return { outcome, revision, waiting, holding, holders }
    }
    default:
      throw new NitroError('MalformedFrame', 'an outcome that is none')
  }
}

/** Arguments of sync.release. */
export function encodeReleaseArgs(resource: SyncResource, token: number): Uint8Array {
  const writer = new ByteWriter(64)
  writeResource(writer, resource)
  writer.uint(token)
  return writer.take()
}

/** The resource and the token of sync.release. */
export function decodeReleaseArgs(reader: ByteReader): SyncResource & { readonly token: number } {
  const request = { ...readResource(reader), token: reader.uint() }
  reader.finish()
  return request
}

/** Arguments of sync.cancel. */
export function encodeSyncCancelArgs(resource: SyncResource, lease: number, acquireId: Uint8Array): Uint8Array {
  const writer = new ByteWriter(64)
  writeResource(writer, resource)
  writer.uint(lease)
  writer.raw(acquireId)
  return writer.take()
}

/** What sync.cancel is about. */
export function decodeSyncCancelArgs(
  reader: ByteReader,
): SyncResource & { readonly lease: number; readonly acquireId: Uint8Array } {
  const resource = readResource(reader)
  const request = { ...resource, lease: reader.uint(), acquireId: reader.raw(acquireIdBytes) }
  reader.finish()
  return request
}

/** The payload of a cancel's result. */
export function decodeSyncCancelResult(payload: Uint8Array): {
  readonly revision: number
  readonly outcome: CancelOutcome
} {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  const outcome = cancelOutcomes[reader.u8()]
  reader.finish()
  if (outcome === undefined) throw new NitroError('MalformedFrame', 'an outcome that is none')
  return { revision, outcome }
}

/** The number of a cancel's outcome in its result. */
export function cancelCode(outcome: CancelOutcome): number {
  return cancelOutcomes.indexOf(outcome)
}

/** The number of an acquire's outcome in its result. */
export function acquireCode(outcome: AcquireAnswer['outcome']): number {
  return outcomes.indexOf(outcome)
}

/** Arguments of sync.proclaim. */
export function encodeProclaimArgs(resource: SyncResource, token: number, value: Uint8Array): Uint8Array {
  const writer = new ByteWriter(64 + value.length)
  writeResource(writer, resource)
  writer.uint(token)
  writer.raw(value)
  return writer.take()
}

/** What sync.proclaim says. */
export function decodeProclaimArgs(
  reader: ByteReader,
): SyncResource & { readonly token: number; readonly value: Uint8Array } {
  return { ...readResource(reader), token: reader.uint(), value: reader.raw(reader.remaining) }
}

/** The payload of a result that is a revision only: release and proclaim. */
export function decodeSyncRevision(payload: Uint8Array): number {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  reader.finish()
  return revision
}

/** Arguments of sync.set. */
export function encodeSetArgs(request: SetRequest): Uint8Array {
  const writer = new ByteWriter(64 + (request.value?.length ?? 0))
  writeResource(writer, request)
  writer.uint(request.token)
  writer.u8(request.ifRevision === undefined ? 0 : 1)
  writer.uint(request.ifRevision ?? 0)
  writer.u8(request.value === undefined ? 0 : 1)
  if (request.value !== undefined) writer.raw(request.value)
  return writer.take()
}

/** What sync.set is to do. */
export function decodeSetArgs(reader: ByteReader): SetRequest {
  const resource = readResource(reader)
  const token = reader.uint()
  const isConditioned = readFlag(reader)
  const revision = reader.uint()
  const value = readFlag(reader) ? reader.raw(reader.remaining) : undefined
  reader.finish()
  return { ...resource, token, ifRevision: isConditioned ? revision : undefined, value }
}

/** The payload of a set's result: whether it was done, and the cell after it. */
export function decodeSetResult(payload: Uint8Array): {
  readonly revision: number
  readonly done: boolean
  readonly cell: SyncCell | undefined
} {
  const reader = new ByteReader(payload)
  const answer = { revision: reader.uint(), done: readFlag(reader), cell: readCell(reader) }
  reader.finish()
  return answer
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8()
  if (flag > 1) throw new NitroError('MalformedFrame', 'a flag that is neither')
  return flag === 1
}
