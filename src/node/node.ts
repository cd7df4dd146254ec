/**
 * The Node: what users open. It joins a replica with the listening port, the local engine and the interfaces over it.
 */
import {
  NitroError,
  messageOf,
  silentLogger,
  silentMetrics,
  systemAsyncContext,
  systemClock,
  systemRandom,
  systemScheduler,
} from '../../base/index.ts'
import type { Program } from '../../execution/index.ts'
import { acceptSession, wsTransport } from '../../net/index.ts'
import type { Link } from '../../net/index.ts'
import type {
  Admin,
  Engine,
  Leases,
  NodeAuth,
  NodePosition,
  NodeStatus,
  OpenSession,
  Principal,
  ProgramsOf,
  ReadOptions,
  RequestOptions,
  Store,
  Sync,
} from '../api/index.ts'
import { Replica } from '../replica/index.ts'
import type { ReplicaPorts, ReplicaSizes } from '../replica/index.ts'
import { MemoryFiles, MemoryKvFactory, levelFactory, nodeCrypto, nodeFiles, nodeSecrets } from '../storage/index.ts'
import { Sessions, createLeases, createPrograms, createStore, holderMs } from '../store/index.ts'
import type { UpdatePorts } from '../store/index.ts'
import { createSync } from '../sync/index.ts'
import type { EngineSync } from '../sync/index.ts'
import { CommandSession, QueryRetrier, WatchSession, checkTimeout } from '../wire/index.ts'
import { AdminService } from './admin-service.ts'
import { LocalAuth } from './auth/node-auth.ts'
import { ActingNode } from './auth/node-for.ts'
import type { NodeFor } from './auth/node-for.ts'
import { ClientPort } from './client-port.ts'
import { Door } from './door.ts'
import { localAdmin } from './local-admin.ts'
import { LocalWatches } from './local-watches.ts'
import { methodGuard, strictMethodGuard } from './method-guard.ts'
import { checkOptions } from './options.ts'
import type { NodeOptions } from './options.ts'

/** A running node. */
export interface Node<List extends readonly Program[] = readonly []> extends AsyncDisposable {
  readonly store: Store
  readonly leases: Leases
  /** Opens a session: a lease that is kept alive until it is closed, and that tells when it can't be. */
  readonly session: OpenSession
  /** Locks, elections and their kin. */
  readonly sync: Sync
  /** Calls of programs by name, and those of `defineProgram` with their types. */
  readonly programs: ProgramsOf<List>
  readonly admin: Admin
  /** Users, roles and permissions; and tokens for users. */
  readonly auth: NodeAuth
  readonly engine: Engine
  /**
   * The same interfaces on behalf of somebody: while permissions are in force, every request is checked for that principal. Those of
   * the node itself belong to the owner of the process, who may do everything.
   */
  as(principal: Principal): NodeFor<List>
  /** The bound `host:port`; empty without `listen`. */
  readonly address: string
  status(): NodeStatus
  /** A few facts of {@link status}, cheap enough to be asked for with every answer. */
  position(): NodePosition
  /** Resolves when the node has state and knows a leader. Rejects with why it stopped instead. */
  ready(options?: RequestOptions): Promise<void>
  /** Settles when the node has ended: undefined after `close`, otherwise the reason. */
  readonly stopped: Promise<NitroError | undefined>
  /** Hands leadership over (unless `transfer` is false), flushes and stops. */
  close(options?: { readonly transfer?: boolean }): Promise<void>
}

const handshakeTimeoutMs = 3_000
/** In memory nothing is gained by zeroing large segments ahead. */
const memorySizes: Partial<ReplicaSizes> = { logSegmentBytes: 256 << 10 }
const defaultTickMs = 50
const defaultTimeoutMs = 10_000
const defaultTokenTtlMs = 3_600_000

/**
 * Opens a node: in memory without options, durable with `dataDir`, a cluster member with `peers` or `join`. Resolves when
 * its port is open and its data is read; `ready()` tells when it serves. Throws `InvalidArgument`, `AddressInUse`,
 * `InsecureAddress`, `IdentityLost`, `LogDamaged`, `DirectoryUnusable`, `DirectoryLocked`, `DiskFull`.
 */
