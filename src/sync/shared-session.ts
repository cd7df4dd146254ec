/**
 * Sessions that many share: one for each time to live, opened when first needed and closed when long unused.
 *
 * Sharing is safe because an acquisition has an id of its own: two of one session never become one grant.
 */
import { NitroError } from '../../base/index.ts'
import type { Timer } from '../../base/index.ts'
import type { Session } from '../api/index.ts'
import { checkMs } from './names.ts'
import { timeToLiveMs } from './options.ts'
import type { SyncPorts } from './ports.ts'

/** Learns, once, that its session is over. */
type OnLost = (reason: unknown) => void

/** A session and those who hold or wait by it. One listener serves them all. */
export class SharedSession {
  readonly session: Session
  /** How often it was used. */
  uses = 0
  private readonly users = new Set<OnLost>()
  private readonly idle: () => void

  constructor(session: Session, idle: () => void) {
    this.session = session
    this.idle = idle
    session.signal.addEventListener('abort', () => {
      const users = [...this.users]
      this.users.clear()
      for (const lost of users) lost(session.signal.reason)
    })
  }

  get isAlive(): boolean {
    const { state } = this.session
    return state === 'held' || state === 'uncertain'
  }

  get isIdle(): boolean {
    return this.users.size === 0
  }

  /** Calls `lost` if the session ends before the returned function is called. */
  use(lost: OnLost): () => void {
    const user: OnLost = (reason) => lost(reason)
    this.users.add(user)
    this.uses++
    return () => {
      if (this.users.delete(user) && this.users.size === 0) this.idle()
    }
  }
}

/** The sessions of one node or client that are shared without being asked for. */
export class SessionPool {
  private readonly ports: SyncPorts
  private readonly opened = new Map<number, Promise<SharedSession>>()
  private readonly given = new WeakMap<Session, SharedSession>()
  private readonly idle = new Map<SharedSession, Timer>()
  private closed = false

  constructor(ports: SyncPorts) {
    this.ports = ports
  }

  /** The session for a time to live, or the one given. Throws what opening one throws, `LockLost` for a given one that is over. */
  async get(ttl: number | undefined, given: Session | undefined): Promise<SharedSession> {
    if (this.closed) throw new NitroError('Closed', 'the node or client was closed')
    if (given !== undefined) return this.wrap(given)
    const ttlMs = checkMs(ttl, 'ttl', 1) ?? timeToLiveMs
    for (;;) {
      const opening = this.opened.get(ttlMs) ?? this.open(ttlMs)
      const shared = await opening
      if (shared.isAlive) return shared
      this.forget(ttlMs, opening)
    }
  }

  /** Its lease is gone, though the session has not noticed: the next one gets another. */
  async drop(shared: SharedSession): Promise<void> {
    for (const [ttlMs, opening] of this.opened) {
      if ((await opening.catch(() => undefined)) === shared) this.forget(ttlMs, opening)
    }
  }

  /** Opens none any more. */
  close(): void {
    this.closed = true
    for (const timer of this.idle.values()) timer.cancel()
    this.idle.clear()
  }

  private wrap(session: Session): SharedSession {
    const shared = this.given.get(session) ?? new SharedSession(session, () => undefined)
    this.given.set(session, shared)
    if (shared.isAlive) return shared
    throw new NitroError('LockLost', 'the session is over', { cause: session.signal.reason })
  }

  private open(ttlMs: number): Promise<SharedSession> {
    const opening = this.ports.session({ ttl: ttlMs }).then((session) => {
      const closeLater = (): void => this.closeWhenUnused(shared, ttlMs, () => this.forget(ttlMs, opening))
      const shared = new SharedSession(session, closeLater)
      closeLater()
      return shared
    })
    this.opened.set(ttlMs, opening)
    opening.catch(() => this.forget(ttlMs, opening))
    return opening
  }

  private forget(ttlMs: number, opening: Promise<SharedSession>): void {
    if (this.opened.get(ttlMs) === opening) this.opened.delete(ttlMs)
  }

  /** One timer a session: locks come and go more often than it fires. */
  private closeWhenUnused(shared: SharedSession, ttlMs: number, closing: () => void): void {
    if (this.closed || this.idle.has(shared)) return
    const { uses } = shared
    const check = (): void => {
      this.idle.delete(shared)
      if (!shared.isIdle || !shared.isAlive) return
      if (shared.uses !== uses) return this.closeWhenUnused(shared, ttlMs, closing)
      closing()
      void shared.session[Symbol.asyncDispose]()
    }
    this.idle.set(shared, this.ports.scheduler.after(Math.min(ttlMs, 60_000), check))
  }
}
