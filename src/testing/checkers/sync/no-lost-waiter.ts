/** No waiter is lost: what becomes free is granted within the same entry, so no resource is ever free for the one who is next. */
import type { Report } from '../checker.ts'
import { describeAcquisition } from './log.ts'
import type { Held, SyncListener } from './log.ts'

/** Looks at the head of each queue after each entry that changed it. */
export class NoLostWaiter implements SyncListener {
  readonly property = 'no lost waiter'
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  settled(changed: ReadonlySet<Held>): void {
    for (const held of changed) {
      const [next] = held.waiting
      if (next === undefined || !isFree(held)) continue
      const holders = held.holders.map(describeAcquisition).join(' and ')
      this.report(`${describeAcquisition(next)} waits, though it is next and ${holders || 'nobody'} holds it`)
    }
  }
}

function isFree({ waiting: [next], holders }: Held): boolean {
  if (next === undefined || holders.length === 0) return next !== undefined
  const isShared = next.mode === 'shared' && holders.every(({ mode }) => mode === 'shared')
  return isShared && (next.capacity === 0 || holders.length < next.capacity)
}
