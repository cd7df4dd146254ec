/** The Lease service. Times are seconds outside and milliseconds inside. */
import { isNitroError } from '../../../base/index.ts'
import type { Leases } from '../../api/index.ts'
import type { Backend } from './backend.ts'
import type { CallContext, DuplexCall } from './call.ts'
import { refuse, rpcErrorOf } from './errors.ts'
import { leaseIdOf, newLeaseIdOf } from './lease-id.ts'
import { duplex, service, unary } from './methods.ts'
import type { Method } from './methods.ts'
import type { RpcError } from './rpc-error.ts'
import type { Decoded, Encodable } from './schema/index.ts'

/** The longest time to live, in seconds. */
const ttlMax = 9_000_000_000
/** Renewals of one stream that are under way; further ones wait for them. */
const renewalsMax = 10_000

/** Methods of `etcdserverpb.Lease`. */
export function leaseService(backend: Backend): readonly Method[] {
  const leases = new LeaseService(backend)
  return service('etcdserverpb.Lease', [
    unary('LeaseGrant', ['LeaseGrantRequest', 'LeaseGrantResponse'], ['/v3/lease/grant'], (request, call) =>
      leases.grant(request, call),
    ),
    unary(
      'LeaseRevoke',
      ['LeaseRevokeRequest', 'LeaseRevokeResponse'],
      ['/v3/lease/revoke', '/v3/kv/lease/revoke'],
      (request, call) => leases.revoke(request, call),
    ),
    duplex('LeaseKeepAlive', ['LeaseKeepAliveRequest', 'LeaseKeepAliveResponse'], ['/v3/lease/keepalive'], (call) =>
      leases.keepAlive(call),
    ),
    unary(
      'LeaseTimeToLive',
      ['LeaseTimeToLiveRequest', 'LeaseTimeToLiveResponse'],
      ['/v3/lease/timetolive', '/v3/kv/lease/timetolive'],
      (request, call) => leases.timeToLive(request, call),
    ),
    unary(
      'LeaseLeases',
      ['LeaseLeasesRequest', 'LeaseLeasesResponse'],
      ['/v3/lease/leases', '/v3/kv/lease/leases'],
      (_request, call) => leases.list(call),
    ),
  ])
}

class LeaseService {
  private readonly backend: Backend

  constructor(backend: Backend) {
    this.backend = backend
  }

  async grant(request: Decoded<'LeaseGrantRequest'>, call: CallContext): Promise<Encodable<'LeaseGrantResponse'>> {
    if (request.TTL > ttlMax) throw refuse('leaseTtlTooLarge')
    const id = newLeaseIdOf(request.ID)
    const ttl = Math.max(1, request.TTL) * 1000
    const { timeoutMs } = call
    const { leases } = await this.backend.nodeFor(call)
    const granted = await leases.grant({ ttl, timeoutMs, ...(id === 0 ? {} : { id }) })
    return { header: this.backend.header(), ID: granted.id, TTL: secondsOf(granted.ttlMs) }
  }

  async revoke(request: Decoded<'LeaseRevokeRequest'>, call: CallContext): Promise<Encodable<'LeaseRevokeResponse'>> {
    const id = leaseIdOf(request.ID)
    const { timeoutMs } = call
    const { leases } = await this.backend.nodeFor(call)
    const { revision } = await leases.revoke(id, { timeoutMs })
    return { header: this.backend.header(revision) }
  }

  /** Answers every request, in order; renewals of one turn are one command, whatever streams they come from. */
  async keepAlive(
    call: DuplexCall<Decoded<'LeaseKeepAliveRequest'>, Encodable<'LeaseKeepAliveResponse'>>,
  ): Promise<void> {
    const { leases } = await this.backend.nodeFor(call)
    await new Promise<void>((resolve, reject) => {
      let last: Promise<void> = Promise.resolve()
      let open = 0
      const answer = async (id: number): Promise<void> => {
        const before = last
        const renewed = renew(leases, id, call)
        // Whoever fails first is told by the answer in its turn.
        renewed.catch(() => undefined)
        await before
        const ttl = await renewed
        call.send({ header: this.backend.header(), ID: id, TTL: ttl })
        open--
      }
      call.receive({
        message: ({ ID }) => {
          open++
          if (open > renewalsMax) reject(refuse('tooManyRequests'))
          last = answer(ID)
          last.catch((error: unknown) => reject(rpcErrorOf(error)))
        },
        end: () => void last.then(resolve, () => undefined),
      })
    })
  }

  async timeToLive(
    request: Decoded<'LeaseTimeToLiveRequest'>,
    call: CallContext,
  ): Promise<Encodable<'LeaseTimeToLiveResponse'>> {
    const { ID, keys } = request
    const { timeoutMs } = call
    const { leases } = await this.backend.nodeFor(call)
    try {
      const found = await leases.timeToLive(leaseIdOf(ID), { keys, timeoutMs })
      return {
        header: this.backend.header(),
        ID,
        TTL: Math.floor(found.remainingMs / 1000),
        grantedTTL: secondsOf(found.grantedMs),
        keys: found.keys,
      }
    } catch (error) {
      if (!isNoLease(rpcErrorOf(error))) throw error
      return { header: this.backend.header(), ID, TTL: -1 }
    }
  }

  async list(call: CallContext): Promise<Encodable<'LeaseLeasesResponse'>> {
    const { leases } = await this.backend.nodeFor(call)
    const ids = await leases.list({ timeoutMs: call.timeoutMs })
    return { header: this.backend.header(), leases: ids.map((ID) => ({ ID })) }
  }
}

/** The seconds that a lease was given; 0 for one that is not there. */
async function renew(leases: Leases, id: number, { timeoutMs }: CallContext): Promise<number> {
  if (!Number.isSafeInteger(id) || id <= 0) return 0
  try {
    return secondsOf(await leases.keepAlive(id, { timeoutMs }))
  } catch (error) {
    if (isNitroError(error, 'LeaseNotFound')) return 0
    throw error
  }
}

function isNoLease(error: RpcError): boolean {
  return error.message === refuse('leaseNotFound').message
}

/** Whole seconds that hold these milliseconds. */
function secondsOf(ms: number): number {
  return Math.ceil(ms / 1000)
}
