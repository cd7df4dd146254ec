/**
 * Linearizability: what clients saw can be explained by an order of their operations in keeping with real time. Each key is
 * an object of its own, so the keys are checked one by one (Herlihy and Wing, 1990: the property is local). Operations
 * on several keys at once would need a model of all of them.
 */
import type { Checker, FinishedRun, Report } from './checker.ts'
import { describeOperation } from './history.ts'
import type { History, Operation } from './history.ts'
import { registerModel } from './register-model.ts'
import { linearize } from './search.ts'
import type { Timed } from './search.ts'

/** Operations around the place where the search got stuck that a message shows. */
const shownMax = 24

/** Checks the history of every key at the end. */
export class Linearizable implements Checker {
  readonly property = 'linearizable'
  private readonly report: Report
  private readonly undecided: Report

  /** `undecided` hears of a history that was too hard to check: that says nothing of the product, and must not pass. */
  constructor(report: Report, undecided: Report) {
    this.report = report
    this.undecided = undecided
  }

  finished({ history }: FinishedRun): void {
    for (const key of history.keys()) this.checkKey(history, key)
  }

  private checkKey(history: History, key: string): void {
    // A get without an answer says nothing; what surely failed did nothing.
    const operations = history.on(key).filter((one) => one.kind !== 'get' || one.outcome === 'ok')
    const verdict = linearize(registerModel, timedOf(operations))
    if (verdict.kind === 'linearizable') return
    if (verdict.kind === 'unknown')
      return this.undecided(`the ${operations.length} operations on ${key} were too hard to check`)
    const stuck = verdict.stuck.map((at) => operations[at] as Operation)
    const from = Math.min(...stuck.map((one) => one.start))
    const around = operations.filter((one) => one.end >= from - shownMax && one.start <= (stuck[0]?.end ?? from))
    const shown = around
      .slice(-shownMax)
      .map((one) => `\n    ${stuck.includes(one) ? '>' : ' '} ${describeOperation(one)}`)
    this.report(`no order explains the history of ${key} beyond ${verdict.explained} answers:${shown.join('')}`)
  }
}

/** A write without an answer whose value nobody saw is as good as any other of that kind. */
function timedOf(operations: readonly Operation[]): Timed<Operation>[] {
  const seen = new Set(operations.map((one) => one.result))
  return operations.map((one) => {
    const answered = one.outcome === 'ok'
    const unseen = !answered && one.kind === 'put' && !seen.has(one.value)
    return {
      op: unseen ? { ...one, value: unseenValue } : one,
      called: one.start,
      returned: answered ? one.end : Infinity,
    }
  })
}

const unseenValue = 'not seen by anybody'
