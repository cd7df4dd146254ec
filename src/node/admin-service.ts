/**
 * What operators ask of a node, by whatever door they come: the local `admin`, a client's call, the server's HTTP.
 *
 * Changes belong to the leader; a node that does not lead passes them on to the one that does, once.
 */
import { NitroError, emptyBytes, equalBytes, hashText, hex, isNitroError } from '../../base/index.ts'
import { emptyProgramSet, namesOf } from '../../execution/index.ts'
import { parseAddress } from '../../net/index.ts'
import type { HashInfo, MemberInfo, NodePosition, NodeStatus, Role } from '../api/index.ts'
import {
  callOnce,
  decodeOffer,
  encodeConfiguration,
  isClaimed,
  isMemberName,
  memberById,
  memberByName,
  memberRole,
  placeFor,
  planAdd,
  planJoin,
  planPromote,
  planRemove,
  planReplace,
  planUpdate,
} from '../replica/index.ts'
import type { Configuration, Founder, Group, Member, Replica } from '../replica/index.ts'
import type { CallParams, CallValue } from '../wire/index.ts'
import { version } from './version.ts'

const changeTimeoutMs = 10_000
const changePauseMs = 100
/** How long a node that has ended waits for answers to what it passed on. */
const answersWithinMs = 2_000
const answersPauseMs = 10
/** Nothing has happened yet when one of these is answered, and it may go away soon. */
const changeRetries: ReadonlySet<string> = new Set(['NotLeader', 'MembershipChangePending'])

/** Answers for one replica. */
export class AdminService {
  private readonly replica: Replica
  private readonly memberToken: () => string | undefined
  /** Calls that another member answers. */
  private readonly passedOn = new Set<Promise<CallValue>>()

  /** `memberToken` gives what tells another member that this one has checked who asks. */
  constructor(replica: Replica, memberToken: () => string | undefined) {
    this.replica = replica
    this.memberToken = memberToken
  }

  private get group(): Group {
    const { group } = this.replica
    if (group === undefined) throw this.replica.notThereYet()
    return group
  }

  /** Address of the leader this node follows; empty when it knows none. */
  leaderAddress(): string {
    const { group } = this.replica
    return group === undefined ? '' : (memberById(group.configuration, group.leaderId)?.address ?? '')
  }

  /** Runs a call by name, as clients send it. Throws NitroError. */
  async call(method: string, params: CallParams): Promise<CallValue> {
    switch (method) {
      case 'status':
        return statusValue(this.status())
      case 'members':
        return this.members().map((member) => ({ ...member }))
      case 'hash':
        return { ...(await this.hash()) }
      case 'addMember':
      case 'promoteMember':
      case 'updateMember':
      case 'removeMember':
      case 'replaceMember':
      case 'transferLeadership':
      case 'join':
        return this.onLeader(method, params)
      default:
        throw new NitroError('UnknownMethod', `there is no call ${method}`)
    }
  }

  /** Asks the leader, whoever it becomes meanwhile, until the deadline. What was passed on is not passed on again. */
  private async onLeader(method: string, params: CallParams): Promise<CallValue> {
    const { clock, scheduler } = this.replica.ports
    const patienceMs = Math.min(count(params, 'timeoutMs') ?? changeTimeoutMs, changeTimeoutMs)
    const untilMs = clock.monotonicMs() + patienceMs
    for (;;) {
      try {
        return await this.onLeaderOnce(method, params)
      } catch (error) {
        const again = isNitroError(error) && changeRetries.has(error.code) && params['forwarded'] !== true
        if (!again || this.replica.ended || clock.monotonicMs() + changePauseMs >= untilMs) throw error
      }
      await new Promise<void>((resolve) => scheduler.after(changePauseMs, resolve))
    }
  }

  private async onLeaderOnce(method: string, params: CallParams): Promise<CallValue> {
    const { group } = this
    if (group.isLeader) {
      const successor = await this.leaveFirst(group, method, params)
      if (successor === undefined) return this.change(group, method, params)
    }
    const address = this.leaderAddress()
    if (address === '') throw new NitroError('NotLeader', 'no leader is known: is a majority of members up?')
    if (params['forwarded'] === true) throw new NitroError('NotLeader', `${this.replica.options.name} does not lead`)
    const { ports, startId } = this.replica
    const passed = { ...params, token: this.memberToken(), forwarded: true }
    const answer = callOnce(ports, startId, address, method, passed, changeTimeoutMs)
    this.passedOn.add(answer)
    try {
      return await answer
    } finally {
      this.passedOn.delete(answer)
    }
  }

