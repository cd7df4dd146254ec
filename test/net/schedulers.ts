/** Schedulers for tests of links: virtual time for the memory network, timers fired by hand for sockets. */
import { type Clock, type Random, type Scheduler, systemScheduler } from '../../base/index.ts'

interface Event {
  readonly atMs: number
  readonly run: () => void
}

/** Virtual time: the next event runs when everything the last one caused in promises is done. */
export class VirtualTime implements Scheduler, Clock {
  protected nowMs = 0
  protected readonly events = new Set<Event>()

  monotonicMs(): number {
    return this.nowMs
  }

  wallMs(): number {
    return this.nowMs
  }

  after(delayMs: number, run: () => void) {
    const event = { atMs: this.nowMs + delayMs, run }
    this.events.add(event)
    return { cancel: () => void this.events.delete(event) }
  }

  endOfTurn(run: () => void): void {
    this.after(0, run)
  }

  /** Runs events until the promise is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = (): void => {
      settled = true
    }
    promise.then(mark, mark)
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      if (settled) return promise
      if (!this.step()) throw new Error('nothing is left to happen, but the promise is pending')
    }
  }

  /** Lets `ms` pass. */
  async pass(ms: number): Promise<void> {
    let done: () => void = () => {}
    const promise = new Promise<void>((resolve) => {
      done = resolve
    })
    this.after(ms, done)
    await this.until(promise)
  }

  protected next(): Event | undefined {
    let next: Event | undefined
    for (const event of this.events) if (next === undefined || event.atMs < next.atMs) next = event
    return next
  }

  private step(): boolean {
    const next = this.next()
    if (next === undefined) return false
    this.events.delete(next)
    this.nowMs = next.atMs
    next.run()
    return true
  }
}

/** The real event loop, but timers fire only when told. */
export class ManualTimers implements Scheduler {
  private readonly timers = new Set<Event>()

  after(delayMs: number, run: () => void) {
    const timer = { atMs: delayMs, run }
    this.timers.add(timer)
    return { cancel: () => void this.timers.delete(timer) }
  }

  endOfTurn(run: () => void): void {
    systemScheduler.endOfTurn(run)
  }

  /** Fires all pending timers of exactly this delay. Returns how many there were. */
  fire(delayMs: number): number {
    const due = [...this.timers].filter((timer) => timer.atMs === delayMs)
    for (const timer of due) {
      this.timers.delete(timer)
      timer.run()
    }
    return due.length
  }
}

/** A small seeded generator (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const u32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return { u32, bytes: (length) => Uint8Array.from({ length }, () => u32() & 0xff) }
}
