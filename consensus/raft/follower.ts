/**
 * What followers and candidates do with a message of their own term.
 */
import { NitroError } from '../../base/index.ts'
import { restoreConfiguration } from './changer.ts'
import { campaign, hup, poll } from './election.ts'
import { changeBase, switchToConfiguration } from './membership.ts'
import { newMessage } from './message.ts'
import type { Message } from './message.ts'
import type { Raft, StepOutcome } from './raft.ts'
import { broadcastAppend } from './replication.ts'
import { emptyConfiguration } from './tracker.ts'
import { emptySnapshot, hex, none } from './types.ts'
import type { Snapshot } from './types.ts'

/** Handles a message as follower. */
export function stepFollower(raft: Raft, m: Message): StepOutcome {
  const { logger } = raft.config
  switch (m.type) {
    case 'MsgProp':
      if (raft.lead === none) {
        logger?.('info', `${hex(raft.id)} no leader at term ${raft.term}; dropping proposal`)
        return 'noLeader'
      }
      if (raft.config.disableProposalForwarding) {
        logger?.(
          'info',
          `${hex(raft.id)} not forwarding to leader ${hex(raft.lead)} at term ${raft.term}; dropping proposal`,
        )
        return 'noLeader'
      }
      forward(raft, m)
      return 'ok'
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      raft.electionElapsed = 0
      raft.lead = m.from
      handleFromLeader(raft, m)
      return 'ok'
    case 'MsgTransferLeader':
      if (raft.lead === none) {
        logger?.('info', `${hex(raft.id)} no leader at term ${raft.term}; dropping leader transfer msg`)
        return 'noLeader'
      }
      forward(raft, m)
      return 'ok'
    case 'MsgForgetLeader':
      forgetLeader(raft)
      return 'ok'
    case 'MsgTimeoutNow':
      handleTimeoutNow(raft, m)
      return 'ok'
    case 'MsgReadIndex':
      if (raft.lead === none) {
        logger?.('info', `${hex(raft.id)} no leader at term ${raft.term}; dropping index reading msg`)
        return 'noLeader'
      }
      forward(raft, m)
      return 'ok'
    case 'MsgReadIndexResp':
      raft.readStates.push({ index: m.index, context: m.context })
      return 'ok'
    default:
      return 'ok'
  }
}

/** Handles a message as candidate or pre-candidate. */
export function stepCandidate(raft: Raft, m: Message): StepOutcome {
  switch (m.type) {
    case 'MsgProp':
      raft.config.logger?.('info', `${hex(raft.id)} no leader at term ${raft.term}; dropping proposal`)
      return 'noLeader'
    case 'MsgReadIndex':
    case 'MsgTransferLeader':
      return 'noLeader'
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      // Somebody else won this term.
      raft.becomeFollower(m.term, m.from)
      handleFromLeader(raft, m)
      return 'ok'
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
      // A late answer to the pre-vote is none to the vote, and the other way round.
      if (m.type === (raft.role === 'preCandidate' ? 'MsgPreVoteResp' : 'MsgVoteResp')) handleVoteResponse(raft, m)
      return 'ok'
    case 'MsgTimeoutNow':
      raft.config.logger?.('debug', `${hex(raft.id)} [term ${raft.term}] ignored MsgTimeoutNow from ${hex(m.from)}`)
      return 'ok'
    default:
      return 'ok'
  }
}

function handleVoteResponse(raft: Raft, m: Message): void {
  const result = poll(raft, m)
  if (result === 'lost') {
    // The answer to a pre-vote holds the asked term; ours stays.
    raft.becomeFollower(raft.term, none)
  } else if (result === 'won') {
    if (raft.role === 'preCandidate') {
      campaign(raft, 'election')
    } else {
      raft.becomeLeader()
      broadcastAppend(raft)
    }
  }
}

/** Passes a message on to the leader. Who sent it first stays in it; its term does not. */
function forward(raft: Raft, m: Message): void {
  const onward = newMessage(m.type, raft.lead)
  onward.from = m.from
  onward.entries = m.entries
  onward.context = m.context
  raft.send(onward)
}

function forgetLeader(raft: Raft): void {
  const { logger } = raft.config
  if (raft.config.readOnlyOption === 'leaseBased') {
    // Forgetting lets this voter elect another leader while the present one relies on its loyalty.
    logger?.('error', 'ignoring MsgForgetLeader due to ReadOnlyLeaseBased')
    return
  }
  if (raft.lead === none) return
  logger?.('info', `${hex(raft.id)} forgetting leader ${hex(raft.lead)} at term ${raft.term}`)
  raft.lead = none
}

