/**
 * Exactly once: a command is applied once however often it was sent. An acknowledged increment counts once, one of unknown
 * outcome at most once, one that surely failed never; and no two are told the same sum.
 */
import type { Checker, FinishedRun, Report } from './checker.ts'
import { describeOperation } from './history.ts'

/** Compares every counter with the increments that clients asked for. */
export class ExactlyOnce implements Checker {
  readonly property = 'exactly once'
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  finished({ history, finals }: FinishedRun): void {
    for (const key of history.keys()) {
      const increments = history.on(key).filter((one) => one.kind === 'increment')
      if (increments.length === 0) continue
      const acknowledged = increments.filter((one) => one.outcome === 'ok')
      const told = new Map<string, string>()
      for (const one of acknowledged) {
        const other = told.get(one.result ?? '')
        if (other !== undefined) this.report(`two increments were told one sum: ${other}; ${describeOperation(one)}`)
        told.set(one.result ?? '', describeOperation(one))
        if (Number(one.result) > increments.length) {
          this.report(`a sum above the number of increments, ${increments.length}: ${describeOperation(one)}`)
        }
      }
      if (finals === undefined || !finals.has(key)) continue
      const count = Number(finals.get(key)?.value ?? 0)
      if (count >= acknowledged.length && count <= increments.length) continue
      const asked = `${acknowledged.length} acknowledged increments of ${increments.length}`
      this.report(`${key} is ${count} after ${asked}`)
    }
  }
}
