/**
 * One running member of the group: the core with its disk, machine and links.
 *
 * The walk of one write (DESIGN section 2) goes through this file from `intake` to `applied`; every box on the way is a file
 * of its own, and this one only joins them.
 */
import { NitroError, hashBytes, isNitroError } from '../../base/index.ts'
import type { Entry, SoftState } from '../../consensus/index.ts'
import type { Machine } from '../../execution/index.ts'
import { frameKinds } from '../wire/index.ts'
import { Applier } from './applier.ts'
import { ChangeSignal } from './change-signal.ts'
import { Compactor } from './compaction.ts'
import { decodeConfiguration, memberById, memberByName } from './configuration.ts'
import type { Configuration } from './configuration.ts'
import { makeCore } from './core-config.ts'
import { Driver } from './driver.ts'
import { Flusher } from './flusher.ts'
import { nothingTold, setGauges, setRoleGauges } from './gauges.ts'
import type { GroupOptions, GroupParts } from './group-types.ts'
import { HashExchange, diverged, hashInterval } from './hash-check.ts'
import { Intake } from './intake.ts'
import { Lateness } from './lateness.ts'
import { LogClock } from './log-clock.ts'
import { LogWriter } from './log-writer.ts'
import { Members } from './members.ts'
import { Outbox } from './outbox.ts'
import type { Channel } from './outbox.ts'
import { takePeerMessage } from './peer-messages.ts'
import { Proposals } from './proposals.ts'
import { ReadBarrier } from './reads.ts'
import { Snapshots } from './snapshots.ts'
import { StateExchange } from './state-exchange.ts'
import { WatchHub } from './watch/hub.ts'

/** A running member. */
export class Group {
  readonly driver: Driver
  readonly lateness: Lateness
  readonly intake: Intake
  readonly proposals: Proposals
  readonly reads: ReadBarrier
  readonly applier: Applier
  readonly flusher: Flusher
  readonly snapshots: Snapshots
  readonly hashes: HashExchange
  readonly watches: WatchHub
  configuration: Configuration
  readonly members: Members
  readonly parts: GroupParts
  private readonly options: GroupOptions
  private readonly writer: LogWriter
  private readonly outbox: Outbox
  readonly logClock: LogClock
  private readonly signal = new ChangeSignal()
  /** Index of a snapshot that the core accepted, its configuration too, and that is not in place yet; 0 for none. */
  private restoringTo = 0
  private readonly told = nothingTold()
  private leader = 0
  private leaderlessSinceMs: number
  private readonly compactor: Compactor
  private readonly exchange: StateExchange
  private stopped = false

