/**
 * One running member of the group: the core with its disk, machine and links.
 *
 * The walk of one write (DESIGN section 2) goes through this file from `submit` to `sink`; every box on the way is a file
 * of its own, and this one only joins them.
 */
import { NitroError, assert, hashBytes, isNitroError, messageOf } from '../../base/index.ts'
import { RawNode, confChangeOf, asV2, isLeaveJoint } from '../../consensus/index.ts'
import type { Entry, HardState, Message, SoftState } from '../../consensus/index.ts'
import { EntryBuilder } from '../../execution/index.ts'
import type { Machine } from '../../execution/index.ts'
import type { DurableLog, StateDirectory } from '../storage/index.ts'
import type { CommandOwner } from '../wire/index.ts'
import { forEachCommand, frameKinds } from '../wire/index.ts'
import type { Consistency } from '../api/index.ts'
import { Applier } from './applier.ts'
import { compactionIndex } from './compaction.ts'
import {
  changeFits,
  decodeConfiguration,
  decodeMemberChange,
  encodeConfiguration,
  memberById,
  memberByName,
  nextConfiguration,
} from './configuration.ts'
import type { Configuration } from './configuration.ts'
import { Driver } from './driver.ts'
import { Flusher } from './flusher.ts'
import type { DurablePosition } from './flusher.ts'
import { ForwardedOwner, Forwarder } from './forwarder.ts'
import { HashCheck, decodeHashNote, encodeHashNote, hashInterval } from './hash-check.ts'
import { Lateness } from './lateness.ts'
import type { Links } from './links.ts'
import type { MembershipCopy } from './membership-file.ts'
import { LogClock } from './log-clock.ts'
import { LogWriter } from './log-writer.ts'
import { Members } from './members.ts'
import { Outbox, readMessages } from './outbox.ts'
import type { Channel } from './outbox.ts'
import type { ReplicaPorts, ReplicaSizes, ReplicaTiming } from './ports.ts'
import { Proposals } from './proposals.ts'
import { ReadBarrier } from './reads.ts'
import { Snapshots } from './snapshots.ts'
import type { ReceivedState } from './snapshots.ts'

/** Log, state and identity of a member, as the data directory gave them. */
export interface GroupParts {
  readonly raftId: number
  readonly log: DurableLog
  readonly state: StateDirectory
  /** Undefined while the state has to be fetched from a peer: then nothing is applied or served. */
  readonly machine: Machine | undefined
  /** Where applying begins: the machine's position, or the known one of the lost state. */
  readonly position: DurablePosition
}

/** What a group member needs beside its parts. */
export interface GroupOptions {
  readonly selfName: string
  readonly startId: Uint8Array
  readonly ports: ReplicaPorts
  readonly timing: ReplicaTiming
  readonly sizes: ReplicaSizes
  readonly links: Links
  /** An empty machine that reads its blocks through the function given. */
  readonly newMachine: (readBlock: (id: number) => Uint8Array | undefined) => Machine
  readonly events: GroupEvents
}

/** What the group tells the replica. */
export interface GroupEvents {
  /** The member table changed; to be kept beside the state. */
  configured(copy: MembershipCopy): void
  /** Role, leader or readiness changed. */
  changed(): void
  /** The node can't go on. */
  fatal(error: unknown): void
}

const maxInflightMsgs = 256
const appendBytesMax = 1 << 20
const uncommittedBytesMax = 64 << 20
const heldFactorMax = 16

/** A running member. */
export class Group {
  readonly driver: Driver
  readonly lateness: Lateness
  readonly proposals: Proposals
  readonly reads: ReadBarrier
  readonly applier: Applier
  readonly flusher: Flusher
  readonly snapshots: Snapshots
  readonly hashes: HashCheck = new HashCheck()
  configuration: Configuration
  leaderChanges = 0
  readonly members: Members
  readonly parts: GroupParts
  private readonly options: GroupOptions
  private readonly writer: LogWriter
  private readonly outbox: Outbox
  private readonly forwarder: Forwarder
  private readonly logClock: LogClock
  private readonly builder = new EntryBuilder()
  private readonly followers = new Map<number, ForwardedOwner>()
  private readonly watchers = new Set<() => void>()
  private leader = 0
  private leaderlessSinceMs: number
  private timeEntry = 0
  private compacting = false
  private stopped = false