  /**
   * Resolves when every call that was passed on is answered and its caller told, or when it has waited for long enough: this node has
   * ended, perhaps by such a call, which took it out.
   */
  async answered(): Promise<void> {
    const { clock, scheduler } = this.replica.ports
    const untilMs = clock.monotonicMs() + answersWithinMs
    while (this.passedOn.size > 0 && clock.monotonicMs() < untilMs) {
      await new Promise<void>((resolve) => scheduler.after(answersPauseMs, resolve))
    }
  }

  /** A leader that is to be taken out hands over first, so that the cluster is never without one for an election. */
  private async leaveFirst(group: Group, method: string, params: CallParams): Promise<string | undefined> {
    const self = this.replica.options.name
    if ((method !== 'removeMember' && method !== 'replaceMember') || params['name'] !== self) return undefined
    if (group.configuration.confState.voters.length === 1) return undefined
    return group.members.transfer(undefined)
  }

  private async change(group: Group, method: string, params: CallParams): Promise<CallValue> {
    const { members } = group
    switch (method) {
      case 'addMember':
        await members.change((view) => planAdd(view, newName(params), newAddress(params), targetOf(params)))
        return null
      case 'updateMember':
        await members.change((view) => planUpdate(view, text(params, 'name'), newAddress(params)))
        return null
      case 'promoteMember':
        await members.change((view) => planPromote(view, text(params, 'name')))
        return null
      case 'removeMember':
        await members.change((view) => planRemove(view, text(params, 'name')))
        return null
      case 'replaceMember':
        await members.change((view) => planReplace(view, text(params, 'name'), movedTo(params)))
        return null
      case 'transferLeadership':
        return members.transfer(optionalText(params, 'to'))
      default:
        return this.join(group, params)
    }
  }

  private async join(group: Group, params: CallParams): Promise<CallValue> {
    const name = newName(params)
    const { incarnation } = params
    if (!(incarnation instanceof Uint8Array) || incarnation.length !== 16) {
      throw new NitroError('InvalidArgument', 'join: incarnation must be 16 bytes')
    }
    const request = {
      name,
      incarnation: Uint8Array.from(incarnation),
      address: newAddress(params),
      target: targetOf(params),
    }
    const isReserved = memberByName(group.configuration, name) !== undefined
    if (!isReserved && group.applier.machine?.auth.enabled === true) {
      throw new NitroError('PermissionDenied', `permissions are in force: root must reserve a place for ${name} first`)
    }
    const offer = params['offer'] instanceof Uint8Array ? decodeOffer(params['offer']) : emptyProgramSet
    const unable = this.replica.judgeOffer(name, [optionalText(params, 'machine') ?? ''], offer)
    if (unable !== undefined) throw unable
    const place = count(params, 'place')
    let shown = 0
    await group.members.change((view) => {
      shown = placeFor(view.configuration, name)
      const plan = planJoin(view, { ...request, place: place ?? shown })
      return place === undefined && admitted(view.configuration, request) === undefined ? undefined : plan
    })
    const member = admitted(group.configuration, request)
    if (member === undefined && place === undefined) return { place: shown }
    if (member === undefined) throw new NitroError('ProposalDropped', `${name} was not admitted; ask again`)
    return { id: member.id, configuration: encodeConfiguration(group.configuration) }
  }

  /** Facts of this node that cost nothing. */
  position(): NodePosition {
    const { group, vault } = this.replica
    return {
      id: vault.identity.raftId ?? 0,
      leaderId: group?.leaderId ?? 0,
      term: group?.driver.core.term ?? 0,
      revision: group?.applier.machine?.revision ?? 0,
    }
  }

