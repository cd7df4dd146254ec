/**
 * A stable leader: a node that heard from the leader of its term within the shortest election timeout neither votes for
 * another one nor says that it would, unless the leader itself asked for that by a transfer (dissertation, 4.2.3 and 9.6).
 * Otherwise a node that comes back from a partition, or was removed, deposes a leader that everybody else hears.
 */
import type { Message, Ready } from '../../../consensus/index.ts'
import type { ObservedMember } from '../../replica/index.ts'
import type { Checker, Report } from './checker.ts'

interface Ear {
  readonly self: number
  leader: number
  term: number
  heardMs: number
  /** Hears from the leader since the last hand-out: in which order with a request is not known. */
  heardNow: boolean
  /** Candidates that may disregard the leader. */
  forced: Set<number>
}

/** Watches who answers whom. */
export class StableLeader implements Checker {
  readonly property = 'stable leader'
  private readonly ears = new Map<string, Ear>()
  private readonly nowMs: () => number
  /** Within this a leader is surely heard of recently, whatever the node's clock. */
  private readonly recentMs: number
  private readonly report: Report

  constructor(nowMs: () => number, recentMs: number, report: Report) {
    this.nowMs = nowMs
    this.recentMs = recentMs
    this.report = report
  }

  opened(node: string, { raftId, core }: ObservedMember): void {
    this.ears.set(node, {
      self: raftId,
      leader: 0,
      term: core.term,
      heardMs: -Infinity,
      heardNow: false,
      forced: new Set(),
    })
  }

  received(node: string, { type, from, term, force }: Message): void {
    const ear = this.ears.get(node)
    if (ear === undefined) return
    if (type === 'MsgVote' && force) ear.forced.add(from)
    if ((type !== 'MsgHeartbeat' && type !== 'MsgApp') || term < ear.term) return
    ear.heardNow ||= ear.leader !== from || ear.term !== term || ear.heardMs + this.recentMs <= this.nowMs()
    ear.leader = from
    ear.term = term
    ear.heardMs = this.nowMs()
  }

  handsOut(node: string, { messages, hardState, softState }: Ready): void {
    const ear = this.ears.get(node)
    if (ear === undefined) return
    // Where a transfer began in this turn, what follows it is not judged.
    const disturbed = hardState !== undefined && hardState.term > ear.term && ear.forced.size > 0
    if (!disturbed) for (const { responses } of messages) for (const answer of responses) this.judge(node, ear, answer)
    ear.heardNow = false
    if (hardState !== undefined && hardState.term > ear.term) {
      ear.term = hardState.term
      ear.leader = 0
      ear.forced.clear()
    }
    if (softState?.lead === 0) ear.leader = 0
  }

  private judge(node: string, ear: Ear, answer: Message): void {
    // Whoever votes for itself was told to, or has waited long enough by its own clock.
    if (answer.type !== 'MsgVoteResp' && answer.type !== 'MsgPreVoteResp') return
    const { to, reject, term } = answer
    if (
      reject ||
      to === ear.self ||
      to === ear.leader ||
      term <= ear.term ||
      ear.leader === 0 ||
      ear.heardNow ||
      ear.forced.has(to)
    )
      return
    const agoMs = this.nowMs() - ear.heardMs
    if (agoMs >= this.recentMs) return
    this.report(
      `${node} gives ${to} a ${answer.type} for term ${term}, ${agoMs.toFixed(0)} ms after it heard from ` +
        `${ear.leader}, who leads in term ${ear.term}`,
    )
  }
}