  constructor(parts: GroupParts, options: GroupOptions) {
    this.parts = parts
    this.options = options
    const { ports, timing, sizes } = options
    const { log, position, machine } = parts
    const { clock, scheduler, metrics } = ports
    this.configuration = position.configuration
    this.lateness = new Lateness(clock)
    this.logClock = new LogClock(clock, 2 * timing.tickMs)
    if (machine !== undefined) this.logClock.applied(machine.logTime)
    this.leaderlessSinceMs = clock.monotonicMs()
    this.proposals = new Proposals(sizes.pendingMax)
    this.forwarder = new Forwarder((to, channel, kind, payload) => this.sendTo(to, channel, kind, payload))
    this.outbox = new Outbox(
      (to, channel, payload) => this.sendTo(to, channel, frameKinds.raft, payload),
      (to) => this.driver.core.reportUnreachable(to),
    )
    this.driver = new Driver(this.makeCore(), ports, timing.tickMs, this.outbox, {
      beforeReady: () => this.beforeReady(),
      softState: (state) => this.softState(state),
      readState: (context, index) => this.reads.answered(context, index),
      apply: (message) => this.applier.push(message),
      sendSnapshot: (message) => this.snapshots.start(message.to),
      ticked: (lateMs) => this.ticked(lateMs),
      logTimeMs: () => (this.isLeader ? this.logClock.now() : 0),
      failed: (error) => this.fail(error),
    })
    this.writer = new LogWriter(log, clock, metrics, {
      release: (messages) => this.driver.release(messages),
      install: (message) => this.installForCore(message),
      failed: (error) => this.fail(error),
    })
    this.reads = new ReadBarrier(
      {
        readIndex: (context) => void this.driver.core.readIndex(context),
        appliedIndex: () => this.applier.machine?.appliedIndex ?? 0,
      },
      clock,
      options.startId,
      4 * timing.tickMs,
    )
    this.applier = new Applier(clock, scheduler, this.proposals, {
      configuration: (entry) => this.applyConfiguration(entry),
      applied: (index) => this.applied(index),
      done: (message) => this.driver.release(message.responses),
      failed: (error) => this.fail(error),
      mustWait: () => this.flusher.behind,
    })
    this.flusher = new Flusher(machine, position, parts.state, ports, sizes, {
      flushed: () => this.flushed(),
      failed: (error) => this.fail(error),
      atBoundary: () => this.applier.atBoundary,
    })
    this.applier.machine = machine
    this.snapshots = new Snapshots({
      ports,
      selfId: parts.raftId,
      flusher: this.flusher,
      state: parts.state,
      newMachine: options.newMachine,
      send: (to, channel, kind, payload) => this.sendTo(to, channel, kind, payload),
      buffered: (to) => this.options.links.bufferedBytes(this.nameOf(to), 'bulk'),
      askable: () =>
        this.configuration.members
          .filter((member) => member.id !== parts.raftId && options.links.connected(member.name))
          .map((member) => member.id),
      received: (state) => this.snapshotReceived(state),
      finished: (to, ok) => {
        this.driver.core.reportSnapshot(to, ok ? 'finished' : 'failed')
        this.driver.wake()
      },
      term: () => this.driver.core.term,
    })
    this.members = new Members(this, ports, options.links, timing)
  }

  private makeCore(): RawNode {
    const { log, position, raftId } = this.parts
    const { timing, ports } = this.options
    return new RawNode({
      id: raftId,
      electionTick: timing.electionTicks,
      heartbeatTick: 1,
      applied: position.index,
      asyncStorageWrites: true,
      maxSizePerMsg: appendBytesMax,
      maxCommittedSizePerReady: 4 * appendBytesMax,
      maxUncommittedEntriesSize: uncommittedBytesMax,
      maxInflightMsgs,
      maxInflightBytes: 16 * appendBytesMax,
      checkQuorum: true,
      preVote: true,
      disableProposalForwarding: true,
      stepDownOnRemoval: true,
      random: (bound) => Math.floor((ports.random.u32() / 0x1_0000_0000) * bound),
      logger: (level, message) => {
        if (level === 'debug' || level === 'info') ports.logger.debug({}, message)
        else ports.logger.warn({}, message)
      },
      storage: {
        initialState: () => ({
          hardState: atLeast(log.hardState, position.index),
          confState: position.configuration.confState,
        }),
        entries: (lo, hi, maxBytes) => log.entries(lo, hi, maxBytes),
        term: (index) => log.term(index),
        firstIndex: () => log.firstIndex(),
        lastIndex: () => log.lastIndex(),
        snapshot: () => {
          const { index, term, configuration } = this.flusher.durable
          if (index === 0 || this.applier.machine === undefined) return 'snapshotTemporarilyUnavailable'
          return { meta: { index, term, confState: configuration.confState }, data: new Uint8Array(0) }
        },
      },
    })
  }

