import { expect, test } from 'vitest'
import type { Entry } from '../../../consensus/index.ts'
import { CommittedIsDurable } from '../../../src/testing/checkers/committed-is-durable.ts'
import { CountedCopiesExist } from '../../../src/testing/checkers/counted-copies-exist.ts'
import { LeaderAppendOnly } from '../../../src/testing/checkers/leader-append-only.ts'
import { LogMatching } from '../../../src/testing/checkers/log-matching.ts'
import { MemberLogs } from '../../../src/testing/checkers/member-logs.ts'
import { WrittenStays } from '../../../src/testing/checkers/written-stays.ts'
import type { FakeVoters } from './reports.ts'
import { entries, entry, member, message, ready } from './reports.ts'

test('a leader may append; one that writes over its log or takes a snapshot is found', () => {
  const found: string[] = []
  const checker = new LeaderAppendOnly((what) => found.push(what))
  const snapshot = { meta: { index: 9, term: 2, confState: { voters: [] } }, data: new Uint8Array() } as never
  checker.opened('n1', member(1, { entries: entries(1, 1, 1) }))
  checker.handsOut('n1', ready({ entries: [entry(2, 2)] }))
  checker.handsOut('n1', ready({ role: 'leader', entries: [entry(3, 3)] }))
  checker.handsOut('n1', ready({ entries: [entry(4, 3), entry(5, 3)] }))
  expect(found).toEqual([])
  checker.handsOut('n1', ready({ entries: [entry(5, 3)] }))
  checker.handsOut('n1', ready({ snapshot }))
  expect(found).toHaveLength(2)
  checker.handsOut('n1', ready({ role: 'follower', entries: [entry(2, 4)] }))
  expect(found).toHaveLength(2)
})

function matching(...logs: (readonly Entry[])[]): string[] {
  const found: string[] = []
  const picture = new MemberLogs()
  const checker = new LogMatching(picture, (what) => found.push(what))
  for (const [i, held] of logs.entries()) {
    const one = member(i + 1, { entries: held })
    picture.opened(`n${i + 1}`, one)
    checker.opened(`n${i + 1}`, one)
  }
  return found
}

test('logs may differ in terms, but not in an entry of one term, nor before it', () => {
  expect(matching(entries(1, 1, 2), entries(1, 1, 3), entries(1))).toEqual([])
  expect(matching([entry(1, 1, 7)], [entry(1, 1, 8)]).join()).toMatch(
    /n1 and n2 both have an entry 1 of term 1, but not the same/,
  )
  expect(matching(entries(1, 1, 3), entries(1, 2, 3)).join()).toMatch(/before it one of term 1 and one of term 2/)
})

test('an entry that a core hands out is compared, too', () => {
  const found: string[] = []
  const picture = new MemberLogs()
  const checker = new LogMatching(picture, (what) => found.push(what))
  for (const node of ['n1', 'n2']) {
    const one = member(Number(node[1]))
    picture.opened(node, one)
    checker.opened(node, one)
    const work = ready({ entries: [entry(1, 1, Number(node[1]))] })
    picture.handsOut(node, work)
    checker.handsOut(node, work)
  }
  expect(found).toHaveLength(1)
})

/**
 * n1 leads in `term` and commits its last entry; the members have these terms on disk. With `deposed` it has heard of the
 * next term when it hands that out.
 */
function commits(
  term: number,
  disks: readonly (readonly number[])[],
  voters?: FakeVoters,
  handed?: number[],
  deposed = false,
): string[] {
  const found: string[] = []
  const logs = new MemberLogs()
  const checker = new CommittedIsDurable(logs, (what) => found.push(what))
  for (const [i, terms] of disks.entries()) {
    logs.opened(`n${i + 1}`, member(i + 1, { term, entries: entries(...terms) }, voters))
    checker.opened(`n${i + 1}`)
  }
  const begin = ready({ role: 'leader', entries: handed === undefined ? [] : entries(...handed) })
  logs.handsOut('n1', begin)
  checker.handsOut('n1', begin)
  const last = logs.of('n1')?.handed.lastIndex ?? 0
  const work = deposed
    ? ready({ role: 'follower', hardState: { term: term + 1, vote: 0, commit: last } })
    : ready({ hardState: { term, vote: 1, commit: last } })
  logs.handsOut('n1', work)
  checker.handsOut('n1', work)
  return found
}

