/**
 * Election safety: at most one leader is elected in a term (Raft paper, figure 3), and each by votes that a majority of its
 * voters has on disk.
 */
import type { Checker, Report } from './checker.ts'
import type { MemberLogs } from './member-logs.ts'

/** Watches elections of all nodes. */
export class ElectionSafety implements Checker {
  readonly property = 'election safety'
  private readonly leaders = new Map<number, string>()
  private readonly logs: MemberLogs
  private readonly report: Report

  constructor(logs: MemberLogs, report: Report) {
    this.logs = logs
    this.report = report
  }

  /** Terms that had a leader. */
  get terms(): number {
    return this.leaders.size
  }

  leads(node: string, term: number): void {
    const known = this.leaders.get(term) ?? node
    if (known !== node) this.report(`term ${term} has two leaders, ${known} and ${node}`)
    else if (!this.leaders.has(term)) this.checkVotes(node, term)
    this.leaders.set(term, known)
  }

  private checkVotes(node: string, term: number): void {
    const one = this.logs.of(node)
    if (one === undefined) return
    const { incoming, outgoing } = one.member.core.status().config
    // Whoever is in a later term by now does not tell any more for whom it voted.
    const voted = (id: number): boolean => {
      const voter = this.logs.member(id)
      return voter !== undefined && (voter.term > term || (voter.term === term && voter.vote === one.raftId))
    }
    if (this.logs.majority({ voters: incoming, votersOutgoing: outgoing }, voted)) return
    const votes = incoming.filter(voted).join(' ')
    this.report(
      `${node} leads in term ${term} by the votes of (${votes}), which is no majority of (${incoming.join(' ')})`,
    )
  }
}
