/** The common picture of what is committed: every entry that some node applied. */
import type { Entry } from '../../../consensus/index.ts'
import type { Machine } from '../../../execution/index.ts'
import type { Picture } from './checker.ts'
import type { MemberLogs } from './member-logs.ts'

/** A committed entry. */
export interface CommittedEntry {
  readonly term: number
  /** The entry was committed by a leader of this term or of an earlier one. */
  readonly byTerm: number
}

/** Collects committed entries. */
export class Committed implements Picture {
  /** Highest index known to be committed. */
  highest = 0
  private readonly entries: (CommittedEntry | undefined)[] = []
  /** Index of the entry that gave a revision; of the last one of each entry. */
  private readonly revisions: { readonly revision: number; readonly index: number }[] = []
  private readonly logs: MemberLogs

  constructor(logs: MemberLogs) {
    this.logs = logs
  }

  at(index: number): CommittedEntry | undefined {
    return this.entries[index]
  }

  /** The index of the entry that gave a revision, or undefined if nobody applied it yet. */
  indexOf(revision: number): number | undefined {
    const { revisions } = this
    let low = 0
    let high = revisions.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((revisions[middle]?.revision ?? 0) < revision) low = middle + 1
      else high = middle
    }
    return revisions[low]?.index
  }

  applied(node: string, entry: Entry, machine: Machine): void {
    const { index, term } = entry
    // The node was told of the commit in its present term at the latest.
    const byTerm = this.logs.of(node)?.coreTerm ?? term
    const known = this.entries[index]
    if (known === undefined || byTerm < known.byTerm) this.entries[index] = { term: known?.term ?? term, byTerm }
    if (index <= this.highest) return
    this.highest = index
    if (machine.revision > (this.revisions.at(-1)?.revision ?? 0)) {
      this.revisions.push({ revision: machine.revision, index })
    }
  }
}
