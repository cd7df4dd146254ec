/**
 * Revisions: each is given to one write only, a later write has a higher one, and whoever reads a value reads the
 * revision of the write that made it.
 */
import { describeOperation } from './history.ts'
import type { History, Operation } from './history.ts'
import type { Report } from './checker.ts'

/** Checks the revisions that clients were told. */
export function checkRevisions(history: History, report: Report): void {
  const writes = history.operations.filter((one) => one.outcome === 'ok' && changes(one))
  const owners = new Map<number, Operation>()
  const byValue = new Map<string, number>()
  for (const one of writes) {
    const revision = one.revision ?? 0
    const before = owners.get(revision)
    if (before !== undefined) {
      report(`revision ${revision} was given twice:\n    ${describeOperation(before)}\n    ${describeOperation(one)}`)
    }
    owners.set(revision, one)
    if (one.value !== undefined) byValue.set(one.value, revision)
  }
  checkOrder(writes, report)
  for (const one of history.operations) {
    if (one.kind !== 'get' || one.outcome !== 'ok' || one.result === undefined) continue
    const expected = byValue.get(one.result)
    if (expected !== undefined && expected !== one.revision) {
      report(`a value written at revision ${expected} was read at another: ${describeOperation(one)}`)
    }
  }
}

/** A write that began after another had been answered has the higher revision. */
function checkOrder(writes: readonly Operation[], report: Report): void {
  const byEnd = writes.toSorted((a, b) => a.end - b.end)
  let ended = 0
  let highest: Operation | undefined
  for (const one of writes.toSorted((a, b) => a.start - b.start)) {
    for (let next = byEnd[ended]; next !== undefined && next.end < one.start; next = byEnd[++ended]) {
      if ((next.revision ?? 0) > (highest?.revision ?? 0)) highest = next
    }
    if (highest !== undefined && (one.revision ?? 0) <= (highest.revision ?? 0)) {
      report(`revisions run backwards:\n    ${describeOperation(highest)}\n    ${describeOperation(one)}`)
    }
  }
}

function changes(one: Operation): boolean {
  return one.kind === 'put' || (one.kind === 'delete' && one.deleted)
}
