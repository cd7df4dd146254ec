/** Replies after durability: when a client is told that a write was done, the entry that did it is committed. */
import type { Checker, Report } from './checker.ts'
import type { Committed } from './committed.ts'
import type { CommittedIsDurable } from './committed-is-durable.ts'
import { describeOperation } from './history.ts'
import type { Operation } from './history.ts'

interface Awaited {
  readonly operation: Operation
  readonly revision: number
  /** What was committed when it was acknowledged. */
  readonly durable: number
}

/**
 * Looks at every acknowledged write at the moment of its acknowledgement. A node may answer the first commands of an entry before it
 * has applied the last, and end or lose its state in between: then the next node that applies the entry tells which one it is.
 */
export class RepliesAfterDurability implements Checker {
  readonly property = 'replies after durability'
  private readonly committed: Committed
  private readonly durable: CommittedIsDurable
  private readonly report: Report
  private awaited: Awaited[] = []

  constructor(committed: Committed, durable: CommittedIsDurable, report: Report) {
    this.committed = committed
    this.durable = durable
    this.report = report
  }

  ended(operation: Operation): void {
    const { outcome, kind, revision } = operation
    if (outcome !== 'ok' || kind === 'get' || revision === undefined || revision === 0) return
    this.awaited.push({ operation, revision, durable: this.durable.highest })
    this.judge()
  }

  applied(): void {
    if (this.awaited.length > 0) this.judge()
  }

  finished(): void {
    for (const { operation } of this.awaited) {
      this.report(`an acknowledged write, but no node has applied it: ${describeOperation(operation)}`)
    }
  }

  private judge(): void {
    this.awaited = this.awaited.filter(({ operation, revision, durable }) => {
      const index = this.committed.indexOf(revision)
      if (index === undefined) return true
      if (index > durable) {
        this.report(`an acknowledged write, but entry ${index} is not committed: ${describeOperation(operation)}`)
      }
      return false
    })
  }
}
