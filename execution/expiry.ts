/** What ends because its time is up, at the start of an entry: leases, and grants that may be held only so long. */
import type { Leases } from './leases.ts'
import type { MachineLimits } from './limits.ts'
import type { Sync } from './sync/sync.ts'

/**
 * Ends what is due, in the order of deadlines, leases before grants: as many, and as many keys, as one entry may. Then grants
 * what has become free.
 */
export function expire(leases: Leases, sync: Sync, limits: MachineLimits): void {
  let ends = limits.leaseExpiriesPerEntry
  let keys = limits.transactionKeys
  while (ends > 0 && keys > 0) {
    const lease = leases.nextDeadline ?? Number.POSITIVE_INFINITY
    const grant = sync.nextDeadline ?? Number.POSITIVE_INFINITY
    if (Math.min(lease, grant) > leases.logTime) break
    ends--
    keys -= lease <= grant ? leases.endFirst() : sync.endFirst()
  }
  sync.settle()
}

/** The earliest log time at which something is due. */
export function nextDeadline(leases: Leases, sync: Sync): number | undefined {
  const lease = leases.nextDeadline
  const grant = sync.nextDeadline
  if (lease === undefined || grant === undefined) return lease ?? grant
  return Math.min(lease, grant)
}