  /** Begins to take part. */
  start(): void {
    this.linkMembers()
    this.driver.start(this.writer)
    const { voters } = this.configuration.confState
    // The only voter has nobody to wait for.
    if (voters.length === 1 && voters[0] === this.parts.raftId) this.driver.core.campaign()
    if (this.applier.machine === undefined) this.snapshots.fetch(this.parts.position.index)
  }

  get isLeader(): boolean {
    return this.driver.core.isLeader
  }

  /** This member's name. */
  get selfName(): string {
    return this.options.selfName
  }

  /** Whether it stopped taking part. */
  get halted(): boolean {
    return this.stopped
  }

  /** Raft id of the leader, or 0. */
  get leaderId(): number {
    return this.leader
  }

  /** Whether state is being repaired from a peer. */
  get repairing(): boolean {
    return this.applier.machine === undefined
  }

  /** Name of a member, also of one that a change is just taking out. */
  nameOf(id: number): string {
    return memberById(this.configuration, id)?.name ?? ''
  }

  private sendTo(to: number, channel: Channel, kind: number, payload: Uint8Array): boolean {
    return this.options.links.send(this.nameOf(to), channel, kind, payload)
  }

  // ---- commands and reads

  /** Puts a command on its way; `owner` hears exactly once. */
  submit(command: Uint8Array, owner: CommandOwner, tag: number): void {
    this.proposals.submit(command, owner, tag)
    this.driver.wake()
  }

  /** Runs a query at the wished consistency. */
  query(
    program: string,
    method: string,
    args: Uint8Array,
    consistency: Consistency,
    timeoutMs: number,
    owner: CommandOwner,
    tag: number,
  ): void {
    const run = (): void => {
      const { machine } = this.applier
      if (machine === undefined) {
        owner.failed(tag, new NitroError('Unavailable', 'this node is repairing its state'))
        return
      }
      this.options.ports.metrics.add('nitrostate_server_reads_total')
      try {
        owner.completed(tag, machine.query(program, method, args))
      } catch (error) {
        owner.failed(tag, new NitroError('Unavailable', 'this node met damaged state and repairs it', { cause: error }))
        this.fail(error)
      }
    }
    if (consistency === 'committed') {
      run()
      return
    }
    this.reads.add({
      deadlineMs: this.options.ports.clock.monotonicMs() + timeoutMs,
      run,
      failed: (error) => owner.failed(tag, error),
    })
    this.driver.wake()
  }

  private beforeReady(): void {
    if (this.isLeader) this.proposeWaiting()
    else if (this.leader !== 0 && this.proposals.queued > 0) {
      const to = this.leader
      this.proposals.drain((command, owner, tag) => this.forwarder.add(to, command, owner, tag))
      this.forwarder.flush()
    }
    if (this.reads.waiting && this.leader !== 0) this.reads.start()
  }

  /** Everything that waits becomes entries; while a durable write is under way, more gathers for the next one. */
  private proposeWaiting(): void {
    const { core } = this.driver
    while (this.proposals.queued > 0 && !this.writer.writing) {
      this.builder.clear()
      const batch = this.proposals.fill(this.builder, core.term)
      const data = this.builder.finish(this.logClock.now(), Math.floor(this.options.ports.clock.wallMs()))
      try {
        const { index } = core.propose(data)
        this.proposals.record(index, batch)
      } catch (error) {
        if (!isNitroError(error)) throw error
        this.proposals.refuse(batch, new NitroError('ProposalDropped', error.message, { executed: 'no' }))
      }
    }
  }

  /** Proposes an empty entry when something is due by log time and nothing else would carry the time. */
  private proposeTime(machine: Machine): void {
    const due = machine.nextDeadline
    if (due === undefined || due > this.logClock.now() || this.timeEntry > machine.appliedIndex) return
    this.builder.clear()
    const data = this.builder.finish(this.logClock.now(), Math.floor(this.options.ports.clock.wallMs()))
    try {
      this.timeEntry = this.driver.core.propose(data).index
    } catch (error) {
      if (!isNitroError(error)) throw error
    }
  }

