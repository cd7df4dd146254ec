/**
 * The leader's answers to reads: hold them while they cannot be safe, otherwise by lease or by a heartbeat round.
 */
import { newMessage } from './message.ts'
import type { Message } from './message.ts'
import type { Raft } from './raft.ts'
import { broadcastHeartbeat } from './replication.ts'
import { none } from './types.ts'
import type { Index } from './types.ts'

/**
 * How long the lease of a round lasts, in ticks: an election timeout less a quarter of it. The rest is the margin for
 * clocks that run at different rates and for ticks that come late.
 */
function leaseTicks(raft: Raft): number {
  const { electionTick } = raft.config
  return electionTick - Math.ceil(electionTick / 4)
}

/** Whether a lease covers this moment; see `reads.ts`. */
export function leaseTrusted(raft: Raft): boolean {
  return raft.role === 'leader' && raft.leadTransferee === none && raft.reads.leaseHolds(raft.ticks, leaseTicks(raft))
}

/** A leader knows the commit index of earlier terms only after it committed an entry of its own (dissertation, 6.4). */
function committedInTerm(raft: Raft): boolean {
  return raft.log.termOrZero(raft.log.committed) === raft.term
}

/** Takes a read as leader. */
export function handleRead(raft: Raft, m: Message): void {
  if (!committedInTerm(raft) || raft.leadTransferee !== none) {
    raft.heldReads.push(m)
    return
  }
  const { committed } = raft.log
  const alone = raft.tracker.isSingleton(raft.id)
  if (alone || (raft.config.readOnlyOption === 'leaseBased' && leaseTrusted(raft))) {
    answerRead(raft, m, committed)
    return
  }
  raft.reads.add(m, committed)
  broadcastHeartbeat(raft)
}

/** Takes the held reads again, if there is no reason to hold them any more. */
export function releaseReads(raft: Raft): void {
  if (raft.heldReads.length === 0 || raft.role !== 'leader') return
  if (!committedInTerm(raft) || raft.leadTransferee !== none) return
  const held = raft.heldReads
  raft.heldReads = []
  for (const m of held) handleRead(raft, m)
}

/** Answers all reads that the echoes so far confirm. */
export function answerConfirmedReads(raft: Raft): void {
  for (const read of raft.reads.confirm(raft.tracker.quorumIndex(raft.reads))) {
    answerRead(raft, read.request, read.index)
  }
}

function answerRead(raft: Raft, request: Message, index: Index): void {
  if (request.from === none || request.from === raft.id) {
    raft.readStates.push({ index, context: request.context })
    return
  }
  const answer = newMessage('MsgReadIndexResp', request.from)
  answer.index = index
  answer.context = request.context
  raft.send(answer)
}
