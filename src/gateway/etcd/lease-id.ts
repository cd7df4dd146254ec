/** Ids of leases: 64 bits outside, 53 inside. */
import { refuse } from './errors.ts'
import { RpcError } from './rpc-error.ts'

/** The id of a lease that is there. Throws RpcError: no lease has an id that is no positive exact number. */
export function leaseIdOf(id: number): number {
  if (!Number.isSafeInteger(id) || id <= 0) throw refuse('leaseNotFound')
  return id
}

/** The id that a new lease is to have, 0 for any. Throws RpcError. */
export function newLeaseIdOf(id: number): number {
  if (Number.isSafeInteger(id) && id >= 0) return id
  throw new RpcError('invalidArgument', 'etcdserver: a lease id must be positive and below 2^53')
}