  // ---- what the core tells

  private softState(state: SoftState): void {
    const { metrics, clock, logger } = this.options.ports
    if (state.lead !== this.leader) {
      this.leader = state.lead
      this.leaderlessSinceMs = clock.monotonicMs()
      if (state.lead !== 0) {
        this.leaderChanges++
        metrics.add('nitrostate_server_leader_changes_total')
        logger.info({ leader: this.nameOf(state.lead), term: this.driver.core.term }, 'following a leader')
        this.reads.leaderChanged()
      }
    }
    metrics.set('nitrostate_server_has_leader', state.lead === 0 ? 0 : 1)
    metrics.set('nitrostate_server_is_leader', state.role === 'leader' ? 1 : 0)
    metrics.set('nitrostate_server_term', this.driver.core.term)
    if (state.role !== 'leader') this.snapshots.stepDown()
    else if (this.repairing) this.handOver()
    this.changed()
  }

  /** A leader without state can't apply: someone else must lead. */
  private handOver(): void {
    const best = this.members.furthestPeer()
    if (best !== undefined) this.driver.core.transferLeadership(best)
  }

  private ticked(lateMs: number): void {
    const { clock, metrics } = this.options.ports
    const { timing } = this.options
    this.lateness.add(lateMs)
    metrics.observe('nitrostate_event_loop_lateness_seconds', lateMs / 1000)
    this.logClock.now()
    if (lateMs >= timing.electionTicks * timing.tickMs) this.driver.core.suspectLease()
    this.reads.tick()
    this.snapshots.tick()
    const { machine } = this.applier
    if (this.leader === 0 && this.proposals.queued > 0) {
      const patienceMs = 2 * timing.electionTicks * timing.tickMs
      if (clock.monotonicMs() - this.leaderlessSinceMs > patienceMs) {
        this.proposals.failWaiting(new NitroError('Unavailable', 'no leader is known: is a majority of members up?'))
      }
    }
    if (this.isLeader && machine !== undefined) {
      this.proposeTime(machine)
      this.members.tick()
    }
    metrics.set('nitrostate_server_proposals_pending', this.proposals.pending + this.forwarder.pending)
    metrics.set('nitrostate_network_peers_connected', this.options.links.connectedCount)
    if (machine === undefined) return
    metrics.set('nitrostate_server_proposals_applied_index', machine.appliedIndex)
    metrics.set('nitrostate_server_proposals_committed_index', this.driver.core.basicStatus().hardState.commit)
    metrics.set('nitrostate_store_keys', machine.keyCount)
    metrics.set('nitrostate_store_revision', machine.revision)
    metrics.set('nitrostate_store_sessions', machine.sessionCount)
  }

  // ---- what peers tell

  /** A message from a linked peer. Throws `MalformedFrame`. */
  message(name: string, kind: number, payload: Uint8Array): void {
    const from = memberByName(this.configuration, name)?.id
    if (from === undefined) return
    switch (kind) {
      case frameKinds.raft: {
        const own = payload.buffer.byteLength > 2 * payload.length ? payload.slice() : payload
        const logTimeMs = readMessages(own, (message) => this.receive(from, message))
        if (logTimeMs > 0 && from === this.leader) this.logClock.heard(logTimeMs)
        return
      }
      case frameKinds.forward:
        this.forwarded(from, payload)
        return
      case frameKinds.forwardResult:
        this.forwarder.answered(payload)
        return
      case frameKinds.hash:
        this.heardHash(from, payload)
        return
      case frameKinds.snapshotChunk:
        this.snapshots.chunk(from, payload)
        return
      case frameKinds.snapshotControl:
        this.snapshots.control(from, payload)
        return
      default:
        throw new NitroError('MalformedFrame', `message of kind ${kind} from ${name}`)
    }
  }

  private receive(from: number, message: Message): void {
    // A message speaks for its sender only; snapshots are stepped when their data has arrived.
    if (message.from !== from || message.to !== this.parts.raftId || message.type === 'MsgSnap') return
    this.driver.receive(message)
  }

