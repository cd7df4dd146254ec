/** Leases, and sessions: leases that are kept alive. Times to live are in milliseconds of log time. */
import type { ReadOptions, RequestOptions } from './engine.ts'

/** Options of {@link Leases.grant}. */
export interface LeaseGrantOptions extends RequestOptions {
  /** How long it lives without renewal, in milliseconds; at least a second, a shorter one is raised to it. */
  readonly ttl: number
  /** The id it is to have. Default: the machine chooses. */
  readonly id?: number | undefined
}

/** A lease as it was granted. */
export interface GrantedLease {
  readonly id: number
  /** The time to live it got; it may be longer than what was asked for. */
  readonly ttlMs: number
}

/** What a revoke answers. */
export interface RevokeResult {
  /** The revision after it; a lease without keys takes none. */
  readonly revision: number
  /** Keys that were deleted with it. */
  readonly deleted: number
}

/** Options of {@link Leases.timeToLive}. */
export interface TimeToLiveOptions extends ReadOptions {
  /** With the attached keys. */
  readonly keys?: boolean | undefined
}

/** What is known of a lease. */
export interface TimeToLive {
  readonly id: number
  /** The whole time to live. */
  readonly grantedMs: number
  /** What is left of it, as far as the answering node knows: an estimate. */
  readonly remainingMs: number
  /** How many keys are attached. */
  readonly keyCount: number
  /** The attached keys in byte order; empty unless asked for. */
  readonly keys: readonly Uint8Array[]
  /** Whether keys were left out, because they are more than one answer holds. */
  readonly more: boolean
}

/** Leases: lifetimes that keys are attached to with the option `lease` of a write. */
export interface Leases {
  /** Makes a lease. Throws `LeaseExists`, `LimitExceeded`, `InvalidArgument`, and what {@link Engine.command} throws. */
  grant(options: LeaseGrantOptions): Promise<GrantedLease>
  /** Starts its time anew; resolves with its time to live. All of one turn are one command. Throws `LeaseNotFound`. */
  keepAlive(id: number, options?: RequestOptions): Promise<number>
  /** Ends it and deletes its keys in one revision. Throws `LeaseNotFound`. */
  revoke(id: number, options?: RequestOptions): Promise<RevokeResult>
  /** Throws `LeaseNotFound`. */
  timeToLive(id: number, options?: TimeToLiveOptions): Promise<TimeToLive>
  /** The ids of all leases, rising. */
  list(options?: ReadOptions): Promise<readonly number[]>
}

/** Options of a session. */
export interface SessionOptions extends RequestOptions {
  /** How long the cluster waits for a silent owner, in milliseconds; at least a second. Default 10,000. */
  readonly ttl?: number | undefined
  /** The id its lease is to have. Default: the machine chooses. */
  readonly id?: number | undefined
  /** Aborts the opening; later it closes the session. */
  readonly signal?: AbortSignal | undefined
}

/**
 * What the owner may rely on at this moment.
 *  - `held`       the lease is there, and renewals are answered
 *  - `uncertain`  the lease is there, but two renewals in a row have not been answered
 *  - `lost`       it is over, or may be: too long without an answer, revoked, or the node or client was closed. Final.
 *  - `closed`     ended by {@link Session.close}. Final.
 */
export type SessionState = 'held' | 'uncertain' | 'lost' | 'closed'

/**
 * A lease that is kept alive as long as the session is open. It tells its owner, by the owner's own monotonic clock, before the
 * cluster can have ended it. Nothing is thrown but by calls.
 */
export interface Session extends AsyncDisposable {
  /** The id of its lease, for the option `lease` of writes. */
  readonly lease: number
  /** The time to live of the lease. */
  readonly ttlMs: number
  /** By the clock at this moment. */
  readonly state: SessionState
  /** How long it is surely held if no further renewal is answered, in milliseconds; 0 when it is not held. */
  readonly leftMs: number
  /**
   * Aborts when the session is lost or closed; its reason is a NitroError `LeaseLost` or `Closed`, or that of the signal it was opened
   * with. A timer fires it: in an event loop that is blocked it comes late, but `state` never does.
   */
  readonly signal: AbortSignal
  /** Throws the reason of `signal` unless the session is held. */
  throwIfLost(): void
  /** Aborts `signal` and revokes the lease, so that its keys go at once. Throws what the revoke throws, except `LeaseNotFound`. */
  close(options?: RequestOptions): Promise<void>
  /** As `close`, but never rejects: if the lease can't be revoked, it ends by its time. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Opens a session. Throws what {@link Leases.grant} throws, `Closed`, or `signal.reason`. */
export type OpenSession = (options?: SessionOptions) => Promise<Session>
