/** Election safety: at most one leader is elected in a term (Raft paper, figure 3). */
import type { Checker, Report } from './checker.ts'

/** Watches elections of all nodes. */
export class ElectionSafety implements Checker {
  readonly property = 'election safety'
  private readonly leaders = new Map<number, string>()
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  /** Terms that had a leader. */
  get terms(): number {
    return this.leaders.size
  }

  leads(node: string, term: number): void {
    const known = this.leaders.get(term) ?? node
    this.leaders.set(term, known)
    if (known !== node) this.report(`term ${term} has two leaders, ${known} and ${node}`)
  }
}
