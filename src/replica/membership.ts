/**
 * Membership changes, as the leader makes them.
 *
 * One change at a time; each is one configuration entry that carries the raft change and the rows of the member table.
 * Every rule that protects the cluster is checked here before proposing, and what could race (ids, names) once more, by
 * every node alike, when the entry is applied (`changeFits`).
 */
import { NitroError, equalBytes } from '../../base/index.ts'
import type { ConfChangeSingle, ConfChangeV2 } from '../../consensus/index.ts'
import { encodeMemberChange, isClaimed, memberByName, memberRole, unclaimed, wasRemoved } from './configuration.ts'
import type { Configuration, Founder, Member } from './configuration.ts'

/** How far the leader knows a member to be. */
export interface MemberProgress {
  readonly match: number
  /** Receives appends in a stream and answered lately. */
  readonly replicating: boolean
}

/** What the rules look at. */
export interface MembershipView {
  readonly configuration: Configuration
  readonly selfId: number
  readonly lastIndex: number
  progress(id: number): MemberProgress | undefined
  /** Whether a member's links are up; true for oneself. */
  connected(id: number): boolean
}

/** Entries a learner may be behind and still be promoted. */
export const promotionLagMax = 1_000

/** A wish to join, as a new process states it. */
export interface JoinRequest extends Founder {
  readonly target: 'voter' | 'learner'
  /** The place it was shown ({@link placeFor}): a request that is late finds another one. */
  readonly place: number
}

/** The id under which a process of this name would be let in now: its reserved place, or the next new one. */
export function placeFor(configuration: Configuration, name: string): number {
  return memberByName(configuration, name)?.id ?? configuration.nextId
}

function change(changes: readonly ConfChangeSingle[], upsert: readonly Member[]): ConfChangeV2 {
  return { version: 2, transition: 'auto', changes, context: encodeMemberChange({ upsert }) }
}

function known(view: MembershipView, name: string): Member {
  const member = memberByName(view.configuration, name)
  if (member === undefined) {
    const names = view.configuration.members.map((one) => one.name).join(', ')
    throw new NitroError('MemberUnknown', `no member is called ${name}; members are ${names}`, { details: { name } })
  }
  return member
}

/** Reserves a learner's place. Throws `MemberExists`. */
export function planAdd(view: MembershipView, name: string, address: string, target: Member['target']): ConfChangeV2 {
  if (memberByName(view.configuration, name) !== undefined) {
    throw new NitroError('MemberExists', `a member called ${name} exists; use replace for a new data directory`, {
      details: { name },
    })
  }
  const id = view.configuration.nextId
  const member: Member = { id, name, address, incarnation: unclaimed, target }
  return change([{ type: 'addLearner', nodeId: id }], [member])
}

/**
 * Admits a process: a name nobody has becomes a learner, a reserved place is claimed. Undefined when this incarnation
 * already is a member. Throws `Removed`, `IdentityLost`, and `ProposalDropped` when the place is another than the process was shown.
 */
export function planJoin(view: MembershipView, request: JoinRequest): ConfChangeV2 | undefined {
  const { name, incarnation, address, target, place } = request
  if (wasRemoved(view.configuration, incarnation)) {
    throw new NitroError('Removed', `${name} was removed from this cluster; join with an empty data directory`)
  }
  const member = memberByName(view.configuration, name)
  if (member !== undefined && equalBytes(member.incarnation, incarnation)) {
    if (member.address === address) return undefined
    return change([{ type: 'updateNode', nodeId: member.id }], [{ ...member, address }])
  }
  if (member !== undefined && isClaimed(member)) throw identityLost(name)
  if (place !== placeFor(view.configuration, name)) {
    throw new NitroError('ProposalDropped', `the place for ${name} is another now; ask again`, { executed: 'no' })
  }
  if (member === undefined) {
    return change([{ type: 'addLearner', nodeId: place }], [{ id: place, name, address, incarnation, target }])
  }
  return change([{ type: 'updateNode', nodeId: member.id }], [{ ...member, incarnation, address, target }])
}

/** Makes a learner a voter. Throws `LearnerNotReady`. */
export function planPromote(view: MembershipView, name: string): ConfChangeV2 {
  const member = known(view, name)
  if (memberRole(view.configuration, member.id) === 'voter') {
    throw new NitroError('InvalidArgument', `${name} is a voter already`)
  }
  const ready = promotable(view, member)
  if (ready !== undefined) throw new NitroError('LearnerNotReady', `${name} ${ready}`, { details: { name } })
  return change([{ type: 'addNode', nodeId: member.id }], [{ ...member, target: 'voter' }])
}

