/** Leases: granted, with keys attached, kept alive for a while, then revoked, or left alone until they end by time. */
import { leasePrefix } from '../checkers/lease-bound.ts'
import type { Turn, WorkloadOperation } from './operation.ts'

const ttlsMs = [1_000, 1_500, 3_000, 8_000]
const leasesMax = 4

/** One step in the life of one of the client's leases. */
export const leaseOperation: WorkloadOperation = {
  name: 'lease',
  weight: 0.35,
  async run(turn) {
    const { random, desk } = turn.world
    const own = desk.leasesOf(turn.client.name)
    if (own.length === 0 || (own.length < leasesMax && random.chance(0.2))) return grant(turn)
    const lease = random.pick(own)
    const lot = random.between(0, 1)
    if (lot < 0.72) return renew(turn, lease.id, lease.ttlMs)
    own.splice(own.indexOf(lease), 1)
    // Left alone it ends by time.
    if (lot > 0.82) return
    turn.world.tell({ ...facts(turn), what: 'ending', id: lease.id, ttlMs: lease.ttlMs })
    const revoked = await turn.attempt('revokes', () => turn.connection.leases.revoke(lease.id, turn.options), [
      'LeaseNotFound',
    ])
    if (revoked !== undefined && 'value' in revoked) turn.world.coverage.hit('lease: revoked')
  },
}

function facts(turn: Turn): { readonly kind: 'lease'; readonly client: string; readonly sentAtMs: number } {
  return { kind: 'lease', client: turn.client.name, sentAtMs: turn.world.nowMs() }
}

async function grant(turn: Turn): Promise<void> {
  const { random, desk, coverage } = turn.world
  const ttl = random.pick(ttlsMs)
  desk.ttlMsMax = Math.max(desk.ttlMsMax, ttl)
  const begun = facts(turn)
  const granted = await turn.attempt('grants', () => turn.connection.leases.grant({ ttl, ...turn.options }))
  if (granted === undefined || 'refused' in granted) return
  const { id, ttlMs } = granted.value
  turn.world.tell({ ...begun, what: 'granted', id, ttlMs })
  coverage.hit('lease: granted')
  desk.leasesOf(turn.client.name).push({ id, ttlMs })
  const keys = [`${leasePrefix}${id}/a`, `${leasePrefix}${id}/b`].slice(0, random.chance(0.3) ? 2 : 1)
  for (const key of keys) {
    const value = turn.world.freshValue()
    const known = desk.known()
    const put = await turn.attempt(
      'attaches a key',
      () => turn.connection.store.put(key, value, { lease: id, ...turn.options }),
      ['LeaseNotFound'],
    )
    if (put === undefined || 'refused' in put) return
    const { revision } = put.value
    const changes = [{ type: 'put', key, value }] as const
    const none = { condition: [], succeeded: true, before: [], after: [] } as const
    turn.world.tell({ kind: 'write', client: turn.client.name, known, revision, changes, ...none })
  }
}

async function renew(turn: Turn, id: number, ttlMs: number): Promise<void> {
  const begun = facts(turn)
  const renewed = await turn.attempt('keeps alive', () => turn.connection.leases.keepAlive(id, turn.options), [
    'LeaseNotFound',
  ])
  if (renewed === undefined) return
  if ('value' in renewed) {
    turn.world.tell({ ...begun, what: 'renewed', id, ttlMs })
    turn.world.coverage.hit('lease: renewed')
    return
  }
  turn.world.coverage.hit('lease: found ended')
  const own = turn.world.desk.leasesOf(turn.client.name)
  const at = own.findIndex((one) => one.id === id)
  if (at >= 0) own.splice(at, 1)
}
