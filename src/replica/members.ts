/**
 * Membership and leadership of a running group: proposes what `membership.ts` plans, waits until it is in force, promotes
 * learners that have caught up, and hands leadership over.
 */
import { NitroError, assert, messageOf } from '../../base/index.ts'
import { asV2, confChangeOf, isLeaveJoint } from '../../consensus/index.ts'
import type { ConfChangeV2, Entry } from '../../consensus/index.ts'
import { emptyProgramSet, namesOf } from '../../execution/index.ts'
import type { Machine, ProgramSet } from '../../execution/index.ts'
import {
  changeFits,
  decodeMemberChange,
  encodeConfiguration,
  isClaimed,
  memberByName,
  nextConfiguration,
} from './configuration.ts'
import type { Configuration } from './configuration.ts'
import type { Group } from './group.ts'
import type { Links } from './links.ts'
import { offerOf } from './offers.ts'
import { nextPromotion } from './membership.ts'
import type { MembershipView } from './membership.ts'
import type { ReplicaPorts, ReplicaTiming } from './ports.ts'

interface ChangeWaiter {
  readonly term: number
  resolve(): void
  reject(error: NitroError): void
}

const promotionTicks = 10

/** The operator's hand in a group. */
export class Members {
  private readonly group: Group
  private readonly ports: ReplicaPorts
  private readonly links: Links
  private readonly timing: ReplicaTiming
  private readonly waiters = new Map<number, ChangeWaiter>()
  /** The table that the core's configuration belongs to, while the machine is ahead of the core's applied index. */
  private behind: Configuration | undefined
  private ticks = 0
  /** What was in force when links were looked at last. */
  private active: ProgramSet | undefined
  /** When leadership may be handed over again. */
  private handOverAtMs = 0

  constructor(group: Group, ports: ReplicaPorts, links: Links, timing: ReplicaTiming) {
    this.group = group
    this.ports = ports
    this.links = links
    this.timing = timing
    this.active = group.applier.machine?.activation.active
  }

  /** What the rules of membership look at now. */
  view(): MembershipView {
    const { group } = this
    const { progress } = group.driver.core.status()
    return {
      configuration: group.configuration,
      selfId: group.parts.raftId,
      lastIndex: group.parts.log.lastIndex(),
      progress: (id) => {
        const one = progress.get(id)
        if (one === undefined) return undefined
        return { match: one.match, replicating: one.state === 'replicate' && one.recentActive }
      },
      connected: (id) => id === group.parts.raftId || this.links.connected(group.nameOf(id)),
    }
  }

  /**
   * What each member can run, this one first; undefined while one of them can't be asked. A place that nobody has claimed has
   * no say: whoever claims it must have what is active then.
   */
  offers(): readonly ProgramSet[] | undefined {
    const { group } = this
    const offers = [group.applier.machine?.activation.offer]
    for (const member of group.configuration.members) {
      if (member.id === group.parts.raftId || !isClaimed(member)) continue
      const hello = this.links.helloOf(member.name)
      offers.push(hello === undefined ? undefined : offerOf(hello))
    }
    const known = offers.filter((offer) => offer !== undefined)
    return known.length === offers.length ? known : undefined
  }

  /** The connected voter whose log is longest, not counting this node. */
  private furthestPeer(): number | undefined {
    const { group } = this
    const { progress } = group.driver.core.status()
    const candidates = group.configuration.confState.voters
      .filter((id) => id !== group.parts.raftId && this.links.connected(group.nameOf(id)))
      .map((id) => ({ id, match: progress.get(id)?.match ?? 0 }))
      .toSorted((a, b) => b.match - a.match || a.id - b.id)
    return candidates[0]?.id
  }

  /**
   * Makes one change and resolves when it is in force, out of any joint configuration. Throws `NotLeader`, `Unavailable`
   * without a majority, `MembershipChangePending`, and what `plan` throws.
   *
   * It is planned behind a read barrier: a leader that was deposed without knowing it, or that has not applied what the one before
   * it committed, would refuse for good a member that has long been admitted.
   */
  async change(plan: (view: MembershipView) => ConfChangeV2 | undefined): Promise<void> {
    const { group } = this
    if (!group.isLeader) throw new NitroError('NotLeader', `${group.selfName} does not lead`)
    await this.barrier()
    if (!group.isLeader) throw new NitroError('NotLeader', `${group.selfName} does not lead`)
    if (this.pending) {
      throw new NitroError('MembershipChangePending', 'another membership change is still in progress')
    }
    const cc = plan(this.view())
    if (cc === undefined) return
    await this.propose(cc)
    while (group.configuration.confState.votersOutgoing.length > 0 && !group.halted) await group.nextChange()
  }

  /** Resolves when everything that was committed before the call is applied here. Throws `Unavailable`. */
  private barrier(): Promise<void> {
    const { electionTicks, tickMs } = this.timing
    return new Promise((resolve, reject) => {
      this.group.reads.add({
        deadlineMs: this.ports.clock.monotonicMs() + 2 * electionTicks * tickMs,
        run: resolve,
        failed: reject,
      })
      this.group.driver.wake()
    })
  }

  private get pending(): boolean {
    return this.waiters.size > 0 || this.group.configuration.confState.votersOutgoing.length > 0
  }

