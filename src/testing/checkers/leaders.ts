/** Election safety: at most one leader is elected in a term (Raft paper, figure 3). */
import type { Violations } from './violations.ts'

/** Watches elections of all nodes. */
export class LeaderChecker {
  private readonly leaders = new Map<number, string>()
  private readonly violations: Violations

  constructor(violations: Violations) {
    this.violations = violations
  }

  /** Terms that had a leader. */
  get terms(): number {
    return this.leaders.size
  }

  /** `node` says that it leads in `term`. */
  leads(node: string, term: number): void {
    const known = this.leaders.get(term) ?? node
    this.leaders.set(term, known)
    if (known !== node) this.violations.add(`term ${term} has two leaders, ${known} and ${node}`)
  }
}
