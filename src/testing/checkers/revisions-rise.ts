/**
 * Revisions rise: along the log on every node, and for clients. Each is given to one write only, a later write has a higher
 * one, and whoever reads a value reads the revision of the write that made it.
 */
import type { Entry } from '../../../consensus/index.ts'
import type { Machine } from '../../../execution/index.ts'
import type { Checker, FinishedRun, Report } from './checker.ts'
import { describeOperation } from './history.ts'
import type { History, Operation } from './history.ts'

/** Watches the revisions of all machines, and at the end those that clients were told. */
export class RevisionsRise implements Checker {
  readonly property = 'revisions rise'
  private readonly machines = new Map<string, { readonly index: number; readonly revision: number }>()
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  loaded(node: string, machine: Machine): void {
    const { appliedIndex: index, revision } = machine
    this.machines.set(node, { index, revision })
  }

  applied(node: string, _entry: Entry, { appliedIndex: index, revision }: Machine): void {
    const before = this.machines.get(node)
    if (before !== undefined && revision < before.revision) {
      this.report(`${node} went from revision ${before.revision} at index ${before.index} to ${revision} at ${index}`)
    }
    this.machines.set(node, { index, revision })
  }

  finished({ history }: FinishedRun): void {
    const writes = history.operations.filter((one) => one.outcome === 'ok' && changes(one))
    this.checkOwners(writes)
    this.checkOrder(writes)
    this.checkReads(history, writes)
  }

  private checkOwners(writes: readonly Operation[]): void {
    const owners = new Map<number, Operation>()
    for (const one of writes) {
      const revision = one.revision ?? 0
      const before = owners.get(revision)
      owners.set(revision, one)
      if (before === undefined) continue
      this.report(`revision ${revision} was given twice: ${describeOperation(before)}; ${describeOperation(one)}`)
    }
  }

  /** A write that began after another had been answered has the higher revision. */
  private checkOrder(writes: readonly Operation[]): void {
    const byEnd = writes.toSorted((a, b) => a.end - b.end)
    let ended = 0
    let highest: Operation | undefined
    for (const one of writes.toSorted((a, b) => a.start - b.start)) {
      for (let next = byEnd[ended]; next !== undefined && next.end < one.start; next = byEnd[++ended]) {
        if ((next.revision ?? 0) > (highest?.revision ?? 0)) highest = next
      }
      if (highest !== undefined && (one.revision ?? 0) <= (highest.revision ?? 0)) {
        this.report(`revisions run backwards: ${describeOperation(highest)}; ${describeOperation(one)}`)
      }
    }
  }

  private checkReads(history: History, writes: readonly Operation[]): void {
    const byValue = new Map<string, number>()
    for (const { value, revision } of writes) if (value !== undefined) byValue.set(value, revision ?? 0)
    for (const one of history.operations) {
      if (one.kind !== 'get' || one.outcome !== 'ok' || one.result === undefined) continue
      const expected = byValue.get(one.result)
      if (expected === undefined || expected === one.revision) continue
      this.report(`a value written at revision ${expected} was read at another: ${describeOperation(one)}`)
    }
  }
}

/** Whether the client was told the revision of a change. */
function changes(one: Operation): boolean {
  return one.kind === 'put' || (one.kind === 'delete' && one.deleted)
}
