/**
 * Time that stands still unless a test lets it pass; turns of the event loop are real. So a node serves sockets, and no lease
 * ends by itself.
 */
import { systemScheduler } from '../../../base/index.ts'
import { VirtualTime } from '../../net/schedulers.ts'

/** A clock and its timers. */
export class PacedTime extends VirtualTime {
  override endOfTurn(run: () => void): void {
    systemScheduler.endOfTurn(run)
  }

  /** Lets `ms` pass, a timer at a time. */
  override async pass(ms: number): Promise<void> {
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
  override async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = (): void => void (settled = true)
    promise.then(mark, mark)
    while (!settled) await this.pass(10)
    return promise
  }
}
