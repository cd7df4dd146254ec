/** The interfaces of a node on behalf of somebody: every request says whom it is for, so none can be forgotten. */
import { isNitroError } from '../../../base/index.ts'
import { anonymous } from '../../../execution/index.ts'
import type { Caller, Principal, Program } from '../../../execution/index.ts'
import type {
  Admin,
  Auth,
  Engine,
  Leases,
  OpenSession,
  ProgramsOf,
  ReadOptions,
  RequestOptions,
  Store,
  Sync,
} from '../../api/index.ts'
import { EngineAuth, createLeases, createPrograms, createStore } from '../../store/index.ts'
import type { CredentialMaker, UpdatePorts } from '../../store/index.ts'
import type { CommandSession, QueryRetrier, WatchSession } from '../../wire/index.ts'
import { guardedAdmin } from './guarded-admin.ts'
import type { LocalAuth } from './node-auth.ts'

/** A node as one user sees it. */
export interface NodeFor<List extends readonly Program[] = readonly []> {
  readonly engine: Engine
  readonly store: Store
  readonly leases: Leases
  readonly session: OpenSession
  readonly sync: Sync
  readonly programs: ProgramsOf<List>
  readonly admin: Admin
  readonly auth: Auth
}

/** What it is made from. */
export interface NodeForOptions<List extends readonly Program[]> {
  readonly principal: Principal
  readonly auth: LocalAuth
  readonly maker: CredentialMaker
  readonly commands: CommandSession
  readonly queries: QueryRetrier
  readonly watches: WatchSession
  readonly timing: UpdatePorts
  readonly session: OpenSession
  readonly admin: Admin
  readonly sync: (engine: Engine) => Sync
  readonly programs: List | undefined
}

/** Interfaces are made when they are first asked for: most who act for somebody use one. */
export class ActingNode<List extends readonly Program[]> implements NodeFor<List> {
  readonly engine: Engine
  readonly session: OpenSession
  private readonly options: NodeForOptions<List>
  private parts: Partial<Pick<NodeFor<List>, 'store' | 'leases' | 'sync' | 'programs' | 'admin' | 'auth'>> = {}

  constructor(options: NodeForOptions<List>) {
    this.options = options
    this.session = options.session
    this.engine = engineFor(options)
  }

  get store(): Store {
    return this.part('store', () => createStore(this.engine, this.options.timing))
  }

  get leases(): Leases {
    return this.part('leases', () => createLeases(this.engine, this.options.timing.scheduler))
  }

  get sync(): Sync {
    return this.part('sync', () => this.options.sync(this.engine))
  }

  get programs(): ProgramsOf<List> {
    return this.part('programs', () => createPrograms<List>(this.engine, this.options.programs))
  }

  get admin(): Admin {
    const { admin, auth, principal } = this.options
    return this.part('admin', () => guardedAdmin(admin, () => auth.requireRoot(principal)))
  }

  get auth(): Auth {
    return this.part('auth', () => new EngineAuth(this.engine, this.options.maker))
  }

  private part<K extends keyof typeof this.parts>(name: K, make: () => NodeFor<List>[K]): NodeFor<List>[K] {
    const known = this.parts[name] as NodeFor<List>[K] | undefined
    if (known !== undefined) return known
    const made = make()
    this.parts = { ...this.parts, [name]: made }
    return made
  }
}

function engineFor<List extends readonly Program[]>(options: NodeForOptions<List>): Engine {
  const { auth, commands, queries, watches, principal } = options
  const caller = (): Caller => (auth.enabled ? auth.renewed(principal) : anonymous)
  return {
    command: (program, method, args, given?: RequestOptions) =>
      stamped(auth, given, () => commands.command(program, method, args, given, caller())),
    query: (program, method, args, given?: ReadOptions) =>
      stamped(auth, given, () => queries.query(program, method, args, given, caller())),
    watch: (request, listener) => watches.watch({ ...request, caller: principal }, listener),
  }
}

/** Runs a request; one that was stamped by a node that lagged is stamped again when it has caught up. */
function stamped<T>(auth: LocalAuth, options: RequestOptions | undefined, run: () => Promise<T>): Promise<T> {
  if (!auth.enabled) return run()
  return run().catch(async (error: unknown) => {
    if (!isNitroError(error, 'AuthOldRevision') || error.executed !== 'no') throw error
    await auth.reach(Number(error.details['authRevision']), options)
    return run()
  })
}