  constructor(parts: GroupParts, options: GroupOptions) {
    this.parts = parts
    this.options = options
    const { ports, timing, sizes } = options
    const { log, position, machine } = parts
    const { clock, scheduler } = ports
    this.configuration = position.configuration
    this.lateness = new Lateness(clock)
    this.logClock = new LogClock(clock, 2 * timing.tickMs)
    if (machine !== undefined) this.logClock.applied(machine.logTime)
    this.leaderlessSinceMs = clock.monotonicMs()
    this.proposals = new Proposals(sizes.pendingMax)
    this.outbox = new Outbox(
      (to, channel, parts) => options.links.sendParts(this.nameOf(to), channel, frameKinds.raft, parts),
      (to) => this.driver.core.reportUnreachable(to),
    )
    this.driver = new Driver(
      makeCore(parts, options, () => this.flusher.newestSnapshot()),
      ports,
      timing.tickMs,
      this.outbox,
      {
        beforeReady: () => this.intake.turn(),
        softState: (state) => this.softState(state),
        restoring: (index) => this.snapshots.accepted((this.restoringTo = index)),
        readState: (context, index) => this.reads.answered(context, index),
        apply: (message) => this.applier.push(message),
        sendSnapshot: (message) => this.snapshots.start(message.to),
        ticked: (lateMs) => this.ticked(lateMs),
        logTimeMs: () => (this.isLeader ? this.logClock.now() : 0),
        failed: (error) => this.fail(error),
      },
    )
    this.writer = new LogWriter(log, {
      release: (messages) => this.driver.release(messages),
      install: (message) => this.exchange.installForCore(message),
      written: (batch) => ports.observer?.written(batch),
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
      configuration: (entry) => this.members.applyEntry(this.applier.machine as Machine, entry),
      passed: (entry) => this.members.passed(entry),
      applied: (entry) => this.applied(entry),
      done: (message) => this.driver.release(message.responses),
      failed: (error) => this.fail(error),
      mustWait: () => this.flusher.behind || this.restoringTo > 0,
    })
    this.flusher = new Flusher(machine, position, parts.state, ports, sizes, {
      flushed: () => this.flushed(),
      failed: (error) => this.fail(error),
      atBoundary: () => this.applier.atBoundary,
    })
    this.applier.machine = machine
    if (machine !== undefined) ports.observer?.loaded(machine)
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
      received: (state) => {
        if (state.message !== undefined) this.driver.receive(state.message)
        else this.exchange.install(state).catch((error: unknown) => this.fail(error))
      },
      finished: (to, ok) => {
        this.driver.core.reportSnapshot(to, ok ? 'finished' : 'failed')
        this.driver.wake()
      },
      term: () => this.driver.core.term,
      unable: (error) => this.fail(error),
    })
    this.hashes = new HashExchange({
      selfId: parts.raftId,
      members: () => this.configuration,
      send: (to, note) => this.sendTo(to, 'control', frameKinds.hash, note),
      diverged: (index) => this.fail(diverged(index)),
    })
    this.intake = new Intake({
      group: this,
      ports,
      logClock: this.logClock,
      writer: this.writer,
      send: (to, channel, kind, payload) => this.sendTo(to, channel, kind, payload),
      reaches: (member) => this.options.links.connected(this.nameOf(member)),
      failed: (error) => this.fail(error),
    })
    this.watches = WatchHub.of(this, ports, (error) => this.fail(error))
    this.exchange = new StateExchange({
      ports,
      applier: this.applier,
      flusher: this.flusher,
      snapshots: this.snapshots,
      exchanged: (machine, repaired) => this.exchanged(machine, repaired),
    })
    this.compactor = new Compactor(log, sizes, (error) => this.fail(error))
    this.members = new Members(this, ports, options.links, timing)
  }

  /** Begins to take part. */
  start(): void {
    const { raftId, log } = this.parts
    this.options.ports.observer?.opened({ raftId, log, core: this.driver.core })
    this.linkMembers()
    this.driver.start(this.writer)
    const { voters } = this.configuration.confState
    // The only voter has nobody to wait for.
    if (voters.length === 1 && voters[0] === raftId) this.driver.core.campaign()
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
    return memberById(this.options.directory.configuration, id)?.name ?? ''
  }

  private sendTo(to: number, channel: Channel, kind: number, payload: Uint8Array): boolean {
    return this.options.links.send(this.nameOf(to), channel, kind, payload)
  }

  // ---- what the core tells

  private softState(state: SoftState): void {
    const { metrics, logger } = this.options.ports
    if (state.lead !== this.leader) {
      this.leader = state.lead
      if (state.lead !== 0) {
        metrics.add('nitrostate_server_leader_changes_total')
        logger.info({ leader: this.nameOf(state.lead), term: this.driver.core.term }, 'following a leader')
        this.reads.leaderChanged()
        this.intake.leaderChanged(state.lead)
      }
    }
    setRoleGauges(metrics, state, this.driver.core.term)
    if (state.role === 'leader') this.options.ports.observer?.leads(this.driver.core.term)
    if (state.role !== 'leader') this.snapshots.stepDown()
    else if (this.repairing) this.members.handOver()
    this.changed()
  }

  private ticked(lateMs: number): void {
    const { ports, timing, links } = this.options
    const electionMs = timing.electionTicks * timing.tickMs
    if (this.parts.log.failure !== undefined) this.fail(this.parts.log.failure)
    this.lateness.add(lateMs)
    ports.metrics.observe('nitrostate_event_loop_lateness_seconds', lateMs / 1000)
    this.logClock.now()
    if (lateMs >= electionMs) this.driver.core.suspectLease()
    this.reads.tick()
    this.snapshots.tick()
    const { machine } = this.applier
    // Time for an election: the old leader is missed for up to two timeouts, and the first attempt may fail.
    if (this.intake.reachesLeader) this.leaderlessSinceMs = ports.clock.monotonicMs()
    else if (ports.clock.monotonicMs() - this.leaderlessSinceMs > 4 * electionMs) this.proposals.failLeaderless()
    if (this.isLeader && machine === undefined) this.members.handOver()
    if (this.isLeader && machine !== undefined) {
      this.intake.proposeTime(machine)
      this.members.tick()
    }
    setGauges(this, ports.metrics, links, this.told)
  }

  // ---- what peers tell

  /** A message from a linked peer. Throws `MalformedFrame`. */
  message(name: string, kind: number, payload: Uint8Array): void {
    const from = memberByName(this.options.directory.configuration, name)?.id
    if (from !== undefined) takePeerMessage(this, this.logClock, from, kind, payload)
  }

  /** Both links of a peer came up, or one went down. */
  linkChanged(name: string, up: boolean): void {
    const id = memberByName(this.options.directory.configuration, name)?.id
    if (id === undefined) return
    if (!up) {
      this.intake.linkLost(id)
      this.driver.core.reportUnreachable(id)
    } else this.snapshots.linkUp(id)
    this.driver.wake()
  }

  /** A queue towards a peer has room again: what is waiting for it may go on. */
  drained(name: string, channel: Channel): void {
    const id = memberByName(this.options.directory.configuration, name)?.id
    if (id !== undefined && channel === 'bulk') this.snapshots.pump(id)
  }

  // ---- applying

  private applied(entry: Entry): void {
    const machine = this.applier.machine as Machine
    this.options.ports.observer?.applied(entry, machine)
    this.logClock.applied(machine.logTime)
    if (entry.index % hashInterval === 0) this.hashes.tell(entry.index, hashBytes(machine.stateHash()))
    this.members.applied(entry.index, machine.appliedTerm)
    this.flusher.noteApplied()
    this.reads.applied()
    this.watches.wake()
  }

  private flushed(): void {
    this.options.ports.metrics.set('nitrostate_disk_durable_applied_index', this.flusher.durable.index)
    this.applier.resume()
    this.compactor.run(this.flusher.durable.index, this.snapshots.neededFrom)
  }

  // ---- snapshots and repair

  /** Another machine is in place: go on with what it knows. */
  private exchanged(machine: Machine, repaired: boolean): void {
    const { appliedIndex: index, appliedTerm: term } = machine
    this.members.jumpedTo(index, repaired)
    this.options.ports.observer?.loaded(machine)
    this.configuration = decodeConfiguration(machine.configuration)
    this.proposals.jumpedTo(index, term)
    this.logClock.jumped(machine.logTime, this.isLeader)
    if (index >= this.restoringTo) this.restoringTo = 0
    this.applier.resume()
    this.reads.applied()
    this.watches.wake()
    this.configured(index, term)
  }

  /** The member table is another now. Ids rise with the log, so one that could know this node and does not has lost it. */
  configured(index: number, term: number): void {
    const { configuration, parts } = this
    this.options.directory.applied(index, configuration)
    this.options.events.configured({ index, term, configuration })
    this.linkMembers()
    this.changed()
    this.driver.wake()
    if (configuration.nextId <= parts.raftId || memberById(configuration, parts.raftId) !== undefined) return
    this.fail(new NitroError('Removed', `${this.selfName} was removed from the cluster`))
  }

  /** The address book is another now. */
  linkMembers(): void {
    this.options.links.setPeers(this.options.directory.configuration.members)
    this.options.links.review()
  }

  // ---- life

  /** Resolves at the next change of role, leader, configuration or readiness. */
  nextChange(): Promise<void> {
    return this.signal.next()
  }

  changed(): void {
    this.signal.fire()
    this.options.events.changed()
  }

  private fail(error: unknown): void {
    if (this.stopped) return
    if (isNitroError(error, 'StateDamaged') && !this.repairing) {
      this.exchange.repair(error).then(
        () => {
          if (this.isLeader) this.members.handOver()
          this.changed()
        },
        (next: unknown) => this.options.events.fatal(next),
      )
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
    this.intake.failAll(closed)
    this.members.failAll(closed)
    this.watches.stop(closed)
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
