/** Acknowledged is kept: at the end each key holds the newest write that was acknowledged, or one of unknown outcome. */
import type { Checker, Final, FinishedRun, Report } from './checker.ts'
import { describeOperation } from './history.ts'
import type { Operation } from './history.ts'

/** Compares the final content of the store with the acknowledged writes. */
export class AcknowledgedKept implements Checker {
  readonly property = 'acknowledged is kept'
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  finished({ history, finals }: FinishedRun): void {
    if (finals === undefined) return
    for (const [key, final] of finals) {
      const operations = history.on(key)
      if (operations.some((one) => one.kind === 'increment')) continue
      const writes = operations.filter((one) => one.kind !== 'get')
      if (final !== undefined && !writes.some((one) => one.value === final.value)) {
        this.report(`${key} holds ${final.value}, which nobody wrote`)
      }
      this.compare(key, final, writes)
    }
  }

  private compare(key: string, final: Final | undefined, writes: readonly Operation[]): void {
    const acknowledged = writes.filter((one) => one.outcome === 'ok' && (one.kind === 'put' || one.deleted))
    const newest = acknowledged.toSorted((a, b) => (b.revision ?? 0) - (a.revision ?? 0))[0]
    if (newest === undefined || newest.revision === undefined) return
    const told = describeOperation(newest)
    if (final === undefined) {
      const gone = newest.kind === 'delete' || writes.some((one) => one.kind === 'delete' && one.outcome !== 'ok')
      if (!gone) this.report(`an acknowledged write is lost: ${told}`)
    } else if (final.revision < newest.revision) {
      this.report(`an acknowledged write is lost: ${told}; ${key} holds ${final.value} @${final.revision}`)
    } else if (final.revision === newest.revision && final.value !== newest.value) {
      this.report(`${key} holds ${final.value} where this was acknowledged: ${told}`)
    }
  }
}
