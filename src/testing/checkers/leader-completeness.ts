/** Leader completeness: what was committed in a term is in the logs of the leaders of all later terms (Raft paper, figure 3). */
import type { Ready } from '../../../consensus/index.ts'
import type { Checker, Report } from './checker.ts'
import type { Committed } from './committed.ts'
import type { MemberLogs } from './member-logs.ts'

/** Looks at the log of every new leader. */
export class LeaderCompleteness implements Checker {
  readonly property = 'leader completeness'
  private readonly logs: MemberLogs
  private readonly committed: Committed
  private readonly report: Report

  constructor(logs: MemberLogs, committed: Committed, report: Report) {
    this.logs = logs
    this.committed = committed
    this.report = report
  }

  handsOut(node: string, { softState }: Ready): void {
    const one = this.logs.of(node)
    if (one === undefined || softState?.role !== 'leader') return
    const { handed, coreTerm } = one
    for (let index = handed.baseIndex + 1; index <= this.committed.highest; index++) {
      const entry = this.committed.at(index)
      // Who wins an election late, by votes that were long on their way, may lack what was committed in later terms.
      if (entry === undefined || entry.byTerm >= coreTerm || handed.has(index, entry.term)) continue
      const instead = handed.term(index)
      const found = instead === undefined ? `a log that ends at ${handed.lastIndex}` : `one of term ${instead}`
      this.report(
        `${node} leads in term ${coreTerm} without entry ${index} of term ${entry.term}, ` +
          `committed by term ${entry.byTerm}: it has ${found}`,
      )
      return
    }
  }
}
