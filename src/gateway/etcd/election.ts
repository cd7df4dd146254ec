/** The Election service: etcd's own election recipe, run on the server. */
import { concatBytes, equalBytes, utf8 } from '../../../base/index.ts'
import type { KvEntry, Operation } from '../../../execution/codec.ts'
import type { Backend } from './backend.ts'
import type { CallContext } from './call.ts'
import { refuse } from './errors.ts'
import { writableKey } from './key-range.ts'
import { keyValueOf } from './kv-requests.ts'
import { leaseIdOf } from './lease-id.ts'
import { service, stream, unary } from './methods.ts'
import type { Method } from './methods.ts'
import { observeLeader } from './observe.ts'
import { Queue, createdAt } from './queue.ts'
import { etcdToStore, storeToEtcd } from './revision.ts'
import { RpcError } from './rpc-error.ts'
import type { Decoded, Encodable } from './schema/index.ts'

/** Methods of `v3electionpb.Election`. */
export function electionService(backend: Backend): readonly Method[] {
  const elections = new ElectionService(backend)
  return service('v3electionpb.Election', [
    unary('Campaign', ['CampaignRequest', 'CampaignResponse'], ['/v3/election/campaign'], (request, call) =>
      elections.campaign(request, call),
    ),
    unary('Proclaim', ['ProclaimRequest', 'ProclaimResponse'], ['/v3/election/proclaim'], (request, call) =>
      elections.proclaim(request, call),
    ),
    unary('Leader', ['LeaderRequest', 'LeaderResponse'], ['/v3/election/leader'], (request, call) =>
      elections.leader(request, call),
    ),
    stream('Observe', ['LeaderRequest', 'LeaderResponse'], ['/v3/election/observe'], ({ name }, call) =>
      observeLeader(backend, concatBytes([name, utf8('/')]), call),
    ),
    unary('Resign', ['ResignRequest', 'ResignResponse'], ['/v3/election/resign'], (request, call) =>
      elections.resign(request, call),
    ),
  ])
}

class ElectionService {
  private readonly backend: Backend

  constructor(backend: Backend) {
    this.backend = backend
  }

  async campaign(
    { name, lease, value }: Decoded<'CampaignRequest'>,
    call: CallContext,
  ): Promise<Encodable<'CampaignResponse'>> {
    const queue = new Queue(await this.backend.nodeFor(call), name.slice())
    const place = await queue.enter(lease, value.slice(), call)
    const { key, revision, known } = place
    if (known !== undefined && !equalBytes(known.value, value)) {
      await this.put(queue, known, value, place.lease, call)
    }
    await queue.turn(place, call)
    return {
      header: this.backend.header(),
      leader: { name, key, rev: storeToEtcd(revision), lease: place.lease },
    }
  }

  async proclaim(
    { leader, value }: Decoded<'ProclaimRequest'>,
    call: CallContext,
  ): Promise<Encodable<'ProclaimResponse'>> {
    const { name, key, rev, lease } = known(leader)
    const queue = new Queue(await this.backend.nodeFor(call), name)
    const revision = await this.put(queue, { key, createRevision: etcdToStore(rev) }, value, lease, call)
    return { header: this.backend.header(revision) }
  }

  private async put(
    queue: Queue,
    { key, createRevision }: Pick<KvEntry, 'key' | 'createRevision'>,
    value: Uint8Array,
    lease: number,
    { timeoutMs }: CallContext,
  ): Promise<number> {
    const put: Operation = {
      ...{ kind: 'put', key: writableKey(key), value, lease: leaseIdOf(lease) },
      ...{ prevKv: false, ignoreValue: false, ignoreLease: false },
    }
    const { succeeded, revision } = await queue.txn([createdAt(key, createRevision)], [put], [], timeoutMs)
    if (!succeeded) throw new RpcError('unknown', 'election: not leader')
    return revision
  }

  async leader({ name }: Decoded<'LeaderRequest'>, call: CallContext): Promise<Encodable<'LeaderResponse'>> {
    const owner = await new Queue(await this.backend.nodeFor(call), name).owner()
    if (owner === undefined) throw new RpcError('unknown', 'election: no leader')
    return { header: this.backend.header(), kv: keyValueOf(owner) }
  }

  async resign({ leader }: Decoded<'ResignRequest'>, call: CallContext): Promise<Encodable<'ResignResponse'>> {
    const { name, key, rev } = known(leader)
    const queue = new Queue(await this.backend.nodeFor(call), name)
    const { revision } = await queue.leave(writableKey(key), etcdToStore(rev))
    return { header: this.backend.header(revision) }
  }
}

/** Throws RpcError when no leader was given. */
function known(leader: Decoded<'LeaderKey'> | null): Decoded<'LeaderKey'> {
  if (leader === null) throw new RpcError('invalidArgument', '"leader" field must be provided')
  if (leader.key.length === 0) throw refuse('emptyKey')
  return leader
}