  /** Facts of this node. */
  status(): NodeStatus {
    const { replica } = this
    const { group, vault, options } = replica
    const { identity } = vault
    const core = group?.driver.core.basicStatus()
    const machine = group?.applier.machine
    return {
      name: options.name,
      id: identity.raftId ?? 0,
      role: this.role(),
      version,
      clusterId: hex(identity.clusterId ?? emptyBytes),
      incarnation: hex(identity.incarnation),
      address: options.address,
      term: core?.hardState.term ?? 0,
      leader: group === undefined ? '' : group.nameOf(group.leaderId),
      commitIndex: core?.hardState.commit ?? 0,
      appliedIndex: machine?.appliedIndex ?? 0,
      durableAppliedIndex: group?.flusher.durable.index ?? 0,
      firstIndex: group?.parts.log.firstIndex() ?? 0,
      lastIndex: group?.parts.log.lastIndex() ?? 0,
      revision: machine?.revision ?? 0,
      keys: machine?.keyCount ?? 0,
      sessions: machine?.sessionCount ?? 0,
      active: namesOf(machine?.activation.active ?? emptyProgramSet),
      offered: namesOf(decodeOffer(replica.own.bytes)),
      stateHash: machine === undefined || group?.applier.atBoundary !== true ? '' : hashText(machine.stateHash()),
      logBytes: group?.parts.log.retainedBytes ?? 0,
      lateMs: Math.round(group?.lateness.lastMs ?? 0),
      worstLateMs: Math.round(group?.lateness.worstMs ?? 0),
      uptimeMs: Math.round(replica.ports.clock.monotonicMs() - replica.startedMs),
      ready: replica.ready,
      waiting: replica.waitingFor,
    }
  }

  private role(): Role {
    const { group, vault } = this.replica
    if (this.replica.ended) return 'stopped'
    if (group === undefined) return vault.identity.stage === 'joining' ? 'joining' : 'bootstrapping'
    const { role } = group.driver.core.basicStatus()
    if (role === 'leader') return 'leader'
    if (role === 'candidate' || role === 'preCandidate') return 'candidate'
    const known = memberById(group.configuration, group.parts.raftId) !== undefined
    return known && memberRole(group.configuration, group.parts.raftId) !== 'learner' ? 'follower' : 'learner'
  }

  /** The configuration as this node has applied it. */
  members(): readonly MemberInfo[] {
    const { group } = this
    const view = group.members.view()
    return group.configuration.members.map((member) => ({
      name: member.name,
      id: member.id,
      address: member.address,
      incarnation: isClaimed(member) ? hex(member.incarnation) : '',
      role: memberRole(group.configuration, member.id),
      connected: view.connected(member.id),
      leader: member.id === group.leaderId,
      match: member.id === group.parts.raftId && group.isLeader ? view.lastIndex : view.progress(member.id)?.match,
    }))
  }

  /** The state hash now, between two entries. */
  async hash(): Promise<HashInfo> {
    const { group, replica } = this
    while (!group.applier.atBoundary && !group.halted) {
      await new Promise<void>((resolve) => replica.ports.scheduler.endOfTurn(resolve))
    }
    const { machine } = group.applier
    if (machine === undefined || !group.applier.atBoundary) {
      throw new NitroError('Unavailable', 'this node is repairing its state')
    }
    return {
      name: replica.options.name,
      index: machine.appliedIndex,
      revision: machine.revision,
      hash: hashText(machine.stateHash()),
    }
  }

  /** This node's state as snapshot chunks, as of its last flush. */
  async *snapshot(): AsyncGenerator<Uint8Array> {
    const { group } = this
    if (group.applier.machine === undefined) throw new NitroError('Unavailable', 'this node is repairing its state')
    await group.flusher.flushAll()
    yield* group.snapshots.stream()
  }
}

function statusValue(status: NodeStatus): CallValue {
  return { ...status, active: [...status.active], offered: [...status.offered] }
}

function admitted(configuration: Configuration, process: Founder): Member | undefined {
  const member = memberByName(configuration, process.name)
  return member !== undefined && equalBytes(member.incarnation, process.incarnation) ? member : undefined
}

function text(params: CallParams, name: string): string {
  const value = params[name]
  if (typeof value !== 'string' || value === '') throw new NitroError('InvalidArgument', `${name} is missing`)
  return value
}

function count(params: CallParams, name: string): number | undefined {
  const value = params[name]
  return typeof value === 'number' && value >= 0 ? value : undefined
}

function optionalText(params: CallParams, name: string): string | undefined {
  const value = params[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function targetOf(params: CallParams): 'learner' | 'voter' {
  return optionalText(params, 'target') === 'learner' ? 'learner' : 'voter'
}

/** A name that is about to enter the member table, on every node and for good. */
function newName(params: CallParams): string {
  const name = text(params, 'name')
  if (!isMemberName(name)) throw new NitroError('InvalidArgument', `name: ${JSON.stringify(name)} is not a member name`)
  return name
}

function newAddress(params: CallParams): string {
  const address = text(params, 'address')
  parseAddress(address)
  return address
}

function movedTo(params: CallParams): string | undefined {
  return optionalText(params, 'address') === undefined ? undefined : newAddress(params)
}
