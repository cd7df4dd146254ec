/**
 * The read barrier: linearizable reads without a log entry (Raft dissertation 6.4).
 *
 * All reads that wait ride on one ReadIndex request. What arrives while it is under way waits for the next, because a
 * barrier must start after the read it serves. Every attempt has an id of its own, never given out by this process before
 * and bound to its start id: an answer to an earlier attempt can't satisfy a later read (etcd #20418).
 */
import { ByteReader, ByteWriter, NitroError, equalBytes } from '../../base/index.ts'
import type { Clock } from '../../base/index.ts'

/** A read waiting for its barrier. */
export interface BarrierWaiter {
  /** Monotonic time after which it is given up. */
  readonly deadlineMs: number
  /** The state machine has reached a safe index. */
  run(): void
  failed(error: NitroError): void
}

/** What the barrier needs of the core. */
export interface BarrierCore {
  /** Asks for a read index under this context; may silently come to nothing. */
  readIndex(context: Uint8Array): void
  appliedIndex(): number
}

interface Attempt {
  readonly context: Uint8Array
  readonly startedMs: number
  readonly waiters: BarrierWaiter[]
}

interface Confirmed {
  readonly index: number
  readonly waiters: BarrierWaiter[]
}

/** Reads that may wait at a time. */
const waitersMax = 100_000

/** Batches read barriers of one node. */
export class ReadBarrier {
  private readonly core: BarrierCore
  private readonly clock: Clock
  private readonly startId: Uint8Array
  private readonly retryMs: number
  private counter = 0
  private next: BarrierWaiter[] = []
  private attempt: Attempt | undefined
  private confirmed: Confirmed[] = []
  /** Attempts that were repeated with a new id. */
  retries = 0

  constructor(core: BarrierCore, clock: Clock, startId: Uint8Array, retryMs: number) {
    this.core = core
    this.clock = clock
    this.startId = startId
    this.retryMs = retryMs
  }

  /** Whether a waiter has not been asked for yet. */
  get waiting(): boolean {
    return this.next.length > 0 && this.attempt === undefined
  }

  /** Adds a read; it is refused with `Overloaded` when too many wait already. */
  add(waiter: BarrierWaiter): void {
    const waiting = this.confirmed.reduce((sum, one) => sum + one.waiters.length, this.next.length)
    if (waiting + (this.attempt?.waiters.length ?? 0) < waitersMax) this.next.push(waiter)
    else waiter.failed(new NitroError('Overloaded', `${waitersMax} reads are already waiting`))
  }

  /** Starts an attempt for everything that waits, if none is under way. */
  start(): void {
    if (this.attempt !== undefined || this.next.length === 0) return
    const waiters = this.next
    this.next = []
    this.ask(waiters)
  }

  private ask(waiters: BarrierWaiter[]): void {
    const writer = new ByteWriter(this.startId.length + 8)
    writer.raw(this.startId)
    writer.u64(++this.counter)
    this.attempt = { context: writer.take(), startedMs: this.clock.monotonicMs(), waiters }
    this.core.readIndex(this.attempt.context)
  }

  /** The core answered a request of some node; ours only if the id is the one under way. */
  answered(context: Uint8Array, index: number): void {
    const attempt = this.attempt
    if (attempt === undefined || !equalBytes(context, attempt.context)) return
    this.attempt = undefined
    this.confirmed.push({ index, waiters: attempt.waiters })
    this.applied()
  }

  /** The state machine went on: serve what it has reached. */
  applied(): void {
    const reached = this.core.appliedIndex()
    while (this.confirmed.length > 0 && (this.confirmed[0] as Confirmed).index <= reached) {
      const { waiters } = this.confirmed.shift() as Confirmed
      for (const waiter of waiters) waiter.run()
    }
  }

  /** The leader changed: whatever was asked of the old one is void. Ask again, under a new id. */
  leaderChanged(): void {
    if (this.attempt === undefined) return
    this.retries++
    this.ask(this.attempt.waiters)
  }

  /** Once a tick: repeat an attempt that got no answer, give up waiters past their deadline. */
  tick(): void {
    const nowMs = this.clock.monotonicMs()
    this.next = this.expire(this.next, nowMs)
    for (let i = 0; i < this.confirmed.length; i++) {
      const one = this.confirmed[i] as Confirmed
      this.confirmed[i] = { index: one.index, waiters: this.expire(one.waiters, nowMs) }
    }
    if (this.attempt === undefined || nowMs - this.attempt.startedMs < this.retryMs) return
    const waiters = this.expire(this.attempt.waiters, nowMs)
    this.attempt = undefined
    waiters.push(...this.next)
    this.next = []
    if (waiters.length === 0) return
    this.retries++
    this.ask(waiters)
  }

  private expire(waiters: BarrierWaiter[], nowMs: number): BarrierWaiter[] {
    if (waiters.every((waiter) => waiter.deadlineMs > nowMs)) return waiters
    const kept: BarrierWaiter[] = []
    for (const waiter of waiters) {
      if (waiter.deadlineMs > nowMs) kept.push(waiter)
      else waiter.failed(new NitroError('Unavailable', 'no quorum confirmed the read before its deadline'))
    }
    return kept
  }

  /** Fails everything: the node stops. */
  failAll(error: NitroError): void {
    const all = [...this.next, ...(this.attempt?.waiters ?? []), ...this.confirmed.flatMap((one) => one.waiters)]
    this.next = []
    this.attempt = undefined
    this.confirmed = []
    for (const waiter of all) waiter.failed(error)
  }
}

/** Whether a read context was made by the process with this start id. */
export function isOwnContext(context: Uint8Array, startId: Uint8Array): boolean {
  return context.length === startId.length + 8 && equalBytes(new ByteReader(context).raw(startId.length), startId)
}
