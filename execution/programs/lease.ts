/** The built-in lease program: its commands and queries. */
import { ByteReader, ByteWriter, NitroError, fromLatin1 } from '../../base/index.ts'
import { leaseMethods } from '../command.ts'
import type { Leases } from '../leases.ts'
import type { MachineLimits } from '../limits.ts'
import { okStatus } from '../result.ts'
import type { TxnContext } from './txn.ts'

/** Applies a lease method with the arguments in `bytes[at, end)` and returns its result. */
export function runLease(
  { state, leases, limits }: TxnContext,
  method: number,
  bytes: Uint8Array,
  at: number,
  end: number,
): Uint8Array {
  const reader = new ByteReader(bytes, at, end)
  if (method === leaseMethods.keepAlive) return keepAlive(leases, limits, reader)
  const id = reader.uint()
  if (method === leaseMethods.grant) {
    const ttlMs = reader.uint()
    reader.finish()
    const lease = leases.grant(id, ttlMs)
    return ok([lease.id, lease.ttlMs])
  }
  reader.finish()
  const deleted = leases.revoke(id)
  return ok([state.revision, deleted])
}

/** All of a turn in one command; one that is gone is answered 0 and is no error. */
function keepAlive(leases: Leases, limits: MachineLimits, reader: ByteReader): Uint8Array {
  const count = reader.uint()
  if (count > limits.leaseBatch) {
    const details = { name: 'leaseBatch', limit: limits.leaseBatch }
    throw new NitroError('LimitExceeded', `${count} leases in one keep-alive`, { details })
  }
  const ids: number[] = []
  for (let i = 0; i < count; i++) ids.push(reader.uint())
  reader.finish()
  return ok([count, ...ids.map((id) => leases.keepAlive(id))])
}

/** Answers the query lease.timeToLive as of a log time. Throws `LeaseNotFound`. */
export function timeToLive({ state, leases, limits }: TxnContext, args: Uint8Array, logTime: number): Uint8Array {
  const reader = new ByteReader(args)
  const lease = leases.get(reader.uint())
  const withKeys = reader.u8() !== 0
  reader.finish()
  const keys = withKeys ? state.leaseKeys.sorted(lease.id) : []
  let shown = 0
  for (let sizeBytes = 0; shown < keys.length; shown++) {
    sizeBytes += (keys[shown] as string).length
    if (sizeBytes > limits.rangeBytes) break
  }
  const writer = new ByteWriter(64)
  writer.u8(okStatus)
  writer.uint(lease.id)
  writer.uint(lease.ttlMs)
  writer.uint(Math.max(0, lease.deadline - logTime))
  writer.uint(state.leaseKeys.count(lease.id))
  writer.u8(shown < keys.length ? 1 : 0)
  writer.uint(shown)
  for (let i = 0; i < shown; i++) writer.blob(fromLatin1(keys[i] as string))
  return writer.take()
}

/** Answers the query lease.list. */
export function listLeases({ leases }: TxnContext, args: Uint8Array): Uint8Array {
  new ByteReader(args).finish()
  const ids = leases.ids()
  return ok([ids.length, ...ids])
}

function ok(values: readonly number[]): Uint8Array {
  const writer = new ByteWriter(1 + values.length * 4)
  writer.u8(okStatus)
  for (const value of values) writer.uint(value)
  return writer.take()
}
