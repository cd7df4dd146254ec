/**
 * A replica: one data directory, one identity, and what becomes of it.
 *
 * It opens the directory, finds out who it is, gets a configuration (by forming a cluster, by joining one, or because it
 * has one), and then is a group member until it is closed or can't go on. Links exist from the first moment; commands and
 * reads are answered with `NotBootstrapped` until there is a group.
 */
import { NitroError, emptyBytes, isNitroError, messageOf } from '../../base/index.ts'
import type { Caller, ProgramSet } from '../../execution/index.ts'
import { protocolVersions, verifyPeer } from '../../net/index.ts'
import type { Hello, Session } from '../../net/index.ts'
import type { Consistency } from '../api/index.ts'
import { frameKinds } from '../wire/index.ts'
import type { CommandOwner } from '../wire/index.ts'
import { decodeFacts, encodeFacts } from './bootstrap.ts'
import type { BootstrapFacts } from './bootstrap.ts'
import { ChangeSignal } from './change-signal.ts'
import { Directory, decodeExtra, decodeTable, encodeExtra } from './directory.ts'
import { Bootstrap, askToJoin } from './formation.ts'
import { Group } from './group.ts'
import type { GroupParts } from './group-types.ts'
import { Links } from './links.ts'
import { OwnOffer, offerOf } from './offers.ts'
import { judgeMember } from './membership.ts'
import { resolveOptions } from './options.ts'
import type { ReplicaOptions, ReplicaSettings } from './options.ts'
import type { Channel } from './outbox.ts'
import type { ReplicaPorts } from './ports.ts'
import { Vault } from './vault.ts'

const startIdBytes = 16

/** One node's part in the cluster. */
export class Replica {
  readonly options: ReplicaOptions
  readonly ports: ReplicaPorts
  /** Random per process start; binds links and read ids to it. */
  readonly startId: Uint8Array
  /** What this node can run. */
  readonly own: OwnOffer
  readonly vault: Vault
  readonly links: Links
  /** Settles when the replica ends: undefined after `close`, otherwise why it could not go on. */
  readonly stopped: Promise<NitroError | undefined>
  group: Group | undefined
  private directory: Directory | undefined
  readonly startedMs: number
  private bootstrap: Bootstrap | undefined
  private settle!: (error: NitroError | undefined) => void
  private ending: Promise<void> | undefined
  private readonly signal = new ChangeSignal()
  /** The reason each peer gave last for refusing this node; asked again and again, it is logged once. */
  private readonly refusals = new Map<string, string>()

  /**
   * Opens the data directory and begins to form, join or run. Throws `InvalidArgument`, `IdentityLost`, `LogDamaged`,
   * `DirectoryUnusable`, `DirectoryLocked`, `DiskFull`. A damaged state is no error: it is fetched from a peer.
   */
  static async open(settings: ReplicaSettings, ports: ReplicaPorts): Promise<Replica> {
    const options = resolveOptions(settings)
    const vault = await Vault.open(options, ports)
    const replica = new Replica(options, ports, vault)
    try {
      await replica.begin()
    } catch (error) {
      await replica.close()
      throw error
    }
    return replica
  }

  private constructor(options: ReplicaOptions, ports: ReplicaPorts, vault: Vault) {
    this.options = options
    this.ports = ports
    this.vault = vault
    this.startId = ports.random.bytes(startIdBytes)
    this.own = new OwnOffer(options)
    this.startedMs = ports.clock.monotonicMs()
    this.stopped = new Promise((resolve) => (this.settle = resolve))
    this.links = new Links(options.name, ports, {
      hello: (channel) => this.hello(channel),
      judge: (theirs) => this.judge(theirs),
      changed: (name, up) => {
        if (up) this.refusals.delete(name)
        if (!up) this.bootstrap?.forget(name)
        else if (this.bootstrap !== undefined) this.tellFacts()
        this.group?.linkChanged(name, up)
      },
      message: (name, channel, kind, payload) => this.message(name, channel, kind, payload),
      drained: (name, channel) => this.group?.drained(name, channel),
      refused: (name, error) => this.refused(name, error),
    })
  }

  // ---- becoming a member

  private async begin(): Promise<void> {
    const { identity } = this.vault
    const { peers, join } = this.options
    if (identity.stage === 'member') {
      this.run(await this.vault.openMember())
    } else if (join.length > 0 || identity.stage === 'joining') {
      this.join().catch((error: unknown) => this.fatal(error))
    } else {
      // Known before the door opens: a peer that met us earlier would hear half of our facts, and we would drop its own.
      const seed = await this.vault.seedDigest()
      this.form(peers, seed).catch((error: unknown) => this.fatal(error))
    }
  }

