/** The client: a store, programs and cluster operations over one connection at a time to any of several nodes. */
import { NitroError, systemAsyncContext } from '../../base/index.ts'
import type { Program } from '../../execution/index.ts'
import type { Admin, Auth, Engine, Leases, OpenSession, ProgramsOf, RequestOptions, Store, Sync } from '../api/index.ts'
import { Sessions, createLeases, createPrograms, createStore } from '../store/index.ts'
import type { StoreEngine } from '../store/index.ts'
import { createSync } from '../sync/index.ts'
import type { EngineSync } from '../sync/index.ts'
import { CommandSession, QueryRetrier, WatchSession } from '../wire/index.ts'
import type { CallParams, CommandChannel, QueryChannel, WatchChannel } from '../wire/index.ts'
import { createAdmin } from './admin.ts'
import { createAuth } from './auth.ts'
import { Calls } from './calls.ts'
import type { CallChannel } from './calls.ts'
import { Connector } from './connector.ts'
import { ClientLogin } from './login.ts'
import { checkOptions } from './options.ts'
import type { ClientSettings, ConnectOptions } from './options.ts'
import { readStream } from './stream.ts'

/** A connected client. It reconnects by itself; requests made meanwhile wait until their deadline. */
export interface Client<List extends readonly Program[] = readonly []> {
  readonly store: Store
  readonly leases: Leases
  /** Opens a session: a lease that is kept alive until it is closed, and that tells when it can't be. */
  readonly session: OpenSession
  /** Locks, elections and their kin. */
  readonly sync: Sync
  /** Calls of programs by name, and those of `defineProgram` with their types. */
  readonly programs: ProgramsOf<List>
  readonly admin: Admin
  /** Users, roles and permissions. */
  readonly auth: Auth
  readonly engine: Engine
  /** The address it is connected to now; empty while it is not. */
  readonly endpoint: string
  /** Rejects what is under way with `Closed`, ends the session and the connection. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Connects to a cluster through any of its nodes.
 * Throws `Unavailable` naming each endpoint and its reason when none answered in time, the refusal itself when every one
 * refused for good (`WrongCluster`, `UnsupportedVersion` ...), `AuthFailed`, `NoPasswordUser` or `InvalidAuthToken` for a user that is
 * not let in, `InvalidArgument`, or `signal.reason`.
 */
export async function connect<const List extends readonly Program[] = readonly []>(
  options: ConnectOptions<List>,
): Promise<Client<List>> {
  const client = new RemoteClient<List>(checkOptions(options), options.programs)
  try {
    await client.connected()
  } catch (error) {
    await client.close()
    throw error
  }
  return client
}

class RemoteClient<List extends readonly Program[]> implements Client<List> {
  readonly store: Store
  readonly leases: Leases
  readonly session: OpenSession
  readonly sync: EngineSync
  readonly programs: ProgramsOf<List>
  readonly admin: Admin
  readonly auth: Auth
  readonly engine: Engine
  private readonly settings: ClientSettings
  private readonly connector: Connector
  private readonly commands: CommandSession
  private readonly sessions: Sessions
  private readonly queries: QueryRetrier
  private readonly watches: WatchSession
  private readonly calls: Calls
  private readonly streams = new AbortController()
  private onUp: () => void = () => undefined
  private onRoundFailed: () => void = () => undefined
  private onRefused: (error: NitroError) => void = () => undefined
  private readonly login: ClientLogin | undefined
  private closing: Promise<void> | undefined

  constructor(settings: ClientSettings, programs: List | undefined) {
    this.settings = settings
    const { credentials } = settings
    const login = credentials && new ClientLogin(settings, credentials)
    this.login = login
    this.connector = new Connector(settings, {
      up: () => this.up(),
      roundFailed: () => this.onRoundFailed(),
      login: login && ((connection) => login.on(connection)),
      loginRefused: (error) => this.onRefused(error),
    })
    const channel = remoteChannel(this.connector)
    const common = { ...settings.ports, defaultTimeoutMs: settings.timeoutMs }
    this.commands = new CommandSession({ ...common, channel, caller: () => login?.principal })
    this.queries = new QueryRetrier({ ...common, channel })
    this.watches = new WatchSession({ ...settings.ports, channel })
    this.calls = new Calls(channel, common)
    this.engine = {
      command: (program, method, args, options) =>
        login === undefined
          ? this.commands.command(program, method, args, options)
          : this.asUser('change', options, (given) => this.commands.command(program, method, args, given)),
      query: (program, method, args, options) =>
        login === undefined
          ? this.queries.query(program, method, args, options)
          : this.asUser('read', options, (given) => this.queries.query(program, method, args, given)),
      watch: (request, listener) => this.watches.watch(request, listener),
    }
    const commandAs: StoreEngine['commandAs'] = (program, method, args, options, read) =>
      login === undefined
        ? this.commands.commandAs(program, method, args, options, read)
        : this.asUser('change', options, (given) => this.commands.commandAs(program, method, args, given, read))
    this.store = createStore({ ...this.engine, commandAs }, common)
    this.leases = createLeases(this.engine, settings.ports.scheduler)
    this.sessions = new Sessions({ ...settings.ports, leases: this.leases })
    this.session = this.sessions.open
    const { engine, session } = this
    this.sync = createSync({ ...settings.ports, engine, session, context: systemAsyncContext })
    this.programs = createPrograms<List>(this.engine, programs)
    this.auth = createAuth({
      read: (method, params, options) =>
        this.asUser('read', options, (given) => this.calls.read(method, params, given)),
      change: (method, params, options) =>
        this.asUser('change', options, (given) => this.calls.change(method, params, given)),
    })
    this.admin = createAdmin(this.calls, (method, params, options) => this.stream(method, params, options))
  }

