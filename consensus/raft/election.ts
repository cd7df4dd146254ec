/**
 * Elections: campaigning, granting votes, counting them (Raft paper, 5.2 and 5.4.1; pre-vote: dissertation, 9.6).
 */
import { assert } from '../../base/index.ts'
import { isVoteRequest, newMessage, voteResponseType } from './message.ts'
import type { Message } from './message.ts'
import type { Raft } from './raft.ts'
import type { VoteResult } from './quorum.ts'
import { hex, none } from './types.ts'

/** Why a node campaigns: to ask whether it could win, to win, or because the leader told it to take over. */
export type CampaignKind = 'preElection' | 'election' | 'transfer'

/** Campaigns unless something speaks against it. */
export function hup(raft: Raft, kind: CampaignKind): void {
  const { logger } = raft.config
  if (raft.role === 'leader') {
    logger?.('debug', `${hex(raft.id)} ignoring MsgHup because already leader`)
    return
  }
  if (!raft.promotable()) {
    logger?.('warn', `${hex(raft.id)} is unpromotable and can not campaign`)
    return
  }
  if (kind !== 'transfer' && raft.boundByLease()) {
    // Only an explicit request comes here: the timer does not run out before the bond ends.
    logger?.('warn', `${hex(raft.id)} does not campaign while a leader may rely on its lease`)
    return
  }
  if (hasUnappliedChanges(raft)) {
    // Configurations take effect when applied: campaigning now could count votes of the wrong members.
    logger?.(
      'warn',
      `${hex(raft.id)} cannot campaign at term ${raft.term} since there are still pending configuration changes to apply`,
    )
    return
  }
  logger?.('info', `${hex(raft.id)} is starting a new election at term ${raft.term}`)
  campaign(raft, kind)
}

/** Whether committed configuration changes wait to be applied; looked for in pages of bounded size. */
function hasUnappliedChanges(raft: Raft): boolean {
  const { log } = raft
  let at = log.applied + 1
  while (at <= log.committed) {
    const page = log.slice(at, log.committed + 1, log.maxApplyingSize)
    assert(typeof page !== 'string', 'unapplied entries are gone from storage')
    if (page.some((entry) => entry.type !== 'normal')) return true
    at += page.length
  }
  return false
}

/** Asks all voters. The own vote is an ordinary answer that comes back once it is durable. */
export function campaign(raft: Raft, kind: CampaignKind): void {
  if (kind === 'preElection') raft.becomePreCandidate()
  else raft.becomeCandidate()
  const type = kind === 'preElection' ? 'MsgPreVote' : 'MsgVote'
  const term = kind === 'preElection' ? raft.term + 1 : raft.term
  const lastIndex = raft.log.lastIndex()
  const lastTerm = raft.log.lastTerm()
  for (const id of raft.tracker.voters) {
    if (id === raft.id) {
      const own = newMessage(voteResponseType(type), id)
      own.term = term
      raft.send(own)
      continue
    }
    raft.config.logger?.(
      'info',
      `${hex(raft.id)} [logterm: ${lastTerm}, index: ${lastIndex}] sent ${type} request to ${hex(id)} at term ${raft.term}`,
    )
    const request = newMessage(type, id)
    request.term = term
    request.index = lastIndex
    request.logTerm = lastTerm
    request.force = kind === 'transfer'
    raft.send(request)
  }
}

/**
 * Grants or refuses a vote. Learners vote, too: one that was promoted may not have applied that yet, and the group may
 * need it to elect the only node that can tell it.
 */
export function handleVoteRequest(raft: Raft, m: Message): void {
  assert(isVoteRequest(m.type), 'a vote request')
  const canVote =
    // the same vote again,
    raft.vote === m.from ||
    // or the first one, without knowing of a leader,
    (raft.vote === none && raft.lead === none) ||
    // or a mere question about a later term
    (m.type === 'MsgPreVote' && m.term > raft.term)
  const granted = canVote && raft.log.isUpToDate(m.index, m.logTerm)
  raft.config.logger?.(
    'info',
    `${hex(raft.id)} [${raft.describeLast()}] ${granted ? 'cast' : 'rejected'} ${m.type} ${granted ? 'for' : 'from'} ${hex(m.from)} ` +
      `[logterm: ${m.logTerm}, index: ${m.index}] at term ${raft.term}`,
  )
  const answer = newMessage(voteResponseType(m.type), m.from)
  if (!granted) {
    answer.term = raft.term
    answer.reject = true
    raft.send(answer)
    return
  }
  // The asked term, not ours: a pre-candidate drops answers of the past, and ours may be behind.
  answer.term = m.term
  raft.send(answer)
  if (m.type === 'MsgVote') {
    raft.electionElapsed = 0
    raft.vote = m.from
  }
}

/** Answers a pre-vote of an older term, so that the asker learns the present one. */
export function refusePreVote(raft: Raft, m: Message): void {
  raft.config.logger?.(
    'info',
    `${hex(raft.id)} [${raft.describeLast()}] rejected ${m.type} from ${hex(m.from)} ` +
      `[logterm: ${m.logTerm}, index: ${m.index}] at term ${raft.term}`,
  )
  const answer = newMessage('MsgPreVoteResp', m.from)
  answer.term = raft.term
  answer.reject = true
  raft.send(answer)
}

/** Counts an answer and returns the standing. */
export function poll(raft: Raft, m: Message): VoteResult {
  const { logger } = raft.config
  const verdict = m.reject ? `${m.type} rejection` : m.type
  logger?.('info', `${hex(raft.id)} received ${verdict} from ${hex(m.from)} at term ${raft.term}`)
  raft.tracker.recordVote(m.from, !m.reject)
  const { granted, rejected, result } = raft.tracker.tally()
  logger?.('info', `${hex(raft.id)} has received ${granted} ${m.type} votes and ${rejected} vote rejections`)
  return result
}