  private async form(peers: Readonly<Record<string, string>>, seed: string): Promise<void> {
    const { logger } = this.ports
    const { identity } = this.vault
    if (this.ending !== undefined) return
    this.bootstrap = new Bootstrap({
      self: { name: identity.name, incarnation: identity.incarnation, address: this.options.address },
      founders: identity.bootstrap ?? [],
      peers,
      seed,
      logger,
      saveIntent: (founders) => this.vault.saveIntent(founders),
      tell: () => this.tellFacts(),
    })
    this.links.setPeers(Object.entries(peers).map(([name, address]) => ({ name, address })))
    this.tellFacts()
    this.bootstrap.decide()
    const founders = await this.bootstrap.done
    if (this.ending !== undefined) return
    const parts = await this.vault.form(founders)
    this.run(parts)
    this.tellFacts()
    this.bootstrap = undefined
    logger.info({ members: founders.map((one) => one.name) }, 'cluster formed')
  }

  private async join(): Promise<void> {
    const { identity } = this.vault
    if (identity.stage === 'new') await this.vault.saveJoining()
    if (this.options.join.length === 0) {
      throw new NitroError('InvalidArgument', 'this data directory was made to join a cluster: give join again')
    }
    const request = {
      name: identity.name,
      incarnation: identity.incarnation,
      address: this.options.address,
      target: this.options.target,
      machine: this.own.machine,
      offer: this.own.bytes,
    }
    const admission = await askToJoin(
      this.ports,
      this.startId,
      this.options.join,
      request,
      () => this.ending !== undefined,
    )
    if (this.ending !== undefined) return
    this.run(await this.vault.admit(admission.configuration, admission.id))
    this.ports.logger.info({ id: admission.id }, 'admitted to the cluster')
  }

  private run(parts: GroupParts): void {
    if (this.ending !== undefined) return
    const { name, incarnation } = this.vault.identity
    this.directory = new Directory(name, incarnation, parts.position)
    this.group = new Group(parts, {
      selfName: this.options.name,
      startId: this.startId,
      ports: this.ports,
      timing: this.options.timing,
      sizes: this.options.sizes,
      links: this.links,
      directory: this.directory,
      newMachine: (readBlock) => this.vault.newMachine(readBlock),
      events: {
        configured: (copy) => this.vault.rememberMembership(copy),
        changed: () => this.changed(),
        fatal: (error) => this.fatal(error),
      },
    })
    this.group.start()
    this.changed()
  }

  // ---- handshakes

  private facts(): BootstrapFacts {
    if (this.bootstrap !== undefined && this.group === undefined) return this.bootstrap.current
    const { name, incarnation, stage, bootstrap } = this.vault.identity
    return { name, incarnation, address: this.options.address, stage, peers: '', founders: bootstrap ?? [] }
  }

  private tellFacts(): void {
    const payload = encodeFacts(this.facts())
    for (const name of Object.keys(this.options.peers)) this.links.send(name, 'control', frameKinds.bootstrap, payload)
  }

  /** What this node says of itself when it meets a peer. */
  hello(channel: Channel | 'client'): Hello {
    const { identity } = this.vault
    return {
      protocolMin: protocolVersions.min,
      protocolMax: protocolVersions.max,
      role: channel === 'client' ? 'client' : 'peer',
      channel,
      clusterId: identity.clusterId ?? emptyBytes,
      name: identity.name,
      incarnation: identity.incarnation,
      startId: this.startId,
      address: this.options.address,
      formatMin: 1,
      formatMax: 1,
      flags: [this.own.machine],
      extra: encodeExtra(encodeFacts(this.facts()), this.directory, this.own.bytes),
    }
  }

  /** Whether a peer may be linked with. Hears its bootstrap facts on the way. */
  judge(theirs: Hello): NitroError | undefined {
    const { identity } = this.vault
    const wrong = verifyPeer(this.hello('control'), theirs)
    if (wrong !== undefined) return wrong
    if (theirs.name === identity.name) {
      return new NitroError('DuplicateName', `two processes call themselves ${identity.name}`)
    }
    const unable = this.judgeOffer(theirs.name, theirs.flags, offerOf(theirs))
    if (unable !== undefined) return unable
    if (this.group === undefined || this.directory === undefined) return this.judgeWhileForming(theirs)
    this.hearTable(this.group, this.directory, theirs)
    return judgeMember(this.directory.configuration, theirs.name, theirs.incarnation)
  }

  /** A peer of this cluster says who is in it: it may know better. */
  private hearTable(group: Group, directory: Directory, theirs: Hello): void {
    try {
      const table = decodeTable(decodeExtra(theirs.extra).table)
      if (table === undefined || !directory.heard(table)) return
      // Links are changed when this handshake is over, not in the middle of it.
      this.ports.scheduler.endOfTurn(() => {
        if (this.ending === undefined) group.linkMembers()
      })
    } catch (error) {
      if (!isNitroError(error)) throw error
      this.ports.logger.warn({ peer: theirs.name, code: error.code }, 'unreadable member table in a hello')
    }
  }

  /** Whether a process has what a member needs now. */
  judgeOffer(name: string, machines: readonly string[], offer: ProgramSet): NitroError | undefined {
    return this.own.judge(name, machines, offer, this.group?.applier.machine?.activation.active)
  }

  private judgeWhileForming(theirs: Hello): NitroError | undefined {
    if (!Object.hasOwn(this.options.peers, theirs.name) && this.options.join.length === 0) {
      return new NitroError('MemberUnknown', `${theirs.name} is not among the peers of ${this.options.name}`)
    }
    try {
      this.bootstrap?.hear(decodeFacts(decodeExtra(theirs.extra).facts))
      return undefined
    } catch (error) {
      return isNitroError(error) ? error : new NitroError('MalformedFrame', messageOf(error))
    }
  }

