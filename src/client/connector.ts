/**
 * Keeps a client connected to one node at a time: dials, dials again after a loss, moves to the leader when told
 * where it is, and away from a node that knows none to one that does. All nodes of one client belong to one cluster; another
 * cluster's node is refused (`WrongCluster`).
 */
import { emptyBytes, equalBytes, isNitroError, messageOf, NitroError } from '../../base/index.ts'
import type { Timer } from '../../base/index.ts'
import { clientHello, isPermanentRefusal } from '../../net/index.ts'
import type { Hello, Session } from '../../net/index.ts'
import type { LeaderHint } from '../wire/index.ts'
import { Connection } from './connection.ts'
import { dialAny, dialOne, shuffled } from './dialing.ts'
import type { Dialed, DialPlan } from './dialing.ts'
import { isRefusedLogin } from './login.ts'
import type { ClientSettings } from './options.ts'

/** For each address: connection and handshake, each. */
const dialTimeoutMs = 2_000
/** After a round in which no endpoint answered: doubling pauses between these bounds, with jitter. */
const pauseMinMs = 50
const pauseMaxMs = 1_000
/** A hinted leader that could not be reached, or was the same node under another name, is not dialed again for this long. */
const hintPauseMs = 5_000

/** How long a node may know no leader before another is asked whether it does; twice as long after each that does not. */
const leaderlessMinMs = 2_000
const leaderlessMaxMs = 30_000
/** Nodes say at once who leads. */
const hintTimeoutMs = 1_000

/** What a connector tells its owner. */
export interface ConnectorEvents {
  /** Requests can be sent. */
  up(connection: Connection): void
  /** A round of dialing failed at every endpoint; another follows. */
  roundFailed(): void
  /** Logs in on a connection before it is used. Not given: there is nobody to log in as. */
  readonly login?: ((connection: Connection) => Promise<void>) | undefined
  /** A node did not let this user in. */
  loginRefused?(error: NitroError): void
}

/** Owner of the client's connections. */
export class Connector {
  /** Takes requests now; undefined between connections. */
  current: Connection | undefined
  private readonly settings: ClientSettings
  private readonly events: ConnectorEvents
  private readonly startId: Uint8Array
  private readonly stopping = new AbortController()
  /** Why each endpoint did not answer when it was last dialed. */
  private readonly reasons = new Map<string, NitroError>()
  private unavailableNow: NitroError | undefined
  private readonly fruitlessHints = new Map<string, number>()
  private readonly connections = new Set<Connection>()
  private clusterId: Uint8Array = emptyBytes
  private hinted = ''
  private readonly hintsBefore = new WeakMap<Connection, LeaderHint>()
  /** Who waits for the first hint of a connection that is not in use yet. */
  private readonly awaited = new Map<Connection, () => void>()
  private leaderless: Timer | undefined
  private leaderlessRounds = 0
  /** The endpoint whose connection ended last. */
  private left = ''
  private dialing = false
  private rounds = 0
  private pause: Timer | undefined
  private whenEmpty: (() => void) | undefined

  constructor(settings: ClientSettings, events: ConnectorEvents) {
    this.settings = settings
    this.events = events
    this.startId = settings.ports.random.bytes(16)
  }

  /** Why no endpoint can be reached, naming each. The same object until something changes: many requests fail with it. */
  unavailable(): NitroError {
    this.unavailableNow ??= this.describeUnavailable()
    return this.unavailableNow
  }

  private note(address: string, reason: NitroError | undefined): void {
    if (reason === undefined) this.reasons.delete(address)
    else this.reasons.set(address, reason)
    this.unavailableNow = undefined
  }

  private describeUnavailable(): NitroError {
    const { endpoints } = this.settings
    const lines = endpoints.map((address) => {
      const reason = this.reasons.get(address)
      return `${address}: ${reason === undefined ? 'no answer yet' : `${reason.code}, ${reason.message}`}`
    })
    return new NitroError('Unavailable', `no endpoint can be reached; ${lines.join('; ')}`, {
      executed: 'no',
      details: { endpoints: lines },
    })
  }

  /** The refusal to report when dialing again would not help: every endpoint refused for good. */
  permanentRefusal(): NitroError | undefined {
    const reasons = this.settings.endpoints.map((address) => this.reasons.get(address))
    const first = reasons[0]
    return first !== undefined && reasons.every((one) => one !== undefined && isPermanentRefusal(one))
      ? first
      : undefined
  }

