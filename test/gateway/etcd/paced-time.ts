/**
 * Time that stands still unless a test lets it pass; turns of the event loop are real. So a node serves sockets, and no lease
 * ends by itself.
 */
import { systemScheduler } from '../../../base/index.ts'
import type { Clock, Scheduler, Timer } from '../../../base/index.ts'

interface Event {
  readonly atMs: number
  readonly run: () => void
}

/** A clock and its timers. */
export class PacedTime implements Scheduler, Clock {
  private nowMs = 0
  private readonly events = new Set<Event>()

  monotonicMs(): number {
    return this.nowMs
  }

  wallMs(): number {
    return this.nowMs
  }

  after(delayMs: number, run: () => void): Timer {
    const event = { atMs: this.nowMs + delayMs, run }
    this.events.add(event)
    return { cancel: () => void this.events.delete(event) }
  }

  endOfTurn(run: () => void): void {
    systemScheduler.endOfTurn(run)
  }

  /** Lets `ms` pass, a timer at a time. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const next = this.next()
      if (next === undefined || next.atMs > untilMs) break
      this.events.delete(next)
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.run()
    }
    this.nowMs = untilMs
  }

  /** Lets time pass until the promise is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = (): void => void (settled = true)
    promise.then(mark, mark)
    while (!settled) await this.pass(10)
    return promise
  }

  private next(): Event | undefined {
    let next: Event | undefined
    for (const event of this.events) if (next === undefined || event.atMs < next.atMs) next = event
    return next
  }
}
