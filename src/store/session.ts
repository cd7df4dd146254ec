/**
 * Sessions: leases that are kept alive, and an owner that knows in time when it can no longer be sure.
 *
 * The cluster counts a lease from the moment its leader stamps a renewal, by clocks that may run fast by ρ. The owner knows only when
 * it first sent the renewal, which is before that, and its own clock may run slow by ρ. So after a renewal that was sent at t
 * and acknowledged, however late and after however many attempts, it owns the lease until
 *
 *     t + ttl (1 − ρ) / (1 + ρ) − 2 ρ heartbeat − 1 ms
 *
 * by its monotonic clock: the heartbeat is by how much two leaders' times may differ, and stamps are whole milliseconds. A renewal that
 * fails proves nothing; one that is answered "no such lease" ends it. Once past the bound it stays lost, even if an
 * acknowledgement comes that would have saved it: somebody may have looked in between.
 */
import { NitroError, isNitroError, timerMsMax } from '../../base/index.ts'
import type { Clock, Scheduler, Timer } from '../../base/index.ts'
import type { Leases, OpenSession, RequestOptions, Session, SessionOptions, SessionState } from '../api/index.ts'

/** By how much a clock may run fast or slow. */
const maxClockSkew = 0.01
/** A leader's time reaches the others this often. */
const heartbeatMs = 50
const defaultTtlMs = 10_000

/** How long after a renewal was sent its owner may rely on it, in milliseconds of its own clock. */
export type HolderMs = (ttlMs: number) => number

/** The bound for clocks that run fast or slow by `skew`, and leaders that tell their time every `beatMs`. */
export function holderBound(skew: number, beatMs: number): HolderMs {
  return (ttlMs) => (ttlMs * (1 - skew)) / (1 + skew) - 2 * skew * beatMs - 1
}

/** That of the product. */
export const holderMs: HolderMs = holderBound(maxClockSkew, heartbeatMs)

/** What sessions stand on. */
export interface SessionPorts {
  readonly leases: Leases
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly holderMs: HolderMs
}

/** The sessions of one node or client. */
export class Sessions {
  private readonly ports: SessionPorts
  private readonly sessions = new Set<HeldSession>()
  private closed = false

  constructor(ports: SessionPorts) {
    this.ports = ports
  }

  readonly open: OpenSession = async (options: SessionOptions = {}) => {
    const { leases, clock } = this.ports
    const { id, timeoutMs, signal, ttl = defaultTtlMs } = options
    const sentMs = clock.monotonicMs()
    const granted = await leases.grant({ ttl, id, timeoutMs, signal })
    const session = new HeldSession(this.ports, granted.id, granted.ttlMs, sentMs, () => this.sessions.delete(session))
    // The grant may have taken longer than the lease is sure to live.
    if (session.leftMs === 0) await session.first({ timeoutMs, signal })
    if (this.closed) throw closedError()
    signal?.throwIfAborted()
    this.sessions.add(session)
    session.start(signal)
    return session
  }

  /** No renewal can be sent any more: every session is lost. */
  close(): void {
    this.closed = true
    for (const session of this.sessions) session.end('lost', closedError())
  }
}

class HeldSession implements Session {
  readonly lease: number
  readonly ttlMs: number
  private readonly leases: Leases
  private readonly clock: Clock
  private readonly scheduler: Scheduler
  private readonly holderMs: HolderMs
  private readonly gone: () => void
  private readonly controller = new AbortController()
  /** When the newest acknowledged renewal was sent first. */
  private sentMs: number
  private ended: 'lost' | 'closed' | undefined
  private renewTimer: Timer | undefined
  private boundTimer: Timer | undefined
  private outer: AbortSignal | undefined
  private closing: Promise<void> | undefined

