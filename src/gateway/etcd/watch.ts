/** The Watch service: one stream, many watchers. */
import type { Engine } from '../../api/index.ts'
import type { Backend } from './backend.ts'
import type { DuplexCall } from './call.ts'
import { duplex, service } from './methods.ts'
import type { Method } from './methods.ts'
import type { Decoded, Encodable } from './schema/index.ts'
import { Watcher, noWatcher, watchRequestOf } from './watcher.ts'

/** A watch call. */
export type WatchCall = DuplexCall<Decoded<'WatchRequest'>, Encodable<'WatchResponse'>>

/** Options of {@link watchService}. */
export interface WatchOptions {
  /** Silence after which a watcher that asked for it is told how far it is. */
  readonly progressMs: number
}

/** Methods of `etcdserverpb.Watch`. */
export function watchService(backend: Backend, options: WatchOptions): readonly Method[] {
  return service('etcdserverpb.Watch', [
    duplex('Watch', ['WatchRequest', 'WatchResponse'], ['/v3/watch'], async (call) => {
      const { engine } = await backend.nodeFor(call)
      await new WatchStream(backend, engine, call, options).run()
    }),
  ])
}

/** One stream. */
class WatchStream {
  private readonly backend: Backend
  private readonly engine: Engine
  private readonly call: WatchCall
  private readonly options: WatchOptions
  private readonly watchers = new Map<number, Watcher>()
  private nextId = 0
  /** Watchers that have not said how far they are since the caller asked; undefined when it does not ask. */
  private behind: Set<Watcher> | undefined
  /** The least that one of them said. */
  private reached = Infinity

  constructor(backend: Backend, engine: Engine, call: WatchCall, options: WatchOptions) {
    this.backend = backend
    this.engine = engine
    this.call = call
    this.options = options
  }

  /** Serves the stream until the caller ends it. */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { call } = this
      call.signal.addEventListener('abort', () => {
        this.closeAll()
        resolve()
      })
      call.receive({
        message: (message) => {
          try {
            this.message(message)
          } catch (error) {
            this.closeAll()
            reject(error)
          }
        },
        // The caller has said all it wants to say, and still listens.
        end: () => {
          if (this.watchers.size === 0) resolve()
        },
      })
    })
  }

  private message({ create_request, cancel_request, progress_request }: Decoded<'WatchRequest'>): void {
    if (create_request !== null) this.create(create_request)
    else if (cancel_request !== null) this.cancel(cancel_request.watch_id)
    else if (progress_request !== null) this.askProgress()
  }

  private create(request: Decoded<'WatchCreateRequest'>): void {
    const { backend, call } = this
    const id = this.idFor(request.watch_id)
    const wish = id === undefined ? duplicateId : watchRequestOf(request, this.options)
    if (id === undefined || typeof wish === 'string') {
      const cancel_reason = typeof wish === 'string' ? wish : duplicateId
      call.send({ header: backend.header(), watch_id: noWatcher, created: true, canceled: true, cancel_reason })
      return
    }
    const watcher = new Watcher(id, request, {
      header: (storeRevision) => backend.header(storeRevision),
      call,
      progress: (revision) => this.progressed(watcher, revision),
      over: () => this.over(watcher),
    })
    this.watchers.set(id, watcher)
    watcher.start(this.engine, wish)
  }

  /** The id that a watcher gets: the one it asks for, if nobody has it, or the next free one. */
  private idFor(wish: number): number | undefined {
    if (wish !== 0) return this.watchers.has(wish) || !Number.isSafeInteger(wish) ? undefined : wish
    while (this.watchers.has(this.nextId)) this.nextId++
    return this.nextId++
  }

  private cancel(id: number): void {
    const watcher = this.watchers.get(id)
    if (watcher === undefined) return
    watcher.cancel()
    this.over(watcher)
  }

  /** One answer for all: when each watcher has said that it has everything up to some revision. */
  private askProgress(): void {
    if (this.behind !== undefined) return
    if (this.watchers.size === 0) {
      this.call.send({ header: this.backend.header(), watch_id: noWatcher })
      return
    }
    this.behind = new Set(this.watchers.values())
    this.reached = Infinity
    for (const watcher of this.behind) watcher.requestProgress()
  }

  private progressed(watcher: Watcher, revision: number): void {
    if (this.behind?.delete(watcher) !== true) {
      if (watcher.wantsProgress) {
        this.call.send({ header: this.backend.header(revision), watch_id: watcher.id })
      }
      return
    }
    // A watcher of what is to come is no further than the store.
    this.reached = Math.min(this.reached, revision, this.backend.position().revision)
    this.answerProgress()
  }

  private answerProgress(): void {
    if (this.behind?.size !== 0) return
    this.behind = undefined
    if (this.reached === Infinity) return
    this.call.send({ header: this.backend.header(this.reached), watch_id: noWatcher })
  }

  private over(watcher: Watcher): void {
    this.watchers.delete(watcher.id)
    if (this.behind?.delete(watcher) === true) this.answerProgress()
  }

  private closeAll(): void {
    for (const watcher of this.watchers.values()) watcher.close()
    this.watchers.clear()
  }
}

const duplicateId = 'mvcc: duplicate watch ID provided on the WatchStream'
