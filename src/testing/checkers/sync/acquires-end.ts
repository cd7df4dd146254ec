/**
 * Every acquire ends: granted, refused, timed out, cancelled, or with its session, once faults are over; and nothing of it is left in the
 * cluster when its client does not want it any more. The run asks for both when they should be so.
 */
import type { Checker, Report } from '../checker.ts'
import type { Fact } from '../facts.ts'
import { describeAcquisition } from './log.ts'
import type { Acquisition, SyncLog } from './log.ts'

/** What may become of a request that is not answered. */
const failures: ReadonlySet<string> = new Set(['Timeout', 'Unavailable', 'Closed', 'SessionEvicted'])

/** Keeps what is under way. */
export class EveryAcquireEnds implements Checker {
  readonly property = 'every acquire ends'
  /** Those that are wanted, and by whom. */
  private readonly wanted = new Map<string, { readonly client: string; waits: boolean }>()
  private readonly log: SyncLog
  private readonly report: Report

  constructor(log: SyncLog, report: Report) {
    this.log = log
    this.report = report
  }

  told(fact: Fact): void {
    switch (fact.kind) {
      case 'acquire began':
        this.wanted.set(fact.label, { client: fact.client, waits: true })
        break
      case 'acquire ended': {
        const { client, label, outcome } = fact
        if (outcome.how === 'granted') this.wanted.set(label, { client, waits: false })
        else this.wanted.delete(label)
        if (outcome.how === 'failed' && !failures.has(outcome.code)) {
          this.report(`${label} of ${client} ended with ${outcome.code}`)
        }
        break
      }
      case 'given back':
        this.wanted.delete(fact.label)
        break
      case 'client over':
        for (const [label, { client }] of this.wanted) if (client === fact.client) this.wanted.delete(label)
        break
      default:
    }
  }

  /** Acquires that have not ended. */
  pending(): string[] {
    return [...this.wanted].filter(([, { waits }]) => waits).map(([label, { client }]) => `${label} of ${client}`)
  }

  /** What stands in the cluster and nobody wants. */
  leftBehind(): string[] {
    const unwanted = (one: Acquisition): boolean => !this.wanted.has(one.label)
    return [...this.log.present()].filter(unwanted).map(describeAcquisition)
  }
}
