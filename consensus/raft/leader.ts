/**
 * What a leader does with a message of its own term.
 */
import { emptyBytes, isNitroError } from '../../base/index.ts'
import { asV2 } from './confchange.ts'
import { confChangeOf } from './confchange-codec.ts'
import { describeProgress } from './describe.ts'
import { refusalOf } from './membership.ts'
import { newMessage } from './message.ts'
import type { Message } from './message.ts'
import type { Progress } from './progress.ts'
import type { Raft, StepOutcome } from './raft.ts'
import { answerConfirmedReads, handleRead, releaseReads } from './read-index.ts'
import { appendEntries, broadcastAppend, broadcastHeartbeat, maybeCommit, sendAppend } from './replication.ts'
import { trace } from './trace.ts'
import { hex, none } from './types.ts'
import type { Entry, NodeId } from './types.ts'

const nothing: Entry = Object.freeze({ term: 0, index: 0, type: 'normal', data: emptyBytes })

/** Handles a message as leader. */
export function stepLeader(raft: Raft, m: Message): StepOutcome {
  switch (m.type) {
    case 'MsgBeat':
      broadcastHeartbeat(raft)
      return 'ok'
    case 'MsgCheckQuorum':
      checkQuorum(raft)
      return 'ok'
    case 'MsgProp':
      return handleProposal(raft, m)
    case 'MsgReadIndex':
      handleRead(raft, m)
      return 'ok'
    case 'MsgForgetLeader':
      return 'ok'
    default:
  }
  const progress = raft.tracker.progress.get(m.from)
  if (progress === undefined) {
    raft.config.logger?.('debug', `${hex(raft.id)} no progress available for ${hex(m.from)}`)
    return 'ok'
  }
  if (m.type === 'MsgAppResp') handleAppendResponse(raft, m, progress)
  else if (m.type === 'MsgHeartbeatResp') handleHeartbeatResponse(raft, m, progress)
  else if (m.type === 'MsgSnapStatus') handleSnapshotStatus(raft, m, progress)
  else if (m.type === 'MsgUnreachable') handleUnreachable(raft, m, progress)
  else if (m.type === 'MsgTransferLeader') handleTransfer(raft, m.from, progress)
  return 'ok'
}

function checkQuorum(raft: Raft): void {
  if (!raft.tracker.quorumActive()) {
    raft.config.logger?.('warn', `${hex(raft.id)} stepped down to follower since quorum is not active`)
    raft.becomeFollower(raft.term, none)
  }
  // Whoever is to count at the next check has to be heard until then.
  for (const [id, progress] of raft.tracker.progress) if (id !== raft.id) progress.recentActive = false
}

/** Takes entries in. A configuration change that must not be now is replaced by an empty entry, so indexes still fit. */
function handleProposal(raft: Raft, m: Message): StepOutcome {
  const { logger } = raft.config
  // A leader that was removed from the group takes nothing any more.
  if (m.entries.length === 0 || !raft.tracker.progress.has(raft.id)) return 'dropped'
  if (raft.leadTransferee !== none) {
    const target = hex(raft.leadTransferee)
    logger?.(
      'debug',
      `${hex(raft.id)} [term ${raft.term}] transfer leadership to ${target} is in progress; dropping proposal`,
    )
    return 'dropped'
  }
  let { entries } = m
  let pending = raft.pendingConfIndex
  for (let i = 0; i < m.entries.length; i++) {
    const entry = m.entries[i] as Entry
    if (entry.type === 'normal') continue
    const refusal = refusalOfEntry(raft, entry, pending)
    if (refusal === undefined) return 'dropped'
    if (refusal === '') {
      pending = raft.log.lastIndex() + i + 1
    } else {
      logger?.('info', `${hex(raft.id)} ignoring conf change: ${refusal}`)
      entries = entries.map((kept, at) => (at === i ? nothing : kept))
    }
  }
  if (!appendEntries(raft, entries)) return 'dropped'
  if (pending !== raft.pendingConfIndex) {
    raft.pendingConfIndex = pending
    trace(raft, 'ChangeConf')
  }
  broadcastAppend(raft)
  return 'ok'
}

/** Why a change is refused, '' if it is not, undefined if its bytes are none. */
function refusalOfEntry(raft: Raft, entry: Entry, pending: number): string | undefined {
  try {
    const change = confChangeOf(entry)
    return change === undefined ? '' : refusalOf(raft, asV2(change), pending)
  } catch (thrown) {
    if (isNitroError(thrown, 'MalformedFrame')) return undefined
    throw thrown
  }
}