  /** Dials until a connection is up. Never rejects. */
  async dial(): Promise<void> {
    if (this.dialing || this.stopping.signal.aborted) return
    this.dialing = true
    const dialed = await dialAny(this.plan(this.preferred()))
    let connection: Connection | undefined
    if (this.stopping.signal.aborted) dialed?.session.close()
    else if (dialed !== undefined) {
      const prepared = this.prepare(dialed)
      connection = prepared instanceof Connection ? prepared : await prepared
    }
    this.dialing = false
    if (connection !== undefined) this.adopt(connection)
    else if (!this.stopping.signal.aborted) {
      this.dialLater()
      this.events.roundFailed()
    }
  }

  /** Endpoints in random order, the one that was lost last at the end. */
  private preferred(): string[] {
    const order = shuffled(this.settings.endpoints, this.settings.ports.random)
    const at = order.indexOf(this.left)
    if (at >= 0) order.push(...order.splice(at, 1))
    return order
  }

  private dialLater(): void {
    const { scheduler, random } = this.settings.ports
    const boundMs = Math.min(pauseMaxMs, pauseMinMs * 2 ** Math.min(this.rounds++, 10))
    const jitter = 0.5 + random.u32() / 2 ** 33
    this.pause?.cancel()
    this.pause = scheduler.after(boundMs * jitter, () => void this.dial())
  }

  private plan(addresses: readonly string[]): DialPlan {
    const { ports, name, logger } = this.settings
    return {
      transport: ports.transport,
      scheduler: ports.scheduler,
      addresses,
      timeoutMs: dialTimeoutMs,
      hello: { ...clientHello(name, this.startId), clusterId: this.clusterId },
      verify: (theirs) => this.verify(theirs),
      signal: this.stopping.signal,
      failed: (address, error) => {
        this.note(address, error)
        logger.debug({ address, code: error.code, error: error.message }, 'endpoint did not answer')
      },
    }
  }

  private verify(theirs: Hello): NitroError | undefined {
    const known = this.clusterId.length > 0 && theirs.clusterId.length > 0
    if (!known || equalBytes(this.clusterId, theirs.clusterId)) return undefined
    return new NitroError('WrongCluster', `${theirs.name} belongs to another cluster than this client was connected to`)
  }

  /** Opens a further session to an address, for a stream of its own. Throws what dialing throws. */
  openSession(address: string, signal: AbortSignal): Promise<Session> {
    return dialOne(this.plan([address]), address, signal)
  }

  /** The connection of a new session, with the user logged in on it if there is one; undefined when that did not come to be. */
  private prepare({ address, session }: Dialed): Connection | Promise<Connection | undefined> {
    const { ports } = this.settings
    const connection = new Connection(address, session, ports.scheduler, {
      leaderHint: (from, hint) => this.followHint(from, hint),
      closed: (from, error) => this.lost(from, error),
    })
    if (session.remote.clusterId.length > 0) this.clusterId = session.remote.clusterId
    this.note(address, undefined)
    this.rounds = 0
    this.connections.add(connection)
    const { login } = this.events
    if (login === undefined) return connection
    connection.start()
    return this.logIn(connection, login)
  }

  /** Takes a connection into use. */
  private adopt(connection: Connection): void {
    const before = this.current
    this.current = connection
    this.settings.logger.debug({ address: connection.address, node: connection.session.remote.name }, 'connected')
    this.leaderless?.cancel()
    before?.retire()
    connection.start()
    if (this.current === connection) this.events.up(connection)
    const hint = this.hintsBefore.get(connection)
    if (hint !== undefined) this.followHint(connection, hint)
  }

  private async logIn(
    connection: Connection,
    login: (connection: Connection) => Promise<void>,
  ): Promise<Connection | undefined> {
    try {
      await login(connection)
      if (this.connections.has(connection) && !this.stopping.signal.aborted) return connection
    } catch (thrown) {
      const error = isNitroError(thrown) ? thrown : new NitroError('Unavailable', messageOf(thrown), { cause: thrown })
      this.note(connection.address, error)
      this.settings.logger.warn(
        { address: connection.address, code: error.code, error: error.message },
        'not logged in',
      )
      if (isRefusedLogin(error)) this.events.loginRefused?.(error)
    }
    connection.close()
    return undefined
  }

  private lost(connection: Connection, error: NitroError | undefined): void {
    this.connections.delete(connection)
    if (this.stopping.signal.aborted) {
      if (this.connections.size === 0) this.whenEmpty?.()
      return
    }
    this.awaited.get(connection)?.()
    if (this.current !== connection) return
    this.leaderless?.cancel()
    this.current = undefined
    const { address } = connection
    this.left = address
    this.note(address, error ?? new NitroError('ConnectionClosed', 'the node closed the connection'))
    this.settings.logger.warn({ address, code: error?.code, error: error?.message }, 'connection lost')
    // A node that hangs up at once must not be dialed in a tight loop.
    if (connection.answered) void this.dial()
    else this.dialLater()
  }