  /** Runs a request as the user that is logged in; without one, just so. */
  private asUser<T>(
    kind: 'read' | 'change',
    options: RequestOptions | undefined,
    run: (options: RequestOptions | undefined) => Promise<T>,
  ): Promise<T> {
    return this.login === undefined
      ? run(options)
      : this.login.request(kind, options, () => this.connector.current, run)
  }

  get endpoint(): string {
    return this.connector.current?.address ?? ''
  }

  /** Resolves when the first endpoint has answered. */
  connected(): Promise<void> {
    const { signal, connectTimeoutMs, ports } = this.settings
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        timer.cancel()
        signal?.removeEventListener('abort', abort)
        this.onUp = () => undefined
        this.onRoundFailed = () => undefined
        this.onRefused = () => undefined
        settle()
      }
      const abort = (): void => end(() => reject(signal?.reason))
      const timer = ports.scheduler.after(connectTimeoutMs, () => end(() => reject(this.connector.unavailable())))
      if (signal?.aborted === true) return abort()
      signal?.addEventListener('abort', abort)
      this.onUp = () => end(resolve)
      this.onRoundFailed = () => {
        const refusal = this.connector.permanentRefusal()
        if (refusal !== undefined) end(() => reject(refusal))
      }
      this.onRefused = (error) => end(() => reject(error))
      void this.connector.dial()
    })
  }

  private up(): void {
    this.onUp()
    this.commands.retryNow()
    this.queries.retryNow()
    this.watches.retryNow()
    this.calls.retryNow()
  }

  private async *stream(
    method: string,
    params: CallParams,
    options: RequestOptions = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { timeoutMs } = options
    const signal =
      options.signal === undefined ? this.streams.signal : AbortSignal.any([options.signal, this.streams.signal])
    signal.throwIfAborted()
    const connection = this.connector.current
    if (connection === undefined) throw this.connector.unavailable()
    const session = await this.connector.openSession(connection.address, signal).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error
    })
    // A session of its own, on which nobody is logged in.
    const asked = { ...params, token: this.login?.token }
    yield* readStream({ session, scheduler: this.settings.ports.scheduler, method, params: asked, signal, timeoutMs })
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  private shutDown(): Promise<void> {
    this.streams.abort(new NitroError('Closed', 'the client was closed'))
    this.sync.close()
    this.sessions.close()
    this.commands.close()
    this.queries.close()
    this.watches.close()
    this.calls.close()
    return this.connector.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Whatever connection there is now; without one every request fails at once, certain not to have happened. */
function remoteChannel(connector: Connector): CommandChannel & QueryChannel & CallChannel & WatchChannel {
  return {
    submit(command, done, tag) {
      const connection = connector.current
      if (connection === undefined) done.failed(tag, connector.unavailable())
      else connection.submit(command, done, tag)
    },
    submitParts(from, start, end, args, done, tag) {
      const connection = connector.current
      if (connection === undefined) done.failed(tag, connector.unavailable())
      else connection.submitParts(from, start, end, args, done, tag)
    },
    query(program, method, args, consistency, timeoutMs, done, tag) {
      const connection = connector.current
      if (connection === undefined) done.failed(tag, connector.unavailable())
      else connection.query(program, method, args, consistency, timeoutMs, done, tag)
    },
    call(method, params, done, tag) {
      const connection = connector.current
      if (connection === undefined) done.failed(tag, connector.unavailable())
      else connection.call(method, params, done, tag)
    },
    watch: (request, sink) => connector.current?.watch(request, sink) ?? connector.unavailable(),
  }
}
