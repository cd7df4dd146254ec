/**
 * Tokens rise: each grant has the revision at which it was made for its token, which no other grant of the store has; later grants have
 * higher ones; and its holder is told that very token.
 */
import type { Checker, Report } from '../checker.ts'
import type { Fact } from '../facts.ts'
import { describeAcquisition } from './log.ts'
import type { Acquisition, SyncListener, SyncLog } from './log.ts'

/** Compares tokens with the order of grants. */
export class TokensRise implements Checker, SyncListener {
  readonly property = 'tokens rise'
  private readonly log: SyncLog
  private readonly report: Report
  private newest: Acquisition | undefined

  constructor(log: SyncLog, report: Report) {
    this.log = log
    this.report = report
  }

  granted(one: Acquisition, revision: number): void {
    const { newest } = this
    this.newest = one
    if (one.token !== revision) {
      this.report(`${describeAcquisition(one)} was granted at revision ${revision}`)
    }
    if (newest !== undefined && one.token <= newest.token) {
      this.report(`${describeAcquisition(one)} was granted after ${describeAcquisition(newest)}`)
    }
  }

  told(fact: Fact): void {
    if (fact.kind !== 'acquire ended' || fact.outcome.how !== 'granted' || !this.log.whole) return
    const { client, label, outcome } = fact
    if (this.log.find(label, outcome.token) !== undefined) return
    const known = this.log.byLabel.get(label)?.map(describeAcquisition).join(' and ') ?? 'nothing'
    this.report(`${client} was told that ${label} has token ${outcome.token}; the log has ${known}`)
  }
}
