/**
 * Held is true: no step of a holder reads that it holds something once the cluster has applied that it does not, whatever clocks,
 * pauses and lost answers there are. That it is given back, or lost for its client, comes before.
 */
import type { Checker, Report } from '../checker.ts'
import type { Fact } from '../facts.ts'
import type { SyncLog } from './log.ts'

/** Compares what holders read with the log, at the moment at which they read it. */
export class HeldIsTrue implements Checker {
  readonly property = 'held is true'
  private readonly log: SyncLog
  private readonly nowMs: () => number
  private readonly report: Report

  constructor(log: SyncLog, nowMs: () => number, report: Report) {
    this.log = log
    this.nowMs = nowMs
    this.report = report
  }

  told(fact: Fact): void {
    if (fact.kind !== 'holder step' || !this.log.whole) return
    const { client, label, resource, token, state } = fact
    if ((state !== 'held' && state !== 'uncertain') || this.log.holder(resource, token) !== undefined) return
    const ended = this.log.find(label, token)?.endedAtMs
    const when = ended === undefined ? 'never held it' : `lost it at ${ended.toFixed(1)} ms`
    const what = `${label} of ${resource}, token ${token}`
    this.report(`${client} read ${state} for ${what} at ${this.nowMs().toFixed(1)} ms and ${when}`)
  }
}
