/** Locks of one process: first come, first served, by the same rules as those of a cluster. */
import { NitroError, systemClock, systemScheduler, timerMsMax } from '../../base/index.ts'
import type { Clock, Scheduler, Timer } from '../../base/index.ts'
import type { AcquireOptions, Condition, Hold, HoldState } from '../api/index.ts'
import { onAbort } from './aborts.ts'
import { nameBytes } from './names.ts'
import { checkSignal, checkTimes, waitOver } from './options.ts'

/** What the plain interface takes its grants from. */
export interface Grants {
  lock(id: string, options: AcquireOptions): Promise<Hold & { unlock(): Promise<void> }>
  leader(id: string, options: AcquireOptions): Promise<Hold & { resign(): Promise<void> }>
}

/** Somebody in a queue. */
interface Waiter {
  readonly maxHold: number | undefined
  grant(hold: MemoryHold): void
}

/** Who has a name, and who waits for it. */
interface Queue {
  holder: MemoryHold | undefined
  readonly waiters: Waiter[]
}

/** All locks of one object. */
export class MemoryLocks implements Grants {
  private readonly clock: Clock
  private readonly scheduler: Scheduler
  private readonly queues = new Map<string, Queue>()
  private lastToken = 0

  constructor(clock: Clock = systemClock, scheduler: Scheduler = systemScheduler) {
    this.clock = clock
    this.scheduler = scheduler
  }

  lock(id: string, options: AcquireOptions): Promise<MemoryHold> {
    return this.acquire(`lock ${id}`, id, options)
  }

  leader(id: string, options: AcquireOptions): Promise<MemoryHold> {
    return this.acquire(`leader ${id}`, id, options)
  }

  private async acquire(key: string, id: string, { wait, maxHold, signal, ttl }: AcquireOptions): Promise<MemoryHold> {
    nameBytes(id)
    checkTimes({ ttl, maxHold, wait })
    checkSignal(signal)
    signal?.throwIfAborted()
    this.queues.get(key)?.holder?.look()
    const queue = this.queues.get(key) ?? { holder: undefined, waiters: [] }
    this.queues.set(key, queue)
    if (queue.holder === undefined) return this.hold(key, queue, id, maxHold)
    if (wait === 0) throw waitOver(wait)
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined
      const settle = (end: () => void): void => {
        timer?.cancel()
        detach()
        const at = queue.waiters.indexOf(waiter)
        if (at >= 0) queue.waiters.splice(at, 1)
        end()
      }
      const waiter: Waiter = { maxHold, grant: (hold) => settle(() => resolve(hold)) }
      const detach = onAbort(signal, () => settle(() => reject(signal?.reason)))
      const untilMs = this.clock.monotonicMs() + (wait ?? Infinity)
      const plan = (): void => {
        const leftMs = untilMs - this.clock.monotonicMs()
        if (leftMs <= 0) settle(() => reject(waitOver(wait)))
        else if (leftMs < Infinity) timer = this.scheduler.after(Math.min(leftMs, timerMsMax), plan)
      }
      queue.waiters.push(waiter)
      plan()
    })
  }

  private hold(key: string, queue: Queue, id: string, maxHold: number | undefined): MemoryHold {
    const hold = new MemoryHold(id, ++this.lastToken, maxHold, this.clock, this.scheduler, () => {
      queue.holder = undefined
      const next = queue.waiters[0]
      if (next === undefined) this.queues.delete(key)
      else next.grant(this.hold(key, queue, id, next.maxHold))
    })
    queue.holder = hold
    return hold
  }
}

/** One grant. */
export class MemoryHold implements Hold {
  readonly name: Uint8Array
  readonly token: number
  readonly lease = 0
  private readonly clock: Clock
  private readonly scheduler: Scheduler
  private readonly free: () => void
  private readonly untilMs: number
  private readonly controller = new AbortController()
  private timer: Timer | undefined
  private ended: 'lost' | 'released' | undefined

  constructor(
    id: string,
    token: number,
    maxHold: number | undefined,
    clock: Clock,
    scheduler: Scheduler,
    free: () => void,
  ) {
    this.name = nameBytes(id)
    this.token = token
    this.clock = clock
    this.scheduler = scheduler
    this.free = free
    this.untilMs = clock.monotonicMs() + (maxHold ?? Infinity)
    this.watchHold()
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  get state(): HoldState {
    this.look()
    return this.ended ?? 'held'
  }

  /** Ends it if its time is up: the timer that does so may be late. */
  look(): void {
    if (this.ended === undefined && this.clock.monotonicMs() >= this.untilMs) this.end('lost')
  }

  throwIfLost(): void {
    if (this.state !== 'held') throw this.signal.reason
  }

  guard(): Condition {
    throw new NitroError('InvalidArgument', 'a lock in memory guards no store')
  }

  async unlock(): Promise<void> {
    if (this.state !== 'held') throw this.notHeld()
    this.end('released')
  }

  resign(): Promise<void> {
    return this.unlock()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unlock().catch(() => undefined)
  }

  private watchHold(): void {
    const leftMs = this.untilMs - this.clock.monotonicMs()
    if (leftMs <= 0) this.end('lost')
    else if (leftMs < Infinity) {
      this.timer = this.scheduler.after(Math.min(leftMs, timerMsMax), () => this.watchHold())
    }
  }

  private end(as: 'lost' | 'released'): void {
    if (this.ended !== undefined) return
    this.ended = as
    this.timer?.cancel()
    this.controller.abort(
      as === 'released' ? this.notHeld() : new NitroError('LockLost', 'held for as long as it may be'),
    )
    this.free()
  }

  private notHeld(): NitroError {
    return new NitroError('NotHeld', `token ${this.token} is held no longer`, { details: { token: this.token } })
  }
}
