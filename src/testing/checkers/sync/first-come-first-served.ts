/** First come, first served: nobody is granted what another has waited for longer, not even one who does not want to wait. */
import type { Report } from '../checker.ts'
import { describeAcquisition } from './log.ts'
import type { Acquisition, Held, SyncListener } from './log.ts'

/** Compares each grant with those who wait. */
export class FirstComeFirstServed implements SyncListener {
  readonly property = 'first come, first served'
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  granted(one: Acquisition, _revision: number, { waiting }: Held): void {
    const before = waiting.find(({ sequence }) => sequence < one.sequence)
    if (before === undefined) return
    this.report(`${describeAcquisition(one)} is granted while an earlier one waits: ${describeAcquisition(before)}`)
  }
}
