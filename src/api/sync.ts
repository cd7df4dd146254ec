/** Locks, elections and what else members of a cluster agree on. Times are in milliseconds. */
import type { ReadOptions, RequestOptions } from './engine.ts'
import type { Session } from './leases.ts'
import type { BytesLike } from './store.ts'
import type { Condition } from './txn.ts'

/** Options of everything that has a name. */
export interface NameOptions extends RequestOptions {
  /** Keeps the names of applications apart. Default: the empty one. */
  readonly namespace?: BytesLike | undefined
}

/** Options of an acquisition. `signal` ends the waiting, not what was granted; `timeoutMs` is that of single requests. */
export interface AcquireOptions extends NameOptions {
  /** How long the cluster waits for a silent holder; at least a second. Default 10,000. */
  readonly ttl?: number | undefined
  /** How long to wait in the queue; 0 tries once. Default: until `signal` aborts. */
  readonly wait?: number | undefined
  /** For people: who holds or waits. */
  readonly label?: string | undefined
  /** The grant ends by itself after so long, whatever its holder does. Default: never. */
  readonly maxHold?: number | undefined
  /** A session of one's own to hold it by. Default: one that all with the same `ttl` share. */
  readonly session?: Session | undefined
}

/** Options of {@link Sync.tryLock}. */
export type TryOptions = Omit<AcquireOptions, 'wait'>

/**
 * What a holder may rely on at this moment.
 *  - `held`       it is held
 *  - `uncertain`  it is held, but renewals are not being answered
 *  - `lost`       it is over, or may be. Final.
 *  - `released`   it was given back. Final.
 */
export type HoldState = 'held' | 'uncertain' | 'lost' | 'released'

/** One grant: nobody else has its token, and the next grant of the same name has a higher one. */
export interface Hold extends AsyncDisposable {
  readonly name: Uint8Array
  /** The fencing token: give it to whatever is protected, and let that refuse any lower than the highest it has seen. */
  readonly token: number
  /** The lease it is held by; 0 in memory. */
  readonly lease: number
  /** By the holder's clock at this moment. */
  readonly state: HoldState
  /**
   * Aborts when it is lost or released; the reason of a loss is a NitroError `LockLost`. A timer fires it: in an event loop that
   * is blocked it comes late, but `state` never does.
   */
  readonly signal: AbortSignal
  /** Throws `LockLost` or `NotHeld` when it is not held now. */
  throwIfLost(): void
  /** A condition for transactions of the store: holds if, at that point of the log, this grant is held. */
  guard(): Condition
}

/** A lock, one side of a read-write lock, or a permit of a semaphore. */
export interface Lock extends Hold {
  /** Gives it back; who waits next has it in the same step. Throws `NotHeld` when it was lost, and what {@link Engine.command} throws. */
  unlock(options?: RequestOptions): Promise<void>
}

/** Options of {@link Sync.leader}. */
export interface LeaderOptions extends AcquireOptions {
  /** What observers see of the leader, such as its address. Default: empty. */
  readonly value?: BytesLike | undefined
}

/** An election that was won. */
export interface Leader extends Hold {
  /** Replaces what observers see. Throws `NotHeld`, `ValueTooLarge`. */
  proclaim(value: BytesLike, options?: RequestOptions): Promise<void>
  /** Steps down; the next candidate leads in the same step. Throws as {@link Lock.unlock}. */
  resign(options?: RequestOptions): Promise<void>
}

/** A leader as others see it. */
export interface LeaderView {
  readonly token: number
  readonly value: Uint8Array
  readonly label: string
  /** When it was elected, by the wall clock of the cluster. */
  readonly sinceMs: number
  /** The value as text. */
  text(): string
}

