/**
 * Committed is durable: when a leader takes an entry for committed, a majority of its voters has it on disk, and nobody who
 * lacks it could still be elected (the invariants QuorumLogInv and CommittedIsDurableInv of etcd's model). The latter is
 * more than a majority where an entry of an older term is concerned (Raft paper, figure 8); so a leader's commit index only
 * ever moves to an entry of its own term (5.4.2), whether or not this run has a log that could replace the other one.
 * Everybody else only learns what a leader has committed; a leader that is deposed in the turn in which it committed
 * something hands that out as a follower, and is judged as the leader that it was.
 */
import type { Ready } from '../../../consensus/index.ts'
import type { Checker, Report } from './checker.ts'
import type { MemberLogs } from './member-logs.ts'

/** Watches the commit index of every node. */
export class CommittedIsDurable implements Checker {
  readonly property = 'committed is durable'
  /** Highest index that a leader committed. */
  highest = 0
  private readonly seen = new Map<string, number>()
  private readonly logs: MemberLogs
  private readonly report: Report

  constructor(logs: MemberLogs, report: Report) {
    this.logs = logs
    this.report = report
  }

  opened(node: string): void {
    this.seen.set(node, this.logs.of(node)?.commit ?? 0)
  }

  handsOut(node: string, { hardState }: Ready): void {
    const one = this.logs.of(node)
    if (one === undefined || hardState === undefined) return
    const { commit } = hardState
    if (commit <= (this.seen.get(node) ?? 0)) return
    this.seen.set(node, commit)
    const { role, ledTerm } = one
    // Who led until this turn may have counted the last copies and then heard of a higher term, all before it hands out.
    if (role !== 'leader' && commit <= this.highest) return
    if (ledTerm === 0) return this.report(`${node} takes entry ${commit} for committed, and no leader has`)
    this.highest = Math.max(this.highest, commit)
    const term = one.handed.term(commit)
    if (term === undefined) return this.report(`${node} commits ${commit}, which its log does not have`)
    const { incoming, outgoing } = one.member.core.configuration
    const voters = { voters: incoming, votersOutgoing: outgoing }
    const who = `${node} commits entry ${commit} of term ${term} in term ${ledTerm}`
    if (!this.logs.onMajority(commit, term, voters)) {
      this.report(`${who}, but no majority of ${describeVoters(voters)} has it on disk`)
      return
    }
    if (term !== ledTerm) this.report(`${who}, by counting: a log with a term in between could replace it`)
    const rival = this.logs.electableWithout(commit, term, voters)
    if (rival !== undefined) this.report(`${who}, but ${rival} lacks it and could still be elected`)
  }
}

function describeVoters({
  voters,
  votersOutgoing,
}: {
  voters: readonly number[]
  votersOutgoing: readonly number[]
}): string {
  const half = (ids: readonly number[]): string => `(${ids.join(' ')})`
  return votersOutgoing.length === 0 ? half(voters) : `${half(voters)} and ${half(votersOutgoing)}`
}
