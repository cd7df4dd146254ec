/** The Cluster service: members. Ids of members are those of the log; names and addresses are the store's. */
import { isNitroError } from '../../../base/index.ts'
import type { MemberInfo } from '../../api/index.ts'
import type { Backend, EtcdNodeFor } from './backend.ts'
import type { CallContext } from './call.ts'
import { refuse } from './errors.ts'
import { service, unary } from './methods.ts'
import type { Method } from './methods.ts'
import type { Decoded, Encodable } from './schema/index.ts'

type Members = readonly Encodable<'Member'>[]

/** Methods of `etcdserverpb.Cluster`. */
export function clusterService(backend: Backend): readonly Method[] {
  const cluster = new ClusterService(backend)
  return service('etcdserverpb.Cluster', [
    unary('MemberAdd', ['MemberAddRequest', 'MemberAddResponse'], ['/v3/cluster/member/add'], (request, call) =>
      cluster.add(request, call),
    ),
    unary(
      'MemberRemove',
      ['MemberRemoveRequest', 'MemberRemoveResponse'],
      ['/v3/cluster/member/remove'],
      (request, call) => cluster.remove(request, call),
    ),
    unary(
      'MemberUpdate',
      ['MemberUpdateRequest', 'MemberUpdateResponse'],
      ['/v3/cluster/member/update'],
      (request, call) => cluster.update(request, call),
    ),
    unary('MemberList', ['MemberListRequest', 'MemberListResponse'], ['/v3/cluster/member/list'], (request, call) =>
      cluster.list(request, call),
    ),
    unary(
      'MemberPromote',
      ['MemberPromoteRequest', 'MemberPromoteResponse'],
      ['/v3/cluster/member/promote'],
      (request, call) => cluster.promote(request, call),
    ),
  ])
}

class ClusterService {
  private readonly backend: Backend

  constructor(backend: Backend) {
    this.backend = backend
  }

  async list(
    { linearizable }: Decoded<'MemberListRequest'>,
    call: CallContext,
  ): Promise<Encodable<'MemberListResponse'>> {
    if (linearizable) await this.backend.barrier(call.timeoutMs)
    return this.answer(await this.backend.nodeFor(call))
  }

  async add(
    { peerURLs, isLearner }: Decoded<'MemberAddRequest'>,
    call: CallContext,
  ): Promise<Encodable<'MemberAddResponse'>> {
    const node = await this.nodeForRoot(call)
    const address = addressOf(peerURLs)
    const { timeoutMs } = call
    const { admin } = node
    const taken = (await admin.members()).some((member) => member.address === address)
    if (taken) throw refuse('peerUrlExists')
    const name = reservedName(address)
    await admin.addMember(name, address, { learner: isLearner, timeoutMs })
    await this.backend.barrier(timeoutMs)
    const { header, members } = await this.answer(node)
    const added = (await admin.members()).find((member) => member.name === name)
    if (added === undefined) throw refuse('memberNotFound')
    // Its name is told although it has not started: it must be started under it.
    return { header, member: { ...memberOf(added), name }, members }
  }

  async remove({ ID }: Decoded<'MemberRemoveRequest'>, call: CallContext): Promise<Encodable<'MemberRemoveResponse'>> {
    const node = await this.nodeForRoot(call)
    const { timeoutMs } = call
    await node.admin.removeMember(await this.nameOf(node, ID, timeoutMs), { timeoutMs })
    await this.backend.barrier(timeoutMs)
    return this.answer(node)
  }

  async update(
    { ID, peerURLs }: Decoded<'MemberUpdateRequest'>,
    call: CallContext,
  ): Promise<Encodable<'MemberUpdateResponse'>> {
    const node = await this.nodeForRoot(call)
    const address = addressOf(peerURLs)
    const { timeoutMs } = call
    const name = await this.nameOf(node, ID, timeoutMs)
    try {
      await node.admin.updateMember(name, address, { timeoutMs })
    } catch (error) {
      throw isNitroError(error, 'InvalidArgument') ? refuse('peerUrlExists') : error
    }
    await this.backend.barrier(timeoutMs)
    return this.answer(node)
  }

  async promote(
    { ID }: Decoded<'MemberPromoteRequest'>,
    call: CallContext,
  ): Promise<Encodable<'MemberPromoteResponse'>> {
    const node = await this.nodeForRoot(call)
    const { timeoutMs } = call
    try {
      await node.admin.promoteMember(await this.nameOf(node, ID, timeoutMs), { timeoutMs })
    } catch (error) {
      throw isNitroError(error, 'InvalidArgument') ? refuse('notLearner') : error
    }
    await this.backend.barrier(timeoutMs)
    return this.answer(node)
  }

  /** Who may not change members is not told which there are. */
  private async nodeForRoot(call: CallContext): Promise<EtcdNodeFor> {
    await this.backend.requireRoot(call)
    return this.backend.nodeFor(call)
  }

  /** The change is made by the leader: this node must know what the leader knew when it was asked. */
  private async nameOf({ admin }: EtcdNodeFor, id: number, timeoutMs: number): Promise<string> {
    await this.backend.barrier(timeoutMs)
    const member = (await admin.members()).find((one) => one.id === id)
    if (member === undefined) throw refuse('memberNotFound')
    return member.name
  }

  private async answer({ admin }: EtcdNodeFor): Promise<{ header: Encodable<'ResponseHeader'>; members: Members }> {
    const members = await admin.members()
    return { header: this.backend.header(), members: members.map(memberOf) }
  }
}

/** One that has not started has no name and no address for clients, as in etcd. */
function memberOf({ id, name, address, role, incarnation }: MemberInfo): Encodable<'Member'> {
  const hasStarted = incarnation !== ''
  return {
    ID: id,
    name: hasStarted ? name : '',
    peerURLs: [`http://${address}`],
    // Without a scheme: clients of etcd 3.4 send one as a part of the authority, and HTTP/2 refuses it.
    clientURLs: hasStarted ? [address] : [],
    isLearner: role === 'learner',
  }
}

/** The address that a member's URLs mean. Throws RpcError. */
function addressOf(urls: readonly string[]): string {
  const [url = '', ...others] = urls
  const address = /^(?:http:\/\/)?((?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5})\/?$/.exec(url)?.[1]
  if (address === undefined || others.length > 0) throw refuse('badMemberUrls')
  return address
}

/** A member added by its address alone is to be started under this name. */
function reservedName(address: string): string {
  return `member-${address.replaceAll(/[^\w.-]+/g, '-')}`.slice(0, 63)
}