  private forwarded(from: number, payload: Uint8Array): void {
    let owner = this.followers.get(from)
    if (owner === undefined) {
      owner = new ForwardedOwner(
        (results) => this.sendTo(from, 'bulk', frameKinds.forwardResult, results),
        () => this.options.ports.scheduler.endOfTurn(() => this.followers.get(from)?.flush()),
      )
      this.followers.set(from, owner)
    }
    const { isLeader } = this
    const target = owner
    forEachCommand(payload, (tag, bytes, start, end) => {
      if (isLeader) this.proposals.submit(bytes.subarray(start, end), target, tag)
      else target.failed(tag, new NitroError('NotLeader', `${this.options.selfName} does not lead`, { executed: 'no' }))
    })
    this.driver.wake()
  }

  /** Both links of a peer came up, or one went down. */
  linkChanged(name: string, up: boolean): void {
    const id = memberByName(this.configuration, name)?.id
    if (id === undefined) return
    if (!up) {
      this.forwarder.lost(id)
      this.driver.core.reportUnreachable(id)
      this.snapshots.linkDown(id)
    } else this.snapshots.linkUp(id)
    this.driver.wake()
  }

  /** A queue towards a peer has room again: what is waiting for it may go on. */
  drained(name: string, channel: Channel): void {
    const id = memberByName(this.configuration, name)?.id
    if (id !== undefined && channel === 'bulk') this.snapshots.pump(id)
  }

  // ---- applying

  private applied(index: number): void {
    const machine = this.applier.machine as Machine
    this.logClock.applied(machine.logTime)
    if (index % hashInterval === 0) this.tellHash(index, hashBytes(machine.stateHash()))
    this.members.applied(index, machine.appliedTerm)
    this.flusher.noteApplied()
    this.reads.applied()
  }

  private applyConfiguration(entry: Entry): void {
    const machine = this.applier.machine as Machine
    const cc = confChangeOf(entry)
    assert(cc !== undefined, 'a configuration entry holds a change')
    const v2 = asV2(cc)
    const change = decodeMemberChange(v2.context)
    const removes = v2.changes.filter((step) => step.type === 'removeNode').map((step) => step.nodeId)
    if (isLeaveJoint(v2) || changeFits(this.configuration, change, removes)) {
      const confState = this.driver.core.applyConfChange(cc)
      this.configuration = nextConfiguration(this.configuration, change, confState)
    }
    machine.applyConfiguration(entry.index, entry.term, encodeConfiguration(this.configuration))
    this.options.events.configured({ index: entry.index, term: entry.term, configuration: this.configuration })
    this.linkMembers()
    this.changed()
    this.driver.wake()
    this.checkRemoved()
  }

  /** Ids rise with the log, so a table that could know this node and does not has lost it for good. */
  private checkRemoved(): void {
    const { selfName } = this.options
    const { raftId } = this.parts
    if (this.configuration.nextId <= raftId || memberById(this.configuration, raftId) !== undefined) return
    this.fail(new NitroError('Removed', `${selfName} was removed from the cluster`))
  }

  private linkMembers(): void {
    this.options.links.setPeers(this.configuration.members)
    this.options.links.review()
  }

  private tellHash(index: number, hash: Uint8Array): void {
    const note = encodeHashNote(index, hash)
    for (const member of this.configuration.members) {
      if (member.id !== this.parts.raftId) this.sendTo(member.id, 'control', frameKinds.hash, note)
    }
    this.judgeHash(index, this.parts.raftId, hash)
  }

  private heardHash(from: number, payload: Uint8Array): void {
    const { index, hash } = decodeHashNote(payload)
    this.judgeHash(index, from, hash)
  }

  private judgeHash(index: number, from: number, hash: Uint8Array): void {
    const verdict = this.hashes.add(index, from, hash, this.parts.raftId, this.configuration.confState.voters)
    if (verdict !== 'diverged') return
    const message = `the state at index ${index} differs from what a quorum has; this node stops serving`
    this.fail(new NitroError('StateDiverged', message, { details: { index } }))
  }

  private flushed(): void {
    this.options.ports.metrics.set('nitrostate_disk_durable_applied_index', this.flusher.durable.index)
    this.applier.resume()
    this.compact()
  }

