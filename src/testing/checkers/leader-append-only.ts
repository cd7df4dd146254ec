/** Leader append-only: a leader adds to its log; it never replaces or deletes anything (Raft paper, figure 3). */
import type { Ready } from '../../../consensus/index.ts'
import type { ObservedMember } from '../../replica/index.ts'
import type { Checker, Report } from './checker.ts'

interface Standing {
  leads: boolean
  last: number
}

/** Watches what cores hand out while they lead. */
export class LeaderAppendOnly implements Checker {
  readonly property = 'leader append-only'
  private readonly nodes = new Map<string, Standing>()
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  opened(node: string, { log }: ObservedMember): void {
    this.nodes.set(node, { leads: false, last: log.lastIndex() })
  }

  handsOut(node: string, { softState, entries, snapshot }: Ready): void {
    const standing = this.nodes.get(node)
    if (standing === undefined) return
    if (softState !== undefined) standing.leads = softState.role === 'leader'
    const { leads, last } = standing
    if (snapshot !== undefined) {
      if (leads) this.report(`${node} leads and replaces its log by a snapshot at ${snapshot.meta.index}`)
      standing.last = snapshot.meta.index
    }
    const first = entries[0]
    if (first === undefined) return
    if (leads && first.index !== last + 1) {
      this.report(
        `${node} leads and writes entry ${first.index} of term ${first.term} over its log, which ends at ${last}`,
      )
    }
    standing.last = first.index + entries.length - 1
  }
}
