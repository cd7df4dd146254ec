/**
 * Counted copies exist: what a leader counts as a follower's copy is on that follower's disk. It is the invariant of `match`:
 * "the follower's log is known to agree with the leader's up to here", and every commit rests on it.
 */
import type { Message, NodeId, Ready } from '../../../consensus/index.ts'
import type { Checker, Report } from './checker.ts'
import type { MemberLogs } from './member-logs.ts'

/** Looks at a leader's view of each follower after that follower acknowledged something. */
export class CountedCopiesExist implements Checker {
  readonly property = 'counted copies exist'
  /** By leader: followers that acknowledged something since its last hand-out. */
  private readonly heard = new Map<string, Set<NodeId>>()
  private readonly logs: MemberLogs
  private readonly report: Report

  constructor(logs: MemberLogs, report: Report) {
    this.logs = logs
    this.report = report
  }

  received(node: string, { type, from, reject }: Message): void {
    const one = this.logs.of(node)
    if (type !== 'MsgAppResp' || reject || one?.role !== 'leader' || from === one.raftId) return
    let heard = this.heard.get(node)
    if (heard === undefined) this.heard.set(node, (heard = new Set()))
    heard.add(from)
  }

  handsOut(node: string, _ready: Ready): void {
    const heard = this.heard.get(node)
    if (heard === undefined || heard.size === 0) return
    const one = this.logs.of(node)
    if (one?.role === 'leader') {
      const { core } = one.member
      for (const id of heard) this.judge(node, id, core.matchOf(id))
    }
    heard.clear()
  }

  private judge(node: string, id: NodeId, match: number): void {
    const leader = this.logs.of(node)
    const follower = this.logs.member(id)
    // A follower of a later term may rightly have replaced what this leader still counts.
    if (leader === undefined || follower === undefined || follower.term > leader.coreTerm) return
    const term = leader.handed.term(match)
    if (term === undefined || follower.durable.has(match, term)) return
    const has = follower.durable.term(match)
    const found = has === undefined ? `a log that ends at ${follower.durable.lastIndex}` : `one of term ${has} there`
    this.report(`${node} counts ${follower.node} up to entry ${match} of term ${term}, and that has ${found} on disk`)
  }
}