  constructor(
    { leases, clock, scheduler, holderMs: bound }: SessionPorts,
    lease: number,
    ttlMs: number,
    sentMs: number,
    gone: () => void,
  ) {
    this.leases = leases
    this.clock = clock
    this.scheduler = scheduler
    this.holderMs = bound
    this.lease = lease
    this.ttlMs = ttlMs
    this.sentMs = sentMs
    this.gone = gone
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  private get boundMs(): number {
    return this.sentMs + this.holderMs(this.ttlMs)
  }

  get leftMs(): number {
    return this.ended === undefined ? Math.max(0, this.boundMs - this.clock.monotonicMs()) : 0
  }

  get state(): SessionState {
    if (this.ended !== undefined) return this.ended
    const leftMs = this.boundMs - this.clock.monotonicMs()
    if (leftMs <= 0) {
      // Said once, it holds: an answer that is read later changes nothing. The signal follows with its timer.
      this.ended = 'lost'
      return 'lost'
    }
    return leftMs <= this.holderMs(this.ttlMs) / 3 ? 'uncertain' : 'held'
  }

  throwIfLost(): void {
    const { state } = this
    if (state === 'held' || state === 'uncertain') return
    throw this.signal.aborted ? this.signal.reason : this.lostError()
  }

  /** Renews a lease that was granted too late to be relied on. Throws `LeaseLost` if that is too late as well. */
  async first(options: RequestOptions): Promise<void> {
    const sentMs = this.clock.monotonicMs()
    await this.leases.keepAlive(this.lease, options).catch((error: unknown) => {
      throw isNitroError(error, 'LeaseNotFound') ? this.lostError() : error
    })
    this.sentMs = sentMs
    if (this.leftMs === 0) throw this.lostError()
  }

  start(signal: AbortSignal | undefined): void {
    this.outer = signal
    signal?.addEventListener('abort', this.aborted)
    this.planRenewal(this.sentMs + this.holderMs(this.ttlMs) / 3)
    this.watchBound()
  }

  private readonly aborted = (): void => {
    this.end('closed', this.outer?.reason)
    void this[Symbol.asyncDispose]()
  }

  private planRenewal(atMs: number): void {
    const delayMs = Math.max(0, atMs - this.clock.monotonicMs())
    this.renewTimer = this.scheduler.after(Math.min(delayMs, timerMsMax), () => {
      if (delayMs > timerMsMax) this.planRenewal(atMs)
      else this.renew()
    })
  }

  /** Each renewal is a command of its own, with its own time; one under way is not waited for. */
  private renew(): void {
    const sentMs = this.clock.monotonicMs()
    this.planRenewal(sentMs + this.holderMs(this.ttlMs) / 3)
    this.leases.keepAlive(this.lease, { timeoutMs: Math.min(this.ttlMs, timerMsMax) }).then(
      () => this.acknowledged(sentMs),
      (error: unknown) => this.refused(error),
    )
  }

  private acknowledged(sentMs: number): void {
    if (this.state === 'held' || this.state === 'uncertain') this.sentMs = Math.max(this.sentMs, sentMs)
  }

  private refused(error: unknown): void {
    if (isNitroError(error, 'LeaseNotFound')) this.end('lost', this.lostError(error))
  }

  /** Fires at the bound; renewals that came meanwhile have moved it. */
  private watchBound(): void {
    const leftMs = this.boundMs - this.clock.monotonicMs()
    if (leftMs <= 0 || this.ended !== undefined) this.end('lost', this.lostError())
    else this.boundTimer = this.scheduler.after(Math.min(leftMs, timerMsMax), () => this.watchBound())
  }

  /** Ends it, once. */
  end(as: 'lost' | 'closed', reason: unknown): void {
    if (this.signal.aborted) return
    this.ended ??= as
    this.renewTimer?.cancel()
    this.boundTimer?.cancel()
    this.outer?.removeEventListener('abort', this.aborted)
    this.gone()
    this.controller.abort(reason)
  }

  private lostError(cause?: unknown): NitroError {
    const message =
      cause === undefined
        ? `lease ${this.lease} was not renewed in time`
        : `lease ${this.lease} is over: it was revoked, or has expired`
    return new NitroError('LeaseLost', message, { details: { lease: this.lease }, cause })
  }

  close(options: RequestOptions = {}): Promise<void> {
    this.end('closed', new NitroError('Closed', 'the session was closed'))
    this.closing ??= this.revoke(options)
    return this.closing
  }

  private async revoke(options: RequestOptions): Promise<void> {
    try {
      // After its time to live the lease has ended by itself.
      await this.leases.revoke(this.lease, { timeoutMs: Math.min(this.ttlMs, timerMsMax), ...options })
    } catch (error) {
      if (!isNitroError(error, 'LeaseNotFound')) throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => undefined)
  }
}

function closedError(): NitroError {
  return new NitroError('Closed', 'the node or client was closed')
}