test('a commit with a durable majority is right, one without is found', () => {
  expect(commits(1, [[1, 1], [1, 1], []])).toEqual([])
  expect(commits(1, [[1, 1], [1], []]).join()).toMatch(/no majority of \(1 2 3\) has it on disk/)
  expect(commits(1, [[1], [1], [1]], undefined, [1, 1]).join()).toMatch(/no majority/)
})

test('a leader that is no voter any more does not count', () => {
  expect(commits(1, [[1, 1], [1, 1], [1]], { incoming: [2, 3] }).join()).toMatch(/no majority of \(2 3\)/)
})

test('a joint configuration needs both majorities', () => {
  const voters = { incoming: [1, 4, 5], outgoing: [1, 2, 3] }
  expect(commits(1, [[1], [1], [], [1], []], voters)).toEqual([])
  expect(commits(1, [[1], [1], [], [], []], voters).join()).toMatch(/no majority of \(1 4 5\) and \(1 2 3\)/)
})

test('an entry of an older term on a majority is not committed while another log could win (figure 8)', () => {
  expect(
    commits(4, [
      [1, 2],
      [1, 2],
      [1, 3],
    ]).join(),
  ).toMatch(/n3 lacks it and could still be elected/)
  expect(
    commits(4, [
      [1, 2, 4],
      [1, 2, 4],
      [1, 3],
    ]),
  ).toEqual([])
})

test('a leader that is deposed before it hands out what it committed is judged by the term in which it led', () => {
  const deposed = (...disks: number[][]): string => commits(4, disks, undefined, undefined, true).join()
  expect(deposed([1, 4], [1, 4], [1])).toBe('')
  expect(deposed([1, 4], [1], [1])).toMatch(/entry 2 of term 4 in term 4, but no majority of \(1 2 3\)/)
  expect(deposed([1, 2], [1, 2], [1])).toMatch(/entry 2 of term 2 in term 4, by counting/)
})

test('a follower may learn of what a leader has committed, and takes nothing else for committed', () => {
  const found: string[] = []
  const logs = new MemberLogs()
  const checker = new CommittedIsDurable(logs, (what) => found.push(what))
  for (const id of [1, 2, 3]) logs.opened(`n${id}`, member(id, { term: 1, entries: entries(1, 1) }))
  const commit = (node: string, index: number, role?: 'leader'): void => {
    const work = ready({ ...(role && { role }), hardState: { term: 1, vote: 1, commit: index } })
    logs.handsOut(node, work)
    checker.handsOut(node, work)
  }
  commit('n1', 1, 'leader')
  commit('n2', 1)
  expect(found).toEqual([])
  commit('n2', 2)
  expect(found).toEqual(['n2 takes entry 2 for committed, and no leader has'])
})

function reopens(
  before: { term?: number; vote?: number; terms: readonly number[] },
  after: { term?: number; vote?: number; terms: readonly number[]; base?: number },
  underWay: readonly Entry[] = [],
): string[] {
  const found: string[] = []
  const logs = new MemberLogs()
  const checker = new WrittenStays(logs, (what) => found.push(what))
  logs.opened('n1', member(1, { ...before, entries: entries(...before.terms) }))
  checker.opened('n1')
  if (underWay.length > 0) logs.handsOut('n1', ready({ entries: underWay }))
  logs.opened('n1', member(1, { ...after, entries: entries(...after.terms) }))
  checker.opened('n1')
  return found
}