export async function openNode<const List extends readonly Program[] = readonly []>(
  options: NodeOptions<List> = {},
): Promise<Node<List>> {
  checkOptions(options)
  // Before anything is opened: what throws later would leave a running replica that nobody can close.
  const timeoutMs = checkTimeout(options.timeoutMs ?? defaultTimeoutMs)
  if (options.dataDir === '')
    throw new NitroError('InvalidArgument', 'dataDir is empty; leave it out for a node in memory')
  const ports = portsOf(options)
  const needsPort = options.peers !== undefined || options.join !== undefined
  if (needsPort && options.listen === undefined) {
    throw new NitroError('InvalidArgument', 'listen: a member of a cluster needs an address to listen on')
  }
  const door = new Door(ports)
  if (options.listen !== undefined) await door.open(options.listen)
  try {
    const tickMs = options.tickMs ?? defaultTickMs
    const replica = await Replica.open(
      {
        name: options.name ?? 'node',
        dataDir: options.dataDir ?? 'memory',
        address: options.advertise ?? (door.address || 'local:0'),
        peers: options.peers,
        join: options.join,
        learner: options.learner,
        programs: options.programs,
        checkPrograms: options.checkPrograms,
        limits: options.limits,
        timing: { tickMs, electionTicks: Math.max(3, Math.round((options.electionTimeoutMs ?? 10 * tickMs) / tickMs)) },
        sizes: { ...(options.dataDir === undefined ? memorySizes : {}), ...options.sizes },
      },
      ports,
    )
    return new RunningNode<List>(replica, ports, door, options, timeoutMs)
  } catch (error) {
    await door.close()
    throw error
  }
}

function portsOf(options: NodeOptions): ReplicaPorts {
  const scheduler = options.ports?.scheduler ?? systemScheduler
  const clock = options.ports?.clock ?? systemClock
  const memory = options.dataDir === undefined
  const given = options.ports ?? {}
  const memoryFiles = new MemoryFiles()
  return {
    clock,
    scheduler,
    random: given.random ?? systemRandom,
    files: given.files ?? (memory ? memoryFiles : nodeFiles),
    kv: given.kv ?? (memory ? new MemoryKvFactory(memoryFiles) : levelFactory),
    crypto: given.crypto ?? nodeCrypto,
    transport:
      given.transport ?? wsTransport({ scheduler, ...insecureOf(options), ...httpOf(options), ...http2Of(options) }),
    logger: options.logger ?? given.logger ?? silentLogger,
    metrics: options.metrics ?? given.metrics ?? silentMetrics,
    hooks: given.hooks,
    observer: given.observer,
    secrets: given.secrets,
    guard: given.guard ?? (options.checkPrograms === true ? strictMethodGuard : methodGuard),
  }
}

const insecureOf = (options: NodeOptions): { insecure?: boolean } =>
  options.insecure === undefined ? {} : { insecure: options.insecure }

const httpOf = (options: NodeOptions): { http?: NonNullable<NodeOptions['http']> } =>
  options.http === undefined ? {} : { http: options.http }

const http2Of = (options: NodeOptions): { http2?: NonNullable<NodeOptions['http2']> } =>
  options.http2 === undefined ? {} : { http2: options.http2 }

class RunningNode<List extends readonly Program[]> implements Node<List> {
  readonly store: Store
  readonly leases: Leases
  readonly session: OpenSession
  readonly sync: EngineSync
  readonly programs: ProgramsOf<List>
  readonly admin: Admin
  readonly auth: LocalAuth
  readonly engine: Engine
  readonly address: string
  readonly stopped: Promise<NitroError | undefined>
  private readonly replica: Replica
  private readonly ports: ReplicaPorts
  private readonly door: Door
  private readonly service: AdminService
  private readonly clients = new Set<ClientPort>()
  private readonly commands: CommandSession
  private readonly sessions: Sessions
  private readonly reader: QueryRetrier
  private readonly watches: WatchSession
  private readonly list: List | undefined
  private readonly acting = new WeakMap<Principal, NodeFor<List>>()
  private readonly timing: UpdatePorts
  private readonly syncs = new Set<EngineSync>()
  private leaderAddress = ''

  constructor(replica: Replica, ports: ReplicaPorts, door: Door, options: NodeOptions<List>, timeoutMs: number) {
    const { programs, authTokenTtlMs: tokenTtlMs = defaultTokenTtlMs } = options
    this.replica = replica
    this.ports = ports
    this.door = door
    this.address = door.address
    this.service = new AdminService(replica, () => this.auth.memberToken())
    const { clock, scheduler, random } = ports
    const timing = { clock, scheduler, random, defaultTimeoutMs: timeoutMs }
    this.timing = timing
    // Before permissions are in force a command that says nothing is shorter, and older members can read it.
    this.commands = new CommandSession({
      ...timing,
      channel: replica,
      caller: (needed) => (needed || this.auth.enabled ? 'owner' : undefined),
    })
    this.reader = new QueryRetrier({ ...timing, channel: replica })
    this.watches = new WatchSession({ ...timing, channel: new LocalWatches(() => replica.group?.watches) })
    this.engine = {
      command: (program, method, args, options) => this.commands.command(program, method, args, options),
      query: (program, method, args, options?: ReadOptions) => this.reader.query(program, method, args, options),
      watch: (request, listener) => this.watches.watch(request, listener),
    }
    this.store = createStore(this.engine, timing)
    this.leases = createLeases(this.engine, scheduler)
    this.sessions = new Sessions({ leases: this.leases, clock, scheduler, holderMs })
    this.session = this.sessions.open
    const { engine, session } = this
    this.sync = createSync({ engine, session, clock, scheduler, random, holderMs, context: systemAsyncContext })
    this.programs = createPrograms<List>(this.engine, programs)
    this.admin = localAdmin(this.service)
    this.list = programs
    this.auth = new LocalAuth({
      ...{ replica, engine, random, tokenTtlMs, secrets: ports.secrets ?? nodeSecrets },
      engineFor: (principal) => this.as(principal).engine,
    })
    this.stopped = replica.stopped.then(async (reason) => {
      await this.shut(reason)
      return reason
    })
    door.attend((link) => this.accept(link))
    void this.followLeader()
  }

