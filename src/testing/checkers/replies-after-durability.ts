/** Replies after durability: when a client is told that a write was done, the entry that did it is committed. */
import type { Checker, Report } from './checker.ts'
import type { Committed } from './committed.ts'
import type { CommittedIsDurable } from './committed-is-durable.ts'
import { describeOperation } from './history.ts'
import type { Operation } from './history.ts'

/** Looks at every acknowledged write at the moment of its acknowledgement. */
export class RepliesAfterDurability implements Checker {
  readonly property = 'replies after durability'
  private readonly committed: Committed
  private readonly durable: CommittedIsDurable
  private readonly report: Report

  constructor(committed: Committed, durable: CommittedIsDurable, report: Report) {
    this.committed = committed
    this.durable = durable
    this.report = report
  }

  ended(operation: Operation): void {
    const { outcome, kind, revision } = operation
    if (outcome !== 'ok' || kind === 'get' || revision === undefined || revision === 0) return
    const index = this.committed.indexOf(revision)
    if (index !== undefined && index <= this.durable.highest) return
    const state = index === undefined ? 'no node has applied it' : `entry ${index} is not committed`
    this.report(`an acknowledged write, but ${state}: ${describeOperation(operation)}`)
  }
}