/** Gives a member another address. Undefined when it has that already. Throws `MemberUnknown`, `InvalidArgument`. */
export function planUpdate(view: MembershipView, name: string, address: string): ConfChangeV2 | undefined {
  const member = known(view, name)
  if (member.address === address) return undefined
  const other = view.configuration.members.find((one) => one.address === address)
  if (other !== undefined) throw new NitroError('InvalidArgument', `${other.name} has the address ${address}`)
  return change([{ type: 'updateNode', nodeId: member.id }], [{ ...member, address }])
}

/** Why a learner can't be promoted yet; undefined when it can. */
export function promotable(view: MembershipView, member: Member): string | undefined {
  if (!isClaimed(member)) return 'has not joined yet'
  const progress = view.progress(member.id)
  if (progress === undefined || !progress.replicating) return 'is not receiving the log yet'
  const lag = view.lastIndex - progress.match
  return lag > promotionLagMax ? `is ${lag} entries behind` : undefined
}

/** Takes a member out. Throws `UnsafeMembershipChange` when the remaining voters would have no live majority. */
export function planRemove(view: MembershipView, name: string): ConfChangeV2 {
  const member = known(view, name)
  requireQuorumWithout(view, member)
  return change([{ type: 'removeNode', nodeId: member.id }], [])
}

/**
 * The old process of a name out and a place for its successor in, in one joint change. The successor joins as a learner
 * and becomes a voter when it has caught up.
 */
export function planReplace(view: MembershipView, name: string, address: string | undefined): ConfChangeV2 {
  const old = known(view, name)
  requireQuorumWithout(view, old)
  const id = view.configuration.nextId
  const target = memberRole(view.configuration, old.id) === 'learner' ? old.target : 'voter'
  const successor: Member = { id, name, address: address ?? old.address, incarnation: unclaimed, target }
  return change(
    [
      { type: 'removeNode', nodeId: old.id },
      { type: 'addLearner', nodeId: id },
    ],
    [successor],
  )
}

function requireQuorumWithout(view: MembershipView, member: Member): void {
  const { voters } = view.configuration.confState
  if (!voters.includes(member.id)) return
  const rest = voters.filter((id) => id !== member.id)
  const live = rest.filter((id) => view.connected(id)).length
  const quorum = Math.floor(rest.length / 2) + 1
  if (rest.length > 0 && live >= quorum) return
  throw new NitroError(
    'UnsafeMembershipChange',
    `without ${member.name}, ${live} of ${rest.length} voters would be reachable and ${quorum} are needed`,
    { details: { name: member.name, live, quorum } },
  )
}

/** The next learner that may be promoted now, if there is one. */
export function nextPromotion(view: MembershipView): ConfChangeV2 | undefined {
  for (const member of view.configuration.members) {
    if (member.target !== 'voter' || memberRole(view.configuration, member.id) !== 'learner') continue
    if (promotable(view, member) === undefined) return change([{ type: 'addNode', nodeId: member.id }], [member])
  }
  return undefined
}

/** Whether a peer of this name and incarnation may be linked with. */
export function judgeMember(
  configuration: Configuration,
  name: string,
  incarnation: Uint8Array,
): NitroError | undefined {
  if (wasRemoved(configuration, incarnation)) return new NitroError('Removed', `${name} was removed from this cluster`)
  const member = memberByName(configuration, name)
  if (member === undefined) {
    const message = `${name} is not a member of this cluster; a new process enters with --join`
    return new NitroError('MemberUnknown', message, { details: { name } })
  }
  if (equalBytes(member.incarnation, incarnation)) return undefined
  return isClaimed(member)
    ? identityLost(name)
    : new NitroError('MemberUnknown', `${name} has not joined yet: use --join`)
}

/** The error a process gets whose name is known with another data directory. */
export function identityLost(name: string): NitroError {
  const message = `the cluster knows ${name} with another data directory. ${replacementAdvice(name)}`
  return new NitroError('IdentityLost', message, { details: { name } })
}

/** What to do when the directory that the cluster knows is gone. */
export function replacementAdvice(name: string): string {
  return (
    'That directory may hold votes and acknowledged writes. ' +
    `If it is lost for good: run \`nitrostate member replace ${name}\` against a healthy member, ` +
    `then start ${name} on an empty directory with \`--join\` instead of \`--peers\`.`
  )
}