  private refused(name: string, error: NitroError): void {
    if (this.refusals.get(name) !== error.code) {
      this.refusals.set(name, error.code)
      this.ports.logger.warn({ peer: name, code: error.code, reason: error.message }, 'refused by a peer')
    }
    if (this.group === undefined) {
      if (error.code === 'IdentityLost' || error.code === 'Removed') this.bootstrap?.fail(error)
      return
    }
    // A peer that lags behind may not know this member yet; what the log removed stays removed.
    if (error.code === 'Removed') this.fatal(error)
  }

  /** Takes an accepted peer session whose hello was judged. */
  adoptPeer(session: Session): void {
    const { channel } = session.remote
    // A peer of channel client only wanted to know whether it is welcome.
    if (channel === 'client') session.close()
    else this.links.adopt(session, channel)
  }

  private message(name: string, channel: Channel, kind: number, payload: Uint8Array): void {
    try {
      if (kind === frameKinds.bootstrap) this.bootstrap?.hear(decodeFacts(payload))
      else this.group?.message(name, kind, payload)
    } catch (error) {
      if (!isNitroError(error)) return this.fatal(error)
      this.ports.logger.warn({ peer: name, channel, kind, code: error.code }, 'bad message from a peer')
    }
  }

  // ---- serving

  /** Puts an encoded command on its way to the log; `owner` hears exactly once. */
  submit(command: Uint8Array, owner: CommandOwner, tag: number): void {
    if (this.group === undefined) owner.failed(tag, this.notThereYet())
    else this.group.intake.submit(command, owner, tag)
  }

  /** Runs a query for a caller, who is who it says; `owner` hears exactly once. */
  query(
    program: string,
    method: string,
    args: Uint8Array,
    consistency: Consistency,
    timeoutMs: number,
    owner: CommandOwner,
    tag: number,
    caller: Caller = 'owner',
  ): void {
    if (this.group === undefined) owner.failed(tag, this.notThereYet())
    else this.group.intake.query(program, method, args, consistency, timeoutMs, owner, tag, caller)
  }

  /** What this node waits for before it is ready; empty when it is. */
  get waitingFor(): string {
    const { group } = this
    if (this.ready) return ''
    if (group === undefined) return this.notThereYet().message
    if (group.repairing) return 'waiting for a peer to send its state'
    return group.leaderId === 0 ? 'no leader is known: is a majority of members up?' : 'waiting for the first entries'
  }

  /** Why there is no group. */
  notThereYet(): NitroError {
    if (this.ending !== undefined) return new NitroError('Closed', 'the node is stopping', { retryable: true })
    const waiting = this.bootstrap?.waitingFor ?? 'waiting to be admitted'
    return new NitroError('NotBootstrapped', `this node has no configuration yet (${waiting})`)
  }

  // ---- life

  /** Whether it is closing or has ended. */
  get ended(): boolean {
    return this.ending !== undefined
  }

  /** Whether it has state and applies, and knows a leader. A member just admitted has nothing until its first snapshot. */
  get ready(): boolean {
    const { group } = this
    if (group === undefined || this.ending !== undefined) return false
    return (group.applier.machine?.appliedIndex ?? 0) > 0 && group.leaderId !== 0
  }

  /** Resolves at the next change of role, leader, members or readiness. */
  nextChange(): Promise<void> {
    return this.signal.next()
  }

  private changed(): void {
    this.signal.fire()
  }

  private fatal(error: unknown): void {
    if (this.ending !== undefined) return
    const reason = isNitroError(error) ? error : new NitroError('DataCorrupt', messageOf(error), { cause: error })
    this.ports.logger.error({ code: reason.code, reason: reason.message }, 'this node cannot go on')
    void this.end(reason)
  }

  private end(reason: NitroError | undefined): Promise<void> {
    this.ending ??= this.shutDown().then(
      () => this.settle(reason),
      (error: unknown) => {
        this.ports.logger.error({ reason: messageOf(error) }, 'the shutdown met an error')
        this.settle(reason ?? (isNitroError(error) ? error : new NitroError('DiskFailed', messageOf(error))))
      },
    )
    return this.ending
  }

  private async shutDown(): Promise<void> {
    this.changed()
    this.bootstrap?.fail(new NitroError('Closed', 'the node was closed while forming the cluster'))
    this.links.close()
    try {
      await this.group?.stop()
    } finally {
      await this.vault.close(this.group === undefined)
    }
    this.changed()
  }

  /** Hands leadership over if it has it, flushes, and stops. */
  async close(options: { readonly transfer?: boolean } = {}): Promise<void> {
    if (this.ending === undefined && options.transfer !== false && this.group?.isLeader === true) {
      await this.group.members.transfer(undefined).catch((error: unknown) => {
        this.ports.logger.debug({ reason: messageOf(error) }, 'stopping without a handover')
      })
    }
    await this.end(undefined)
  }
}