  private followHint(from: Connection, hint: LeaderHint): void {
    if (from !== this.current) {
      // It comes first of all, before the user is logged in.
      this.hintsBefore.set(from, hint)
      this.awaited.get(from)?.()
      return
    }
    const { followLeader, endpoints } = this.settings
    this.leaderless?.cancel()
    if (hint.leader !== '') this.leaderlessRounds = 0
    else if (followLeader && !hint.leaving && endpoints.length > 1) this.leaveLater(from)
    if (
      followLeader &&
      hint.leader !== '' &&
      hint.leader !== from.address &&
      hint.leader !== from.session.remote.address
    ) {
      void this.moveTo(from, hint.leader)
    } else if (hint.leaving) {
      this.current = undefined
      this.left = from.address
      from.retire()
      void this.dial()
    }
  }

  /** A node that is cut off from the others says nothing wrong, and can do nothing: who can reach others need not wait with it. */
  private leaveLater(from: Connection): void {
    const { scheduler, random } = this.settings.ports
    this.leaderless?.cancel()
    const boundMs = Math.min(leaderlessMinMs * 2 ** Math.min(this.leaderlessRounds++, 10), leaderlessMaxMs)
    this.leaderless = scheduler.after(boundMs * (0.75 + random.u32() / 2 ** 33), () => void this.leave(from))
  }

  /** Moves to a node that knows a leader, if there is one; what was under way here is asked for again there. */
  private async leave(from: Connection): Promise<void> {
    const elsewhere = this.preferred().filter((address) => address !== from.address)
    const dialed = await dialAny(this.plan(elsewhere))
    const connection = dialed && (await this.prepare(dialed))
    const leader = connection && (await this.leaderBy(connection))
    // Perhaps this one has heard of a leader meanwhile.
    const wanted = this.current === from && this.leaderlessRounds > 0 && !this.stopping.signal.aborted
    if (wanted && connection !== undefined && leader !== undefined && leader !== '') {
      this.adopt(connection)
      from.close()
      return
    }
    connection?.close()
    if (wanted) this.leaveLater(from)
  }

  /** What a node says of who leads: empty if it knows nobody, undefined if it says nothing. */
  private leaderBy(connection: Connection): Promise<string | undefined> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        this.awaited.delete(connection)
        resolve(this.hintsBefore.get(connection)?.leader)
      }
      const timer = this.settings.ports.scheduler.after(hintTimeoutMs, end)
      this.awaited.set(connection, end)
      connection.start()
      if (this.hintsBefore.has(connection)) end()
    })
  }

  /** Connects to the leader beside the connection in use, which goes on until the new one is there. */
  private async moveTo(from: Connection, address: string): Promise<void> {
    const nowMs = this.settings.ports.clock.monotonicMs()
    if (this.hinted === address || nowMs < (this.fruitlessHints.get(address) ?? 0)) return
    this.hinted = address
    const dialed = await dialAny(this.plan([address]))
    if (this.hinted === address) this.hinted = ''
    if (dialed === undefined) {
      this.fruitlessHints.set(address, nowMs + hintPauseMs)
      return
    }
    const current = this.current
    const same = current !== undefined && sameProcess(current.session, dialed.session)
    if (same) this.fruitlessHints.set(address, nowMs + hintPauseMs)
    if (same || this.stopping.signal.aborted || (current !== undefined && current !== from)) {
      dialed.session.close()
      return
    }
    const prepared = this.prepare(dialed)
    const connection = prepared instanceof Connection ? prepared : await prepared
    if (connection === undefined) return
    if (this.current === undefined || this.current === from) this.adopt(connection)
    else connection.close()
  }

  /** Closes every connection after sending what has gathered; resolves when they are gone, or after a second. */
  close(): Promise<void> {
    this.stopping.abort()
    this.pause?.cancel()
    this.leaderless?.cancel()
    for (const end of [...this.awaited.values()]) end()
    this.current = undefined
    if (this.connections.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = this.settings.ports.scheduler.after(1_000, resolve)
      this.whenEmpty = () => {
        timer.cancel()
        resolve()
      }
      for (const connection of this.connections) connection.close()
    })
  }
}

function sameProcess(a: Session, b: Session): boolean {
  return equalBytes(a.remote.startId, b.remote.startId)
}