  private compact(): void {
    const { log } = this.parts
    const { sizes } = this.options
    // A peer that takes a snapshot for too long must not make this log grow without bound.
    const held = log.retainedBytes < heldFactorMax * sizes.logRetainBytes ? this.snapshots.neededFrom : Infinity
    const bound = Math.min(this.flusher.durable.index, held)
    const index = compactionIndex(log, bound, sizes)
    if (index === undefined || this.compacting || this.stopped) return
    this.compacting = true
    log.compact(index).then(
      () => (this.compacting = false),
      (error: unknown) => this.fail(error),
    )
  }

  // ---- snapshots and repair

  private snapshotReceived(received: ReceivedState): void {
    if (received.message !== undefined) {
      this.driver.receive(received.message)
      return
    }
    void this.exchangeState(received).catch((error: unknown) => this.fail(error))
  }

  /** The core accepted the snapshot that was received: switch to it, durably, before the log says so. */
  private async installForCore(message: Message): Promise<void> {
    const index = message.snapshot?.meta.index ?? 0
    const received = this.snapshots.take(index)
    assert(received !== undefined, () => `the snapshot at ${index} was received`)
    await this.exchangeState(received)
  }

  private async exchangeState(received: ReceivedState): Promise<void> {
    while (!this.applier.atBoundary) await this.nextTurn()
    this.applier.exchange(undefined)
    await this.flusher.pause()
    await received.replacement.commit()
    const { machine } = received
    this.configuration = decodeConfiguration(machine.configuration)
    this.flusher.replace(machine)
    this.applier.exchange(machine)
    this.proposals.jumpedTo(machine.appliedIndex)
    this.logClock.applied(machine.logTime)
    const { appliedIndex: index, appliedTerm: term } = machine
    this.options.events.configured({ index, term, configuration: this.configuration })
    this.options.ports.metrics.add('nitrostate_snapshots_received_total')
    this.options.ports.logger.info({ index: machine.appliedIndex }, 'state replaced by a snapshot')
    this.linkMembers()
    this.applier.resume()
    this.reads.applied()
    this.changed()
    this.checkRemoved()
  }

  private nextTurn(): Promise<void> {
    return new Promise((resolve) => this.options.ports.scheduler.endOfTurn(resolve))
  }

  /** The state on disk is damaged: serve nothing, and fetch it anew. The log is whole, so this node may still vote. */
  async repair(reason: unknown): Promise<void> {
    if (this.repairing || this.stopped) return
    this.options.ports.logger.error({ reason: messageOf(reason) }, 'state damaged: fetching it from a peer')
    while (!this.applier.atBoundary) await this.nextTurn()
    this.applier.exchange(undefined)
    await this.flusher.pause()
    this.snapshots.fetch(this.flusher.durable.index)
    if (this.isLeader) this.handOver()
    this.changed()
  }

  // ---- life

  /** Calls `run` at the next change of role, leader, configuration or readiness. */
  nextChange(): Promise<void> {
    return new Promise((resolve) => {
      const run = (): void => {
        this.watchers.delete(run)
        resolve()
      }
      this.watchers.add(run)
    })
  }

  changed(): void {
    for (const run of [...this.watchers]) run()
    this.options.events.changed()
  }

  private fail(error: unknown): void {
    if (this.stopped) return
    if (isNitroError(error, 'StateDamaged') && !this.repairing) {
      void this.repair(error).catch((next: unknown) => this.options.events.fatal(next))
      return
    }
    this.halt()
    this.options.events.fatal(error)
  }

  /** Stops taking part at once, as a crash would. */
  private halt(): void {
    this.stopped = true
    this.driver.stop()
    this.writer.stop()
    this.applier.stop()
    this.snapshots.stop()
    const closed = new NitroError('Closed', 'the node is stopping', { executed: 'maybe', retryable: true })
    this.proposals.failAll()
    this.forwarder.failAll(closed)
    this.reads.failAll(closed)
    this.members.failAll(closed)
    this.changed()
  }

  /** Stops in order: flushes, closes log and state. */
  async stop(): Promise<void> {
    const healthy = !this.stopped
    this.halt()
    await this.writer.idle()
    if (healthy && this.applier.machine !== undefined && this.applier.atBoundary) await this.flusher.flushAll()
    await this.flusher.pause()
    await this.parts.state.close()
    await this.parts.log.close()
  }
}

/** What is applied is committed; the recovered hard state may not know it, because commit indexes are not synced. */
function atLeast(hardState: HardState, commit: number): HardState {
  return commit > hardState.commit ? { ...hardState, commit } : hardState
}
