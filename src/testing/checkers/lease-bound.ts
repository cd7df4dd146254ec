/**
 * The bound of leases: with clocks that are wrong by rho at most, a lease lives at least (TTL - 1 ms) / (1 + rho) of true time after
 * its last acknowledged renewal was sent, whatever becomes of leaders; and nobody renews one that has ended. What it does in
 * the end is checked by the run, when faults are over.
 */
import type { Checker, Report } from './checker.ts'
import type { Fact, LeaseFact } from './facts.ts'
import type { OneHistory } from './one-history.ts'

/** Log time is stamped in whole milliseconds. */
const roundingMs = 1

/** Keys that are attached to leases, and deleted by nothing but their end, begin with this. */
export const leasePrefix = 'lease/'

/** Compares the ends of leases with what their owners were told. */
export class LeaseBound implements Checker {
  readonly property = 'lease bound'
  /** Leases that ended though nobody asked for it. Known at the end. */
  endedByTime = 0
  private readonly facts: LeaseFact[] = []
  private readonly history: OneHistory
  private readonly rho: number
  private readonly report: Report

  constructor(history: OneHistory, rho: number, report: Report) {
    this.history = history
    this.rho = rho
    this.report = report
  }

  told(fact: Fact): void {
    if (fact.kind === 'lease') this.facts.push(fact)
  }

  /** Keys that wait for the end of their lease. */
  attached(): string[] {
    const { history } = this
    return history
      .range(leasePrefix, `${leasePrefix}\uffff`, history.revision)
      .map(({ key, lease }) => `${key} of ${lease}`)
  }

  finished(): void {
    if (!this.history.whole) return
    const ends = this.ends()
    const ending = new Set(this.facts.filter((one) => one.what === 'ending').map((one) => one.id))
    for (const id of ends.keys()) if (!ending.has(id)) this.endedByTime++
    for (const { client, what, id, ttlMs, sentAtMs } of this.facts) {
      const endMs = ends.get(id)
      if (what === 'ending' || endMs === undefined) continue
      const told = `${client} had lease ${id} of ${ttlMs} ms ${what} by a request sent at ${sentAtMs.toFixed(1)} ms`
      if (sentAtMs > endMs) this.report(`${told}, when it had ended, at ${endMs.toFixed(1)} ms`)
      const least = sentAtMs + (ttlMs - roundingMs) / (1 + this.rho)
      if (!ending.has(id) && endMs < least) {
        this.report(`${told}; it ended at ${endMs.toFixed(1)} ms, before ${least.toFixed(1)} ms`)
      }
    }
  }

  /** When the first node saw keys of each lease go. */
  private ends(): Map<number, number> {
    const ends = new Map<number, number>()
    for (const [revision, { events, atMs }] of this.history.all()) {
      for (const { type, key } of events) {
        if (type !== 'delete' || !key.startsWith(leasePrefix)) continue
        const lease = this.history.get(key, revision - 1)?.lease ?? 0
        if (lease !== 0 && !ends.has(lease)) ends.set(lease, atMs)
      }
    }
    return ends
  }
}
