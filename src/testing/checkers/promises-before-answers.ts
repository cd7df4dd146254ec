/**
 * Promises before answers: a vote leaves a node, and counts for itself, when term and vote are on disk; an acknowledgement
 * leaves when term and entries are on disk (Raft paper, figure 2: "updated on stable storage before responding").
 */
import type { Message } from '../../../consensus/index.ts'
import type { Checker, Report } from './checker.ts'
import type { MemberLog, MemberLogs } from './member-logs.ts'

/** Compares what leaves with what is on disk at that moment. */
export class PromisesBeforeAnswers implements Checker {
  readonly property = 'promises before answers'
  private readonly logs: MemberLogs
  private readonly report: Report

  constructor(logs: MemberLogs, report: Report) {
    this.logs = logs
    this.report = report
  }

  leads(node: string, term: number): void {
    const one = this.logs.of(node)
    if (one !== undefined && !hasVoted(one, term, one.raftId)) {
      this.report(`${node} leads in term ${term}, its own vote is not on disk: ${promised(one)}`)
    }
  }

  sent(node: string, message: Message): void {
    const one = this.logs.of(node)
    if (one === undefined || message.reject) return
    const { type, term, to, index } = message
    if (type === 'MsgVoteResp' && !hasVoted(one, term, to)) {
      this.report(`${node} sends its vote for ${to} in term ${term} before that is on disk: ${promised(one)}`)
    } else if (type === 'MsgVote' && !hasVoted(one, term, one.raftId)) {
      this.report(`${node} asks for votes in term ${term} before its own is on disk: ${promised(one)}`)
    } else if (type === 'MsgAppResp' && !hasWritten(one, term, index)) {
      const disk = `${promised(one)}, entries up to ${one.durable.lastIndex}`
      this.report(`${node} acknowledges entries up to ${index} in term ${term} before they are on disk: ${disk}`)
    }
  }
}

/** Nobody asks again for a term that is over. */
function hasVoted(one: MemberLog, term: number, candidate: number): boolean {
  return one.term > term || (one.term === term && one.vote === candidate)
}

/**
 * A later leader may replace entries in the very write that would have stored them. An acknowledgement of them that leaves after it is as
 * one that was long on its way: harmless, if nothing of that time still waits for the disk.
 */
function hasWritten({ term, durable, pending }: MemberLog, ackTerm: number, index: number): boolean {
  if (term < ackTerm) return false
  if (durable.lastIndex >= index) return true
  return term > ackTerm && !pending.some((list) => list.some((one) => one.term <= ackTerm && one.index <= index))
}

function promised({ term, vote }: MemberLog): string {
  return `term ${term}, vote ${vote}`
}