/** Options of {@link Sync.observe}. */
export interface ObserveOptions extends NameOptions {
  /** Ends it when aborted: the iteration throws `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link Sync.semaphore}. */
export interface SemaphoreOptions extends AcquireOptions {
  /** How many may hold a permit at a time; the same for all that use the name, else `CapacityMismatch`. */
  readonly permits: number
}

/** A barrier that is raised and lifted: who comes while it is raised waits. It outlives everybody. */
export interface Barrier {
  /** Resolves with whether it was lifted before. */
  raise(options?: RequestOptions): Promise<boolean>
  /** Resolves with whether it was raised before. */
  lift(options?: RequestOptions): Promise<boolean>
  isRaised(options?: ReadOptions): Promise<boolean>
  /** Resolves when it is lifted, at once if it is. Rejects with `signal.reason`. */
  pass(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
}

/** Options of {@link Sync.enter}. */
export interface DoubleBarrierOptions extends Omit<AcquireOptions, 'wait' | 'maxHold'> {
  /** How many must have come before any goes on. */
  readonly count: number
}

/** A place within a double barrier. */
export interface Together extends Hold {
  /** Leaves, and resolves when all that were in when it opened have left or died. Rejects with `signal.reason`. */
  leave(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
}

/** Counts down to zero once; it outlives everybody. */
export interface Latch {
  /** One less; resolves with what is left. At zero it stays there. */
  countDown(options?: RequestOptions): Promise<number>
  /** What is left. */
  left(options?: ReadOptions): Promise<number>
  /** Resolves at zero. Rejects with `signal.reason`. */
  wait(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
  /** Back to the count it began with. */
  reset(options?: RequestOptions): Promise<void>
}

/** Options of {@link Sync.latch}. */
export interface LatchOptions extends NameOptions {
  readonly count: number
}

/** Options of {@link Sync.once}. */
export interface OnceOptions extends Omit<AcquireOptions, 'wait' | 'maxHold' | 'session' | 'signal'> {
  readonly name: BytesLike
  /** An interval: runs are at its multiples since 1970, so nobody's start shifts them. */
  readonly every?: number | undefined
  /** A cron expression of five or six fields, or a name such as `@daily`. */
  readonly cron?: string | undefined
  /** The time zone of `cron`, such as `Europe/Berlin`. Default: UTC. */
  readonly timeZone?: string | undefined
  /** What happens to times at which nobody ran it: `skip` them, or `run` once for all of them. Default `skip`. */
  readonly missed?: 'skip' | 'run' | undefined
  /** Gets what a run throws, and failures to reach the cluster; both end nothing. What it throws itself is dropped. */
  readonly onError?: ((error: unknown) => void) | undefined
  /** Stops it when aborted. */
  readonly signal?: AbortSignal | undefined
}

/** One run of a job. */
export interface OnceRun extends Pick<Hold, 'token' | 'signal' | 'throwIfLost' | 'guard'> {
  /** The time it was meant for, in ms since 1970. */
  readonly scheduledMs: number
}

/** A job that takes part in its schedule until it is stopped. */
export interface OnceJob extends AsyncDisposable {
  /** Whether this member is the one that runs it. */
  readonly isRunner: boolean
  /**
   * Stops; resolves when a run under way, which goes on, has ended and the next member may run it. Within a run it resolves at once.
   */
  stop(): Promise<void>
}

/** Options of {@link Sync.assign}. */
export interface AssignOptions extends Omit<AcquireOptions, 'wait' | 'maxHold' | 'session' | 'signal'> {
  readonly group: BytesLike
  /** What is shared out; the same list for all members. */
  readonly items: readonly string[]
  /** How long work on an item may take to end before the item is given to another, at most 2^31 - 1. Default 10,000. */
  readonly grace?: number | undefined
  /** Gets what work throws, and failures to reach the cluster. What it throws itself is dropped. */
  readonly onError?: ((error: unknown) => void) | undefined
  /** Leaves the group when aborted. */
  readonly signal?: AbortSignal | undefined
}

/** An item that this member owns: `signal` aborts when it is to go, or is lost. */
export interface OwnedItem extends Pick<Hold, 'token' | 'signal' | 'throwIfLost' | 'guard'> {
  readonly item: string
}

/** Membership in a group. */
export interface Assignment extends AsyncDisposable {
  /** The items that are owned now. */
  readonly owned: readonly string[]
  /** Gives everything back, each item when its work has ended or its grace is over. Within work it resolves at once. */
  leave(): Promise<void>
}

/** What a resource is used as. */
export type SyncKind =
  | 'lock'
  | 'rwlock'
  | 'semaphore'
  | 'leader'
  | 'barrier'
  | 'doubleBarrier'
  | 'latch'
  | 'once'
  | 'assign'

/** One that holds or waits. */
export interface Party {
  /** 0 while it waits. */
  readonly token: number
  readonly mode: 'exclusive' | 'shared'
  readonly label: string
  readonly lease: number
  /** When it was granted, or began to wait, by the wall clock of the cluster. */
  readonly sinceMs: number
  readonly value: Uint8Array
}

/** Options of {@link Sync.inspect}. */
export interface InspectOptions extends NameOptions, ReadOptions {
  /** Default `lock`. */
  readonly kind?: SyncKind | undefined
  /** Of a group (`assign`): one of its items. Default: its members. */
  readonly item?: string | undefined
}

/** Who holds something, and who waits for it. */
export interface Inspection {
  readonly revision: number
  readonly holders: readonly Party[]
  /** In the order in which they will have it. */
  readonly waiters: readonly Party[]
}

/** Options of {@link Sync.list}. */
export interface SyncListOptions extends ReadOptions {
  /** Default: all kinds. */
  readonly kind?: SyncKind | undefined
  /** Default: all namespaces. */
  readonly namespace?: BytesLike | undefined
  /** Names that begin so. */
  readonly prefix?: BytesLike | undefined
}

/** Something that is held or waited for. */
export interface SyncListed {
  readonly kind: SyncKind
  readonly namespace: Uint8Array
  readonly name: Uint8Array
  /** Of a group (`assign`): one of its items; undefined for its members, and for all other kinds. */
  readonly item: string | undefined
  readonly holding: number
  readonly waiting: number
  /** The one with the lowest token. */
  readonly holder: Party | undefined
}

/**
 * Everything that members agree on by holding. Queues are first come, first served. Acquisitions reject with `signal.reason`, with
 * `Timeout` (`executed: 'no'`, `details.waitMs`) when `wait` is over, `LockLost` when the session was lost meanwhile, `Reentrant` within
 * `withLock` of the same name, `LimitExceeded`, `CapacityMismatch`, `InvalidArgument`, `KeyTooLarge`, and what {@link Engine.command}
 * throws; after any of them nothing is held or waited for.
 */
export interface Sync {
  lock(name: BytesLike, options?: AcquireOptions): Promise<Lock>
  /** The lock if it is free and nobody waits, else undefined. */
  tryLock(name: BytesLike, options?: TryOptions): Promise<Lock | undefined>
  /** Runs `body` under the lock and gives it back, whatever happens. Rejects with `LockLost` if the lock was lost before `body` ended. */
  withLock<T>(name: BytesLike, body: (lock: Lock) => Promise<T> | T, options?: AcquireOptions): Promise<T>
  /** Resolves when this candidate leads. */
  leader(name: BytesLike, options?: LeaderOptions): Promise<Leader>
  /** The leader now, then after every change; undefined while there is none. A slow reader sees the latest, not each. */
  observe(name: BytesLike, options?: ObserveOptions): AsyncIterableIterator<LeaderView | undefined>
  /** Shared with other readers. A writer that waits holds later readers back. */
  readLock(name: BytesLike, options?: AcquireOptions): Promise<Lock>
  writeLock(name: BytesLike, options?: AcquireOptions): Promise<Lock>
  /** A permit of a semaphore. */
  semaphore(name: BytesLike, options: SemaphoreOptions): Promise<Lock>
  barrier(name: BytesLike, options?: NameOptions): Barrier
  /** Enters a double barrier: resolves when `count` are in. */
  enter(name: BytesLike, options: DoubleBarrierOptions): Promise<Together>
  latch(name: BytesLike, options: LatchOptions): Latch
  /** Runs `job` by a schedule, once in the whole cluster for each time, never twice. */
  once(options: OnceOptions, job: (run: OnceRun) => unknown): OnceJob
  /** Shares items out among the members of a group: each is owned by at most one, and by one soon after every change. */
  assign(options: AssignOptions, work: (item: OwnedItem) => unknown): Assignment
  inspect(name: BytesLike, options?: InspectOptions): Promise<Inspection>
  list(options?: SyncListOptions): Promise<readonly SyncListed[]>
}

/** Options of {@link PlainSync.lock}. */
export interface PlainLockOptions {
  /** How long the cluster waits for a silent process, at least a second; of no effect in memory, where nobody else can hold. */
  readonly ttl?: number | undefined
  /** How long to wait; 0 tries once. Default: until `signal` aborts. */
  readonly wait?: number | undefined
  /** The lock ends by itself after so long. Default: never. */
  readonly maxHold?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link PlainSync.unlock}. */
export interface PlainUnlockOptions {
  /** What {@link PlainSync.lock} resolved with: only this grant is given back, not one that another task has had since. */
  readonly token?: number | undefined
}

/** A leadership of {@link PlainSync.leader}. */
export interface PlainLeader {
  readonly id: string
  readonly token: number
  /** Aborts when it is over. */
  readonly signal: AbortSignal
  /** Throws `NotHeld` when it is over. */
  resign(): Promise<void>
}

/** Locks and elections by their names alone: the same in one process and in a cluster. */
export interface PlainSync {
  /** Resolves with the token. Throws `Timeout` when `wait` is over, or `signal.reason`. Not re-entrant. */
  lock(id: string, options?: PlainLockOptions): Promise<number>
  /** Gives back what this object has locked. Throws `NotHeld` for anything else. */
  unlock(id: string, options?: PlainUnlockOptions): Promise<void>
  leader(id: string, options?: PlainLockOptions): Promise<PlainLeader>
}
