/**
 * Arguments and results of the lease program. Times are log time, in ms.
 *
 *   grant       uint id (0: the machine chooses), uint ttlMs   -> uint id, uint ttlMs granted
 *   revoke      uint id                                        -> uint revision, uint deleted keys
 *   keepAlive   uint n, n x uint id                            -> uint n, n x uint ttlMs (0: there is no such lease)
 *   timeToLive  uint id, u8 with keys                          -> uint id, uint grantedMs, uint remainingMs, uint keys, u8 more,
 *                                                                 uint n, n x blob key
 *   list        nothing                                        -> uint n, n x uint id, rising
 */
import { ByteReader, ByteWriter } from '../base/index.ts'

/** A granted lease. */
export interface LeaseGrant {
  readonly id: number
  /** The time to live it got, in ms; it may be longer than what was asked for. */
  readonly ttlMs: number
}

/** The answer of a revoke. */
export interface LeaseRevoke {
  /** The revision after it; a lease without keys takes none. */
  readonly revision: number
  /** Keys that were deleted with it. */
  readonly deleted: number
}

/** What is known of a lease. */
export interface LeaseStatus {
  readonly id: number
  /** The whole time to live, in ms. */
  readonly grantedMs: number
  /** What is left of it, in ms of log time, as far as the answering node knows; 0 when it is about to end. */
  readonly remainingMs: number
  /** How many keys are attached. */
  readonly keyCount: number
  /** The attached keys in byte order; empty unless asked for. */
  readonly keys: readonly Uint8Array[]
  /** Whether keys were left out, because they are more than one answer holds. */
  readonly more: boolean
}

/** Arguments of lease.grant; id 0 lets the machine choose. */
export function encodeLeaseGrantArgs(id: number, ttlMs: number): Uint8Array {
  return uints([id, ttlMs])
}

/** Arguments of lease.revoke. */
export function encodeLeaseRevokeArgs(id: number): Uint8Array {
  return uints([id])
}

/** Arguments of lease.keepAlive: all the leases of a turn. */
export function encodeKeepAliveArgs(ids: readonly number[]): Uint8Array {
  return uints([ids.length, ...ids])
}

/** Arguments of the query lease.timeToLive. */
export function encodeTimeToLiveArgs(id: number, withKeys: boolean): Uint8Array {
  return uints([id, withKeys ? 1 : 0])
}

/** The payload of a grant's result. */
export function decodeLeaseGrantResult(payload: Uint8Array): LeaseGrant {
  const reader = new ByteReader(payload)
  const grant = { id: reader.uint(), ttlMs: reader.uint() }
  reader.finish()
  return grant
}

/** The payload of a revoke's result. */
export function decodeLeaseRevokeResult(payload: Uint8Array): LeaseRevoke {
  const reader = new ByteReader(payload)
  const revoke = { revision: reader.uint(), deleted: reader.uint() }
  reader.finish()
  return revoke
}

/** The payload of a keepAlive's result: the time to live of each lease in the order of the request, 0 for one that is gone. */
export function decodeKeepAliveResult(payload: Uint8Array): readonly number[] {
  return readUints(payload)
}

/** The payload of a timeToLive's result. The keys are views into it. */
export function decodeTimeToLiveResult(payload: Uint8Array): LeaseStatus {
  const reader = new ByteReader(payload)
  const id = reader.uint()
  const grantedMs = reader.uint()
  const remainingMs = reader.uint()
  const keyCount = reader.uint()
  const more = reader.u8() !== 0
  const keys: Uint8Array[] = []
  for (let left = reader.uint(); left > 0; left--) keys.push(reader.blob())
  reader.finish()
  return { id, grantedMs, remainingMs, keyCount, keys, more }
}

/** The payload of a list's result: all ids, rising. */
export function decodeLeaseListResult(payload: Uint8Array): readonly number[] {
  return readUints(payload)
}

function uints(values: readonly number[]): Uint8Array {
  const writer = new ByteWriter(16)
  for (const value of values) writer.uint(value)
  return writer.take()
}

function readUints(payload: Uint8Array): number[] {
  const reader = new ByteReader(payload)
  const values: number[] = []
  for (let left = reader.uint(); left > 0; left--) values.push(reader.uint())
  reader.finish()
  return values
}
