/**
 * Grants exclude each other: at each point of the log, one holder alone of what is wanted alone, and of what is shared, no more holders
 * than may share it.
 */
import type { Report } from '../checker.ts'
import { describeAcquisition } from './log.ts'
import type { Acquisition, Held, SyncListener } from './log.ts'

/** Looks at all holders whenever there is one more. */
export class GrantsExclude implements SyncListener {
  readonly property = 'grants exclude each other'
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  granted(one: Acquisition, _revision: number, { holders }: Held): void {
    const others = holders.filter((other) => other !== one)
    const alone = holders.find(({ mode }) => mode === 'exclusive')
    const tooMany = one.capacity !== 0 && holders.length > one.capacity
    if (others.length === 0 || (alone === undefined && !tooMany)) return
    this.report(`${describeAcquisition(one)} is granted beside ${others.map(describeAcquisition).join(' and ')}`)
  }
}
