import { expect, test } from 'vitest'
import { Committed } from '../../../src/testing/checkers/committed.ts'
import { ElectionSafety } from '../../../src/testing/checkers/election-safety.ts'
import { LeaderCompleteness } from '../../../src/testing/checkers/leader-completeness.ts'
import { MemberLogs } from '../../../src/testing/checkers/member-logs.ts'
import { PromisesBeforeAnswers } from '../../../src/testing/checkers/promises-before-answers.ts'
import { StableLeader } from '../../../src/testing/checkers/stable-leader.ts'
import { entries, entry, machine, member, message, ready } from './reports.ts'

/** Members who voted like this in a term, by id. */
function voted(term: number, ...votes: number[]): { logs: MemberLogs; checker: ElectionSafety; found: string[] } {
  const found: string[] = []
  const logs = new MemberLogs()
  for (const [i, vote] of votes.entries()) logs.opened(`n${i + 1}`, member(i + 1, { term, vote }))
  return { logs, checker: new ElectionSafety(logs, (what) => found.push(what)), found }
}

test('one leader in each term is right, two in one term are found', () => {
  const { logs, checker, found } = voted(2, 1, 1, 0)
  checker.leads('n1', 2)
  checker.leads('n1', 2)
  expect(found).toEqual([])
  logs.written('n2', { entries: [], hardState: { term: 3, vote: 2, commit: 0 } })
  logs.written('n3', { entries: [], hardState: { term: 3, vote: 2, commit: 0 } })
  checker.leads('n2', 3)
  expect(found).toEqual([])
  expect(checker.terms).toBe(2)
  checker.leads('n3', 3)
  expect(found).toEqual(['term 3 has two leaders, n2 and n3'])
})

test('a leader without the votes of a majority on disk is found; those who are in a later term may have voted', () => {
  const lonely = voted(2, 1, 0, 3)
  lonely.checker.leads('n1', 2)
  expect(lonely.found.join()).toMatch(/n1 leads in term 2 by the votes of \(1\), which is no majority of \(1 2 3\)/)
  const late = voted(5, 0, 0, 0)
  late.checker.leads('n1', 4)
  expect(late.found).toEqual([])
})

/** n1 applied entries 1 to 3 in term `byTerm`; then n2, whose log has these terms, leads in `term`. */
function newLeader(byTerm: number, term: number, ...terms: number[]): string[] {
  const found: string[] = []
  const logs = new MemberLogs()
  const committed = new Committed(logs)
  const checker = new LeaderCompleteness(logs, committed, (what) => found.push(what))
  logs.opened('n1', member(1, { term: byTerm }))
  for (const one of entries(1, 1, 2)) committed.applied('n1', one, machine(one.index))
  logs.opened('n2', member(2, { term, entries: entries(...terms) }))
  const work = ready({ role: 'leader', entries: [entry(terms.length + 1, term)] })
  logs.handsOut('n2', work)
  checker.handsOut('n2', work)
  return found
}

test('a leader that lacks an entry committed in an earlier term is found', () => {
  expect(newLeader(2, 3, 1, 1, 2)).toEqual([])
  expect(newLeader(2, 3, 1, 1).join()).toMatch(/n2 leads in term 3 without entry 3 of term 2.*has one of term 3/)
  expect(newLeader(2, 3, 1, 1, 1, 1).join()).toMatch(/without entry 3/)
})

test('a leader elected late may lack what leaders of later terms committed', () => {
  expect(newLeader(4, 3, 1, 1)).toEqual([])
})

test('a leader whose log begins after committed entries is complete', () => {
  const found: string[] = []
  const logs = new MemberLogs()
  const committed = new Committed(logs)
  const checker = new LeaderCompleteness(logs, committed, (what) => found.push(what))
  logs.opened('n1', member(1, { term: 2 }))
  for (const one of entries(1, 1, 2)) committed.applied('n1', one, machine(one.index))
  logs.opened('n2', member(2, { term: 3, base: 3, baseTerm: 2 }))
  const work = ready({ role: 'leader' })
  logs.handsOut('n2', work)
  checker.handsOut('n2', work)
  expect(found).toEqual([])
})

function promises(disk: Parameters<typeof member>[1]): {
  checker: PromisesBeforeAnswers
  logs: MemberLogs
  found: string[]
} {
  const found: string[] = []
  const logs = new MemberLogs()
  logs.opened('n1', member(1, disk))
  return { checker: new PromisesBeforeAnswers(logs, (what) => found.push(what)), logs, found }
}

