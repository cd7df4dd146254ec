/**
 * Guarded writes are safe: none is accepted but while its very grant is held by the log, so none of an earlier holder follows the
 * hand-over. A counter that is read and written under a lock counts each write. And a guard does not fail one who holds.
 */
import type { Checker, Report } from '../checker.ts'
import type { Fact } from '../facts.ts'
import type { GuardedWrite, SyncListener, SyncLog } from './log.ts'

/** What is written under a guard, as JSON. */
export interface GuardedValue {
  readonly resource: string
  readonly token: number
  readonly label: string
  /** What was read before and one, for keys that are read and written by one holder at a time; 0 for others. */
  readonly count: number
}

/** Compares guarded writes in the log with who holds what there. */
export class GuardedWrites implements Checker, SyncListener {
  readonly property = 'guarded writes'
  private readonly log: SyncLog
  private readonly report: Report
  private readonly counts = new Map<string, GuardedValue>()

  constructor(log: SyncLog, report: Report) {
    this.log = log
    this.report = report
  }

  wrote({ revision, key, value }: GuardedWrite): void {
    const written = JSON.parse(value) as GuardedValue
    const { resource, token, label, count } = written
    const what = `${label} under token ${token} of ${resource}`
    if (this.log.holder(resource, token) === undefined) {
      const now = this.log.resources.get(resource)?.holders.map((one) => `${one.label} under ${one.token}`)
      this.report(`revision ${revision} is of ${what}, who does not hold it; ${now?.join(' and ') || 'nobody'} does`)
    }
    if (count === 0) return
    const before = this.counts.get(key)
    if (count !== (before?.count ?? 0) + 1) {
      const last = before === undefined ? 'nothing' : `${before.count} of ${before.label}`
      this.report(`${what} wrote ${count} to ${key} at revision ${revision}, after ${last}: an update is lost`)
    }
    this.counts.set(key, written)
  }

  told(fact: Fact): void {
    if (fact.kind !== 'guard answered' || fact.accepted) return
    if (fact.state !== 'held' && fact.state !== 'uncertain') return
    const { client, label, token } = fact
    this.report(`the guard of ${client} for ${label}, token ${token}, was refused while it held it for sure`)
  }
}