  private propose(cc: ConfChangeV2): Promise<void> {
    return new Promise((resolve, reject) => {
      const { driver } = this.group
      const ref = driver.core.proposeConfChange(cc)
      driver.wake()
      if (ref.refused === '') this.waiters.set(ref.index, { term: ref.term, resolve, reject })
      else reject(new NitroError('MembershipChangePending', ref.refused))
    })
  }

  /** Puts a committed configuration entry in force: in the core, in the member table, in the machine. */
  applyEntry(machine: Machine, entry: Entry): void {
    const { group } = this
    this.behind = undefined
    group.configuration = this.afterChange(group.configuration, entry)
    machine.applyConfiguration(entry.index, entry.term, encodeConfiguration(group.configuration))
    group.configured(entry.index, entry.term)
  }

  /** The entry at `index` was applied; a change waiting for it is in force, or was overwritten. */
  applied(index: number, term: number): void {
    this.reviewActive()
    const waiter = this.waiters.get(index)
    if (waiter === undefined) return
    this.waiters.delete(index)
    if (waiter.term === term) waiter.resolve()
    else waiter.reject(new NitroError('ProposalDropped', 'another leader overwrote the change', { executed: 'no' }))
  }

  /** Programs or flags were switched: a peer that lacks one can't go on with this member. */
  private reviewActive(): void {
    const active = this.group.applier.machine?.activation.active
    if (active === this.active) return
    this.active = active
    this.links.review()
    this.ports.logger.info({ active: namesOf(active ?? emptyProgramSet) }, 'programs and flags in force')
  }

  /** The table after `entry`, which the core puts in force if it fits the table before. */
  private afterChange(before: Configuration, entry: Entry): Configuration {
    const cc = confChangeOf(entry)
    assert(cc !== undefined, 'a configuration entry holds a change')
    const v2 = asV2(cc)
    const change = decodeMemberChange(v2.context)
    const removes = v2.changes.filter((step) => step.type === 'removeNode').map((step) => step.nodeId)
    if (!isLeaveJoint(v2) && !changeFits(before, change, removes)) return before
    return nextConfiguration(before, change, this.group.driver.core.applyConfChange(cc))
  }

  /**
   * A configuration entry that the machine already contains was handed out. After a repair the core has yet to learn of it:
   * it was not told what state the machine got from a peer.
   */
  passed(entry: Entry): void {
    if (this.behind !== undefined) this.behind = this.afterChange(this.behind, entry)
  }

  /**
   * The state up to `index` is about to be replaced: what became of a change there can't be told. With a snapshot of the
   * leader the core jumps, too; a repair is the machine's alone.
   */
  jumpedTo(index: number, repaired: boolean): void {
    this.behind = repaired ? (this.behind ?? this.group.configuration) : undefined
    for (const [at, waiter] of this.waiters) {
      if (at > index) continue
      this.waiters.delete(at)
      waiter.reject(new NitroError('Unavailable', 'the outcome was lost in a snapshot', { executed: 'maybe' }))
    }
  }

  /** Once a tick on the leader: promotes the next learner that is to be a voter and has caught up. */
  tick(): void {
    this.ticks++
    if (this.ticks % promotionTicks !== 0 || this.pending) return
    const cc = nextPromotion(this.view())
    if (cc === undefined) return
    this.propose(cc).catch((error: unknown) => {
      this.ports.logger.info({ reason: messageOf(error) }, 'promotion put off')
    })
  }

  /** A leader without state can't apply: someone else must lead. */
  handOver(): void {
    // If nobody has state, leadership must not go round as fast as messages travel.
    const nowMs = this.ports.clock.monotonicMs()
    if (nowMs < this.handOverAtMs) return
    this.handOverAtMs = nowMs + this.timing.electionTicks * this.timing.tickMs
    const best = this.furthestPeer()
    if (best !== undefined) this.group.driver.core.transferLeadership(best)
  }

  /**
   * Hands leadership to `name`, or to the voter that is furthest; resolves with the new leader's name. Throws `NotLeader`,
   * `MemberUnknown`, `Unavailable` when nobody took over within two election timeouts.
   */
  async transfer(name: string | undefined): Promise<string> {
    const { group } = this
    if (!group.isLeader) throw new NitroError('NotLeader', `${group.selfName} does not lead`)
    const to = name === undefined ? this.furthestPeer() : memberByName(group.configuration, name)?.id
    if (to === undefined) {
      if (name !== undefined) throw new NitroError('MemberUnknown', `no member is called ${name}`)
      throw new NitroError('Unavailable', 'no other voter is connected')
    }
    if (to === group.parts.raftId) return group.selfName
    if (!group.configuration.confState.voters.includes(to)) {
      throw new NitroError('InvalidArgument', `${name ?? to} is not a voter`)
    }
    // The timer itself ends the wait: by the clock it may come a fraction too early, and there is no other.
    let late = false
    const timer = this.ports.scheduler.after(2 * this.timing.electionTicks * this.timing.tickMs, () => {
      late = true
      group.changed()
    })
    group.driver.core.transferLeadership(to)
    group.driver.wake()
    while (group.leaderId !== to && !late && !group.halted) await group.nextChange()
    timer.cancel()
    if (group.leaderId === to) return group.nameOf(to)
    throw new NitroError('Unavailable', `${group.nameOf(to)} did not take over in time`, { executed: 'maybe' })
  }

  /** Fails every change that waits: the node stops. */
  failAll(error: NitroError): void {
    for (const waiter of this.waiters.values()) waiter.reject(error)
    this.waiters.clear()
  }
}