test('a log that is whole after a start is right, one that lost an entry, its term or its vote is found', () => {
  expect(reopens({ term: 3, vote: 2, terms: [1, 2] }, { term: 3, vote: 2, terms: [1, 2] })).toEqual([])
  expect(reopens({ terms: [1, 2] }, { terms: [1, 2, 2] })).toEqual([])
  expect(reopens({ terms: [1, 2] }, { terms: [1] }).join()).toMatch(/n1 had entry 2 of term 2 on disk.*ends at 1/)
  expect(reopens({ terms: [1, 2] }, { terms: [1, 1] }).join()).toMatch(/has one of term 1 there/)
  expect(reopens({ term: 3, terms: [] }, { term: 2, terms: [] }).join()).toMatch(/was in term 3/)
  expect(reopens({ term: 3, vote: 2, terms: [] }, { term: 3, vote: 0, terms: [] }).join()).toMatch(/voted for 2/)
  expect(reopens({ term: 3, vote: 0, terms: [] }, { term: 3, vote: 2, terms: [] })).toEqual([])
})

test('a write that was under way may have replaced entries, or not; nothing else may', () => {
  expect(reopens({ terms: [1, 1, 1] }, { terms: [1, 2] }, [entry(2, 2)])).toEqual([])
  expect(reopens({ terms: [1, 1, 1] }, { terms: [1, 1, 1] }, [entry(2, 2)])).toEqual([])
  expect(reopens({ terms: [1, 1, 1] }, { terms: [1] }, [entry(2, 2)])).toHaveLength(1)
  expect(reopens({ terms: [1, 1, 1] }, { terms: [1, 3] }, [entry(2, 2)])).toHaveLength(1)
})

test('a write that was reported is under way no more', () => {
  const found: string[] = []
  const logs = new MemberLogs()
  const checker = new WrittenStays(logs, (what) => found.push(what))
  logs.opened('n1', member(1, { entries: entries(1, 1) }))
  logs.handsOut('n1', ready({ entries: [entry(2, 2), entry(3, 2)] }))
  logs.written('n1', { entries: [entry(2, 2), entry(3, 2)] })
  logs.opened('n1', member(1, { entries: entries(1, 1) }))
  checker.opened('n1')
  expect(found).toHaveLength(1)
})

test('a log that cannot be opened is found, unless a fault damaged the disk', () => {
  const found: string[] = []
  const checker = new WrittenStays(new MemberLogs(), (what) => found.push(what))
  checker.failed('n1', 'DiskFailed')
  checker.damaged('n2')
  checker.failed('n2', 'LogDamaged')
  expect(found).toEqual([])
  checker.failed('n1', 'LogDamaged')
  expect(found.join()).toMatch(/n1 misses something of its log/)
})

/** n1 leads in term 2 and counts n2 up to `match`; n2 has these terms on disk and is in `term`. */
function counts(match: number, term: number, ...terms: number[]): string[] {
  const found: string[] = []
  const logs = new MemberLogs()
  const checker = new CountedCopiesExist(logs, (what) => found.push(what))
  const voters = { incoming: [1, 2, 3], match: new Map([[2, match]]) }
  logs.opened('n1', member(1, { term: 2, entries: entries(1, 1, 2) }, voters))
  logs.opened('n2', member(2, { term, entries: entries(...terms) }))
  logs.handsOut('n1', ready({ role: 'leader' }))
  checker.received('n1', message('MsgAppResp', { from: 2, term: 2, index: match }))
  checker.handsOut('n1', ready())
  return found
}

test('a copy that a leader counts and that is not there is found, unless a later leader has replaced it', () => {
  expect(counts(3, 2, 1, 1, 2)).toEqual([])
  expect(counts(2, 2, 1, 1)).toEqual([])
  expect(counts(3, 2, 1, 1).join()).toMatch(/n1 counts n2 up to entry 3 of term 2, and that has a log that ends at 2/)
  expect(counts(3, 2, 1, 1, 1).join()).toMatch(/one of term 1 there/)
  expect(counts(3, 3, 1, 1, 3)).toEqual([])
})
