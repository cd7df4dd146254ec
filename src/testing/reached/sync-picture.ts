/** Turns what becomes of locks and elections into rows of the coverage table. */
import type { Picture } from '../checkers/checker.ts'
import type { Fact } from '../checkers/facts.ts'
import type { Acquisition, Held, SyncListener, SyncLog } from '../checkers/sync/log.ts'
import type { Coverage } from './coverage.ts'

/** Counts grants, and their ends. */
export class SyncPicture implements Picture, SyncListener {
  private readonly log: SyncLog
  private readonly coverage: Coverage
  /** Labels whose clients do not want them any more. */
  private readonly unwanted = new Set<string>()

  constructor(log: SyncLog, coverage: Coverage) {
    this.log = log
    this.coverage = coverage
  }

  granted(one: Acquisition, _revision: number, { holders }: Held): void {
    const { coverage } = this
    if (one.resource.startsWith('leader ')) coverage.hit('election: won')
    coverage.hit(one.token === one.sequence ? 'sync: granted at once' : 'sync: handed over')
    if (holders.length > 1) coverage.hit('sync: shared by several')
  }

  over({ token, label, maxHoldMs }: Acquisition): void {
    if (this.unwanted.has(label)) return
    if (token === 0) this.coverage.hit('sync: ended while it waited')
    else this.coverage.hit(maxHoldMs > 0 ? 'sync: held too long, or expired' : 'sync: expired while held')
  }

  cancelledAhead(): void {
    this.coverage.hit('sync: cancel came before its acquire')
  }

  leads(): void {
    for (const { waiting } of this.log.resources.values()) {
      if (waiting.length > 0) return this.coverage.hit('sync: leader replaced while some waited')
    }
  }

  told(fact: Fact): void {
    if (fact.kind === 'given back') this.unwanted.add(fact.label)
    if (fact.kind !== 'acquire ended') return
    const { label, outcome } = fact
    const isQueued = this.log.byLabel.get(label)?.some(({ token, endedAtMs }) => token === 0 && endedAtMs === undefined)
    if (outcome.how !== 'granted') this.unwanted.add(label)
    switch (outcome.how) {
      case 'refused':
        return this.coverage.hit('sync: refused without waiting')
      case 'timed out':
        return this.coverage.hit('sync: waited too long')
      case 'cancelled':
        return this.coverage.hit(isQueued === true ? 'sync: cancelled while queued' : 'sync: cancelled on the way')
      case 'session lost':
        return this.coverage.hit('sync: session lost before the grant')
      case 'failed':
        return this.coverage.hit('sync: no answer to an acquire')
      default:
    }
  }
}
