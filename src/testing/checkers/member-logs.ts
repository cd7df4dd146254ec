/**
 * The common picture of all logs: for each member what is durable, and what its core has handed out.
 *
 * Members are kept by raft id, which is never used again; of a member that is gone the disk stays, as it was. What is
 * durable here is what the log *said* is durable: whether it was right shows when the member opens it again.
 */
import type { ConfState, Entry, NodeId, Ready, Role } from '../../../consensus/index.ts'
import type { ObservedMember } from '../../replica/index.ts'
import type { LogBatch } from '../../storage/index.ts'
import type { Picture } from './checker.ts'
import { TermLog } from './term-log.ts'

/** One member. */
export interface MemberLog {
  readonly node: string
  readonly raftId: NodeId
  /** Term and vote on disk. */
  term: number
  vote: NodeId
  readonly durable: TermLog
  /** With what was handed out for writing. */
  readonly handed: TermLog
  /** Of the core, by its hand-outs. */
  coreTerm: number
  role: Role
  /**
   * The term in which it leads, or led until its last hand-out said that it does so no more; 0 if neither. What it committed
   * since the hand-out before that, it committed in this term, even if a higher one ended its lead in the same turn.
   */
  ledTerm: number
  commit: number
  /** Handed out and not yet reported as durable, in order. */
  pending: readonly Entry[][]
  /** Index of a snapshot that was handed out and is not reported as durable; 0 for none. */
  pendingSnapshot: number
  readonly member: ObservedMember
}

/** A member before and after its process was started again. */
export interface Reopened {
  readonly before: MemberLog
  readonly after: MemberLog
}

/** Follows every log. */
export class MemberLogs implements Picture {
  private readonly byId = new Map<NodeId, MemberLog>()
  private readonly byNode = new Map<string, MemberLog>()
  /** What the member that opened last was before; undefined for one that is new. */
  reopened: Reopened | undefined

  /** The member that this node is now. */
  of(node: string): MemberLog | undefined {
    return this.byNode.get(node)
  }

  /** The member of this id. */
  member(id: NodeId): MemberLog | undefined {
    return this.byId.get(id)
  }

  opened(node: string, member: ObservedMember): void {
    const before = this.byId.get(member.raftId)
    const after = readMember(node, member)
    this.byId.set(member.raftId, after)
    this.byNode.set(node, after)
    this.reopened = before === undefined ? undefined : { before, after }
  }

  handsOut(node: string, ready: Ready): void {
    const one = this.byNode.get(node)
    if (one === undefined) return
    const ledBefore = one.role === 'leader' ? one.coreTerm : 0
    if (ready.hardState !== undefined) {
      one.coreTerm = ready.hardState.term
      one.commit = Math.max(one.commit, ready.hardState.commit)
    }
    if (ready.softState !== undefined) one.role = ready.softState.role
    one.ledTerm = one.role === 'leader' ? one.coreTerm : ledBefore
    if (ready.snapshot !== undefined) {
      const { index, term } = ready.snapshot.meta
      one.handed.restore(index, term)
      one.pendingSnapshot = index
    }
    if (ready.entries.length === 0) return
    one.handed.append(ready.entries)
    one.pending = [...one.pending, [...ready.entries]]
  }

  written(node: string, { entries, hardState, snapshot }: LogBatch): void {
    const one = this.byNode.get(node)
    if (one === undefined) return
    if (snapshot !== undefined) {
      one.durable.restore(snapshot.index, snapshot.term)
      one.pendingSnapshot = 0
    }
    const term = Math.max(hardState?.term ?? one.term, snapshot?.term ?? 0)
    if (term > one.term) one.vote = 0
    one.term = term
    if (hardState?.term === term) one.vote = hardState.vote
    one.durable.append(entries)
    const last = entries.at(-1)
    if (last === undefined) return
    const done = one.pending.findLastIndex((list) => {
      const end = list.at(-1)
      return end?.index === last.index && end.term === last.term
    })
    one.pending = one.pending.slice(done + 1)
  }

  /** Whether a majority of the voters, or of both halves of a joint configuration, has the entry on disk. */
  onMajority(index: number, term: number, voters: Voters): boolean {
    return this.majority(voters, (id) => this.byId.get(id)?.durable.has(index, term) === true)
  }

  /** Whether a majority of the voters, or of both halves of a joint configuration, agrees. */
  majority({ voters, votersOutgoing }: Voters, agrees: (id: NodeId) => boolean): boolean {
    return majority(voters, agrees) && majority(votersOutgoing, agrees)
  }

  /** A voter that lacks the entry on disk and that a quorum would still elect, judged by what is on the disks. */
  electableWithout(index: number, term: number, voters: Voters): string | undefined {
    for (const id of new Set([...voters.voters, ...voters.votersOutgoing])) {
      const candidate = this.byId.get(id)
      if (candidate === undefined || candidate.durable.has(index, term)) continue
      const grants = (other: NodeId): boolean => {
        const voter = this.byId.get(other)
        return voter === undefined || isUpToDate(candidate.durable, voter.durable)
      }
      if (this.majority(voters, grants)) return candidate.node
    }
    return undefined
  }
}

/** Who decides. */
export type Voters = Pick<ConfState, 'voters' | 'votersOutgoing'>

function majority(ids: readonly NodeId[], agrees: (id: NodeId) => boolean): boolean {
  // Counted here and not by the core's own arithmetic, which is among what is checked.
  return ids.length === 0 || 2 * ids.filter(agrees).length > ids.length
}

function isUpToDate(one: TermLog, other: TermLog): boolean {
  if (one.lastTerm !== other.lastTerm) return one.lastTerm > other.lastTerm
  return one.lastIndex >= other.lastIndex
}

function readMember(node: string, member: ObservedMember): MemberLog {
  const { log, raftId } = member
  const durable = new TermLog()
  const first = log.firstIndex()
  const baseTerm = log.term(first - 1)
  durable.restore(first - 1, typeof baseTerm === 'number' ? baseTerm : 0)
  durable.append(entriesOf(member))
  const { term, vote, commit } = log.hardState
  const handed = durable.clone()
  const fresh = { role: 'follower', ledTerm: 0, pending: [], pendingSnapshot: 0 } as const
  return { node, raftId, term, vote, durable, handed, coreTerm: term, commit, ...fresh, member }
}

/** Every entry of a log that was just opened. */
export function entriesOf({ log }: ObservedMember): readonly Entry[] {
  const first = log.firstIndex()
  const after = log.lastIndex() + 1
  if (first >= after) return []
  const entries = log.entries(first, after, Number.MAX_SAFE_INTEGER)
  return typeof entries === 'string' ? [] : entries
}