function handleAppendResponse(raft: Raft, m: Message, progress: Progress): void {
  if (!m.reject && m.index > raft.log.lastIndex()) {
    // Nothing was ever appended there in this term: this log, or the follower's, is not what it was. Counting it would
    // commit entries that the follower does not have.
    raft.config.logger?.(
      'error',
      `${hex(raft.id)} ignores an acknowledgement of ${m.index} from ${hex(m.from)}: ` +
        `the log ends at ${raft.log.lastIndex()}; an older copy of a member's directory may have been started`,
    )
    return
  }
  progress.recentActive = true
  if (m.reject) {
    handleAppendRefusal(raft, m, progress)
    return
  }
  // News, or the answer that shows a probed follower to be complete. The latter means nothing in `snapshot`: a
  // follower at `match` still lacks what the log no longer has.
  if (!progress.maybeUpdate(m.index) && !(progress.match === m.index && progress.state === 'probe')) return
  if (progress.state === 'probe') {
    progress.becomeReplicate()
  } else if (progress.state === 'snapshot' && progress.match + 1 >= raft.log.firstIndex()) {
    // Any snapshot that reconnects to the log will do, whichever was sent. Through `probe`, which takes it into account.
    raft.config.logger?.(
      'debug',
      `${hex(raft.id)} recovered from needing snapshot, resumed sending replication messages to ` +
        `${hex(m.from)} [${describeProgress(progress)}]`,
    )
    progress.becomeProbe()
    progress.becomeReplicate()
  } else if (progress.state === 'replicate') {
    progress.inflights.freeThrough(m.index)
  }
  if (maybeCommit(raft)) {
    releaseReads(raft)
    broadcastAppend(raft)
  } else if (m.from !== raft.id && progress.canBumpCommit(raft.log.committed)) {
    // Heartbeats tell the commit index, too, but later.
    sendAppend(raft, m.from)
  }
  // The window may have room for several messages now.
  if (m.from !== raft.id) while (sendAppend(raft, m.from, false));
  if (m.from === raft.leadTransferee && progress.match === raft.log.lastIndex()) {
    raft.config.logger?.('info', `${hex(raft.id)} sent MsgTimeoutNow to ${hex(m.from)} after received MsgAppResp`)
    sendTimeoutNow(raft, m.from)
  }
}

/** Goes back to where the logs may agree; see `RaftLog.findConflictByTerm` for how whole terms are skipped. */
function handleAppendRefusal(raft: Raft, m: Message, progress: Progress): void {
  const { logger } = raft.config
  logger?.(
    'debug',
    `${hex(raft.id)} received MsgAppResp(rejected, hint: (index ${m.rejectHint}, term ${m.logTerm})) ` +
      `from ${hex(m.from)} for index ${m.index}`,
  )
  const next = m.logTerm > 0 ? raft.log.findConflictByTerm(m.rejectHint, m.logTerm) : m.rejectHint
  if (!progress.maybeDecreaseTo(m.index, next)) return
  logger?.('debug', `${hex(raft.id)} decreased progress of ${hex(m.from)} to [${describeProgress(progress)}]`)
  if (progress.state === 'replicate') progress.becomeProbe()
  sendAppend(raft, m.from)
}

function handleHeartbeatResponse(raft: Raft, m: Message, progress: Progress): void {
  progress.recentActive = true
  progress.appendPaused = false
  // Also to a full window (an empty append frees it if all in flight was lost) and to a complete follower that is
  // being probed (the answer lets it replicate again).
  if (progress.match < raft.log.lastIndex() || progress.state === 'probe') sendAppend(raft, m.from)
  if (m.round === 0) return
  raft.reads.acknowledge(m.from, m.round)
  answerConfirmedReads(raft)
}

function handleSnapshotStatus(raft: Raft, m: Message, progress: Progress): void {
  if (progress.state !== 'snapshot') return
  if (m.reject) progress.pendingSnapshot = 0
  progress.becomeProbe()
  const verdict = m.reject ? 'failed' : 'succeeded'
  raft.config.logger?.(
    'debug',
    `${hex(raft.id)} snapshot ${verdict}, resumed sending replication messages to ${hex(m.from)} [${describeProgress(progress)}]`,
  )
  // Wait: for the follower's own answer if it worked, for a heartbeat interval if it did not.
  progress.appendPaused = true
}

function handleUnreachable(raft: Raft, m: Message, progress: Progress): void {
  // Appends in flight are probably lost.
  if (progress.state === 'replicate') progress.becomeProbe()
  raft.config.logger?.(
    'debug',
    `${hex(raft.id)} failed to send message to ${hex(m.from)} because it is unreachable [${describeProgress(progress)}]`,
  )
}

function handleTransfer(raft: Raft, target: NodeId, progress: Progress): void {
  const { logger } = raft.config
  const us = `${hex(raft.id)} [term ${raft.term}]`
  if (progress.isLearner) {
    logger?.('debug', `${hex(raft.id)} is learner. Ignored transferring leadership`)
    return
  }
  if (raft.leadTransferee === target) {
    logger?.(
      'info',
      `${us} transfer leadership to ${hex(target)} is in progress, ignores request to same node ${hex(target)}`,
    )
    return
  }
  if (raft.leadTransferee !== none) {
    logger?.('info', `${us} abort previous transferring leadership to ${hex(raft.leadTransferee)}`)
    raft.abortTransfer()
  }
  if (target === raft.id) {
    logger?.('debug', `${hex(raft.id)} is already leader. Ignored transferring leadership to self`)
    return
  }
  logger?.('info', `${us} starts to transfer leadership to ${hex(target)}`)
  // It has one election timeout from now.
  raft.electionElapsed = 0
  raft.leadTransferee = target
  if (progress.match === raft.log.lastIndex()) {
    sendTimeoutNow(raft, target)
    logger?.(
      'info',
      `${hex(raft.id)} sends MsgTimeoutNow to ${hex(target)} immediately as ${hex(target)} already has up-to-date log`,
    )
  } else {
    sendAppend(raft, target)
  }
}

function sendTimeoutNow(raft: Raft, target: NodeId): void {
  raft.reads.orderedToCampaign(target)
  const m = newMessage('MsgTimeoutNow', target)
  m.round = raft.reads.round
  raft.send(m)
}