test('a vote that leaves before it is on disk is found, for others, for itself and in requests', () => {
  const { checker, logs, found } = promises({ term: 4, vote: 2 })
  checker.sent('n1', message('MsgVoteResp', { term: 4, to: 2 }))
  checker.sent('n1', message('MsgVoteResp', { term: 5, to: 3, reject: true }))
  checker.sent('n1', message('MsgVoteResp', { term: 3, to: 3 }))
  expect(found).toEqual([])
  checker.sent('n1', message('MsgVoteResp', { term: 4, to: 3 }))
  checker.sent('n1', message('MsgVoteResp', { term: 5, to: 3 }))
  checker.sent('n1', message('MsgVote', { term: 5, to: 3 }))
  checker.leads('n1', 5)
  expect(found).toHaveLength(4)
  logs.written('n1', { entries: [], hardState: { term: 5, vote: 1, commit: 0 } })
  checker.sent('n1', message('MsgVote', { term: 5, to: 3 }))
  checker.leads('n1', 5)
  expect(found).toHaveLength(4)
})

test('an acknowledgement of entries that are not on disk, or of a term that is not, is found', () => {
  const { checker, logs, found } = promises({ term: 2, entries: entries(1, 1) })
  checker.sent('n1', message('MsgAppResp', { term: 2, index: 2 }))
  checker.sent('n1', message('MsgAppResp', { term: 2, index: 3, reject: true }))
  expect(found).toEqual([])
  checker.sent('n1', message('MsgAppResp', { term: 2, index: 3 }))
  checker.sent('n1', message('MsgAppResp', { term: 3, index: 2 }))
  expect(found).toHaveLength(2)
  logs.written('n1', { entries: [entry(3, 3)], hardState: { term: 3, vote: 0, commit: 0 } })
  checker.sent('n1', message('MsgAppResp', { term: 3, index: 3 }))
  expect(found).toHaveLength(2)
})

test('an acknowledgement of what a later leader replaced in the same write is none of those, unless it still waits', () => {
  const { checker, logs, found } = promises({ term: 2, entries: entries(1, 1) })
  logs.written('n1', { entries: [], hardState: { term: 3, vote: 0, commit: 0 } })
  checker.sent('n1', message('MsgAppResp', { term: 2, index: 4 }))
  expect(found).toEqual([])
  logs.handsOut('n1', ready({ entries: [entry(3, 2), entry(4, 2)] }))
  checker.sent('n1', message('MsgAppResp', { term: 2, index: 4 }))
  checker.sent('n1', message('MsgAppResp', { term: 2, index: 2 }))
  checker.sent('n1', message('MsgAppResp', { term: 3, index: 4 }))
  expect(found).toHaveLength(2)
})

/** n1 heard from leader 2 in term 5 `agoMs` ago and now grants n3 what it asks for. */
function disloyal(
  agoMs: number,
  type: 'MsgVoteResp' | 'MsgPreVoteResp',
  before: (checker: StableLeader) => void,
): string[] {
  const found: string[] = []
  let nowMs = 1_000
  const checker = new StableLeader(
    () => nowMs,
    400,
    (what) => found.push(what),
  )
  checker.opened('n1', member(1, { term: 5 }))
  checker.received('n1', message('MsgHeartbeat', { from: 2, term: 5 }))
  checker.handsOut('n1', ready({ role: 'follower', lead: 2 }))
  nowMs += agoMs
  before(checker)
  const responses = [message(type, { to: 3, term: 6 })]
  const hardState = type === 'MsgVoteResp' ? { term: 6, vote: 3, commit: 0 } : undefined
  checker.handsOut('n1', ready({ messages: [message('MsgStorageAppend', { responses })], hardState }))
  return found
}

test('a vote or pre-vote for another one right after the leader was heard is found', () => {
  const nothing = (): void => undefined
  expect(disloyal(100, 'MsgPreVoteResp', nothing).join()).toMatch(
    /n1 gives 3 a MsgPreVoteResp for term 6, 100 ms after/,
  )
  expect(disloyal(100, 'MsgVoteResp', nothing)).toHaveLength(1)
  expect(disloyal(500, 'MsgPreVoteResp', nothing)).toEqual([])
})

test('a vote is right after a transfer or news of a later term, without a leader, and when it was heard only just now', () => {
  const forced = (checker: StableLeader): void =>
    checker.received('n1', message('MsgVote', { from: 3, term: 6, force: true }))
  const forgot = (checker: StableLeader): void => checker.handsOut('n1', ready({ role: 'follower', lead: 0 }))
  const late = (checker: StableLeader): void => checker.received('n1', message('MsgHeartbeat', { from: 2, term: 5 }))
  const later = (checker: StableLeader): void =>
    checker.received('n1', message('MsgPreVoteResp', { from: 3, term: 6, reject: true }))
  expect(disloyal(100, 'MsgVoteResp', later)).toEqual([])
  expect(disloyal(100, 'MsgVoteResp', forced)).toEqual([])
  expect(disloyal(100, 'MsgPreVoteResp', forgot)).toEqual([])
  expect(disloyal(500, 'MsgPreVoteResp', late)).toEqual([])
})