  private accept(link: Link): void {
    const { scheduler, logger } = this.ports
    acceptSession(link, {
      scheduler,
      timeoutMs: handshakeTimeoutMs,
      answer: (theirs) => {
        if (theirs.role === 'client') return this.replica.hello('client')
        return this.replica.judge(theirs) ?? this.replica.hello(theirs.channel)
      },
    }).then(
      (session) => {
        if (session.remote.role === 'peer') {
          this.replica.adoptPeer(session)
          return
        }
        const port = new ClientPort(session, {
          replica: this.replica,
          admin: this.service,
          auth: this.auth,
          scheduler,
          logger,
          closed: (one) => {
            this.clients.delete(one)
            this.countClients()
          },
        })
        this.clients.add(port)
        this.countClients()
      },
      (error: unknown) => logger.debug({ remote: link.remote, reason: messageOf(error) }, 'handshake failed'),
    )
  }

  as(principal: Principal): NodeFor<List> {
    let acting = this.acting.get(principal)
    if (acting === undefined) this.acting.set(principal, (acting = this.actingFor(principal)))
    return acting
  }

  private actingFor(principal: Principal): NodeFor<List> {
    const { auth, commands, watches, session, admin, list: programs, reader: queries } = this
    const { clock, scheduler, random } = this.ports
    const sync = (engine: Engine): Sync => {
      const made = createSync({ engine, session, clock, scheduler, random, holderMs, context: systemAsyncContext })
      this.syncs.add(made)
      return made
    }
    const maker = auth.credentials
    return new ActingNode({
      principal,
      auth,
      maker,
      commands,
      queries,
      watches,
      timing: this.timing,
      session,
      admin,
      sync,
      programs,
    })
  }

  private countClients(): void {
    this.ports.metrics.set('nitrostate_server_connections', this.clients.size)
  }

  private async followLeader(): Promise<void> {
    while (!this.replica.ended) {
      await this.replica.nextChange()
      const address = this.service.leaderAddress()
      if (address === this.leaderAddress) continue
      this.leaderAddress = address
      for (const client of this.clients) client.tellLeader(false)
    }
  }

  status(): NodeStatus {
    return this.service.status()
  }

  position(): NodePosition {
    return this.service.position()
  }

  async ready(options: RequestOptions = {}): Promise<void> {
    const { clock, scheduler } = this.ports
    const { signal } = options
    const untilMs = options.timeoutMs === undefined ? Infinity : clock.monotonicMs() + checkTimeout(options.timeoutMs)
    while (!this.replica.ready) {
      signal?.throwIfAborted()
      if (this.replica.ended) {
        throw (await this.stopped) ?? new NitroError('Closed', 'the node was closed')
      }
      const leftMs = untilMs - clock.monotonicMs()
      if (leftMs <= 0)
        throw new NitroError('Timeout', `the node is not ready: ${this.replica.waitingFor}`, { executed: 'no' })
      await new Promise<void>((resolve) => {
        const timer = scheduler.after(Math.min(leftMs, 1_000), () => wake())
        const wake = (): void => {
          timer.cancel()
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        signal?.addEventListener('abort', wake)
        void this.replica.nextChange().then(wake)
      })
    }
  }

  private async shut(reason: NitroError | undefined): Promise<void> {
    this.sync.close()
    for (const sync of this.syncs) sync.close()
    this.sessions.close()
    this.commands.close()
    this.reader.close()
    this.watches.close()
    // Whoever asked this node to take itself out hears from it that it is done.
    await this.service.answered()
    // Not the reason itself: what is wrong with this node is not wrong with those who asked it something.
    const why = reason === undefined ? 'the node is stopping' : `the node has ended: ${reason.message}`
    for (const client of this.clients) client.close(new NitroError('Closed', why, { retryable: true }))
    await this.door.close()
  }

  async close(options: { readonly transfer?: boolean } = {}): Promise<void> {
    for (const client of this.clients) client.tellLeader(true)
    await this.replica.close(options)
    await this.stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