function handleTimeoutNow(raft: Raft, m: Message): void {
  if (raft.config.readOnlyOption === 'leaseBased' && m.round < raft.leaderRound) {
    // This order is older than a heartbeat that was echoed: the leader may have given the transfer up and rely on it.
    raft.config.logger?.(
      'info',
      `${hex(raft.id)} [term ${raft.term}] ignored an outdated MsgTimeoutNow from ${hex(m.from)}`,
    )
    return
  }
  raft.config.logger?.(
    'info',
    `${hex(raft.id)} [term ${raft.term}] received MsgTimeoutNow from ${hex(m.from)} and starts an election to get leadership.`,
  )
  // No pre-vote: the leader itself asked for it.
  hup(raft, 'transfer')
}

function handleFromLeader(raft: Raft, m: Message): void {
  raft.heardAt = raft.ticks
  if (m.type === 'MsgApp') handleAppend(raft, m)
  else if (m.type === 'MsgHeartbeat') handleHeartbeat(raft, m)
  else handleSnapshot(raft, m)
}

function handleAppend(raft: Raft, m: Message): void {
  const answer = newMessage('MsgAppResp', m.from)
  if (m.index < raft.log.committed) {
    answer.index = raft.log.committed
    raft.send(answer)
    return
  }
  const last = raft.log.maybeAppend(m.index, m.logTerm, m.commit, m.entries)
  if (last !== -1) {
    answer.index = last
    raft.send(answer)
    return
  }
  const known = raft.log.termOrZero(m.index)
  raft.config.logger?.(
    'debug',
    `${hex(raft.id)} [logterm: ${known}, index: ${m.index}] rejected MsgApp [logterm: ${m.logTerm}, index: ${m.index}] from ${hex(m.from)}`,
  )
  const hint = raft.log.findConflictByTerm(Math.min(m.index, raft.log.lastIndex()), m.logTerm)
  answer.index = m.index
  answer.reject = true
  answer.rejectHint = hint
  answer.logTerm = raft.log.termOrZero(hint)
  raft.send(answer)
}

function handleHeartbeat(raft: Raft, m: Message): void {
  if (m.commit > raft.log.lastIndex()) {
    // The leader holds our acknowledgement of entries that we do not have.
    throw new NitroError(
      'LogDamaged',
      `entries up to ${m.commit} were acknowledged here, the log ends at ${raft.log.lastIndex()}`,
      {
        details: { acknowledged: m.commit, lastIndex: raft.log.lastIndex() },
      },
    )
  }
  raft.log.commitTo(m.commit)
  raft.leaderRound = Math.max(raft.leaderRound, m.round)
  const answer = newMessage('MsgHeartbeatResp', m.from)
  answer.round = m.round
  raft.send(answer)
}

function handleSnapshot(raft: Raft, m: Message): void {
  const snapshot = m.snapshot ?? emptySnapshot
  const restored = restore(raft, snapshot)
  const { index, term } = snapshot.meta
  raft.config.logger?.(
    'info',
    `${hex(raft.id)} [commit: ${raft.log.committed}] ${restored ? 'restored' : 'ignored'} snapshot [index: ${index}, term: ${term}]`,
  )
  const answer = newMessage('MsgAppResp', m.from)
  answer.index = restored ? raft.log.lastIndex() : raft.log.committed
  raft.send(answer)
}

/** Replaces the log by a snapshot, unless that would tell nothing new. */
function restore(raft: Raft, snapshot: Snapshot): boolean {
  const { index, term, confState } = snapshot.meta
  const { log } = raft
  if (index <= log.committed) return false
  if (confState.voters.length === 0) {
    raft.config.logger?.('warn', `${hex(raft.id)} refused a snapshot of a group without voters`)
    return false
  }
  // This node need not be a member there: it may have been added after the snapshot was made, and the log behind it says so.
  const ours = (): string => `[commit: ${log.committed}, lastindex: ${log.lastIndex()}, lastterm: ${log.lastTerm()}]`
  if (log.matches(index, term)) {
    // The log has it all: only the commit mark was behind.
    raft.config.logger?.(
      'info',
      `${hex(raft.id)} ${ours()} fast-forwarded commit to snapshot [index: ${index}, term: ${term}]`,
    )
    log.commitTo(index)
    return false
  }
  const base = { ...changeBase(raft), config: emptyConfiguration, progress: new Map(), lastIndex: index }
  const restored = restoreConfiguration(base, confState)
  if (!restored.ok) {
    raft.config.logger?.(
      'error',
      `${hex(raft.id)} refused a snapshot with an impossible configuration: ${restored.refused}`,
    )
    return false
  }
  log.restore(snapshot)
  switchToConfiguration(raft, restored.config, restored.progress)
  raft.config.logger?.('info', `${hex(raft.id)} ${ours()} restored snapshot [index: ${index}, term: ${term}]`)
  return true
}
