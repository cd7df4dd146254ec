import { expect, test } from 'vitest'
import { AcknowledgedKept } from '../../../src/testing/checkers/acknowledged-kept.ts'
import type { Checker, Final, Report } from '../../../src/testing/checkers/checker.ts'
import { CommittedIsDurable } from '../../../src/testing/checkers/committed-is-durable.ts'
import { Committed } from '../../../src/testing/checkers/committed.ts'
import { ExactlyOnce } from '../../../src/testing/checkers/exactly-once.ts'
import { MemberLogs } from '../../../src/testing/checkers/member-logs.ts'
import { RepliesAfterDurability } from '../../../src/testing/checkers/replies-after-durability.ts'
import { RevisionsRise } from '../../../src/testing/checkers/revisions-rise.ts'
import { History } from '../../../src/testing/checkers/history.ts'
import { entries, entry, machine, member, ready } from './reports.ts'

function put(history: History, key: string, value: string, revision: number): void {
  history.answered(history.begin('a', 'put', key, value), undefined, revision)
}

function finish(
  make: (report: Report) => Checker,
  history: History,
  finals?: Readonly<Record<string, Final | undefined>>,
): string[] {
  const found: string[] = []
  const map = finals === undefined ? undefined : new Map(Object.entries(finals))
  make((what) => found.push(what)).finished?.({ history, finals: map })
  return found
}

test('a revision is given once, in the order of the writes, and read with its value', () => {
  const check = (fill: (history: History) => void): string => {
    const history = new History()
    fill(history)
    return finish((report) => new RevisionsRise(report), history).join()
  }
  const get = (history: History, value: string, revision: number): void =>
    history.answered(history.begin('a', 'get', 'k'), value, revision)
  expect(
    check((history) => {
      put(history, 'k', 'one', 6)
      put(history, 'l', 'two', 7)
      get(history, 'one', 6)
    }),
  ).toBe('')
  const twice = check((history) => {
    put(history, 'k', 'one', 7)
    put(history, 'l', 'two', 7)
  })
  expect(twice).toMatch(/given twice/)
  const backwards = check((history) => {
    put(history, 'k', 'one', 8)
    put(history, 'l', 'two', 7)
  })
  expect(backwards).toMatch(/run backwards/)
  const other = check((history) => {
    put(history, 'k', 'one', 7)
    get(history, 'one', 6)
  })
  expect(other).toMatch(/read at another/)
})

test('writes at the same time may get their revisions in either order', () => {
  const history = new History()
  const slow = history.begin('b', 'put', 'k', 'slow')
  put(history, 'k', 'fast', 2)
  history.answered(slow, undefined, 1)
  expect(finish((report) => new RevisionsRise(report), history)).toEqual([])
})

test('an acknowledged write that is not there at the end is found', () => {
  const history = new History()
  put(history, 'k', 'one', 1)
  put(history, 'k', 'two', 2)
  const check = (final: Final | undefined): string =>
    finish((report) => new AcknowledgedKept(report), history, { k: final }).join()
  expect(check({ value: 'two', revision: 2 })).toBe('')
  expect(check({ value: 'one', revision: 1 })).toMatch(/lost/)
  expect(check({ value: 'one', revision: 2 })).toMatch(/where this was acknowledged/)
  expect(check({ value: 'three', revision: 3 })).toMatch(/nobody wrote/)
  expect(check(undefined)).toMatch(/lost/)
  history.gaveUp(history.begin('b', 'delete', 'k'), true)
  expect(check(undefined)).toBe('')
})

test('counters lie between the acknowledged and the possible increments', () => {
  const history = new History()
  history.answered(history.begin('a', 'increment', 'c'), '1', undefined)
  history.gaveUp(history.begin('a', 'increment', 'c'), true)
  history.gaveUp(history.begin('a', 'increment', 'c'), false)
  const check = (sum: number): number =>
    finish((report) => new ExactlyOnce(report), history, { c: { value: String(sum), revision: 1 } }).length
  expect([0, 1, 2, 3].map(check)).toEqual([1, 0, 0, 1])
})

test('two increments that were told one sum, and a sum above their number, are found even without a final read', () => {
  const check = (...sums: string[]): string => {
    const history = new History()
    for (const sum of sums) history.answered(history.begin('a', 'increment', 'c'), sum, undefined)
    return finish((report) => new ExactlyOnce(report), history).join()
  }
  expect(check('1', '2')).toBe('')
  expect(check('1', '1')).toMatch(/told one sum/)
  expect(check('1', '3')).toMatch(/above the number/)
})

test('an acknowledgement is right when the entry is committed, and found when it is not', () => {
  const found: string[] = []
  const logs = new MemberLogs()
  const committed = new Committed(logs)
  const durable = new CommittedIsDurable(logs, () => undefined)
  const checker = new RepliesAfterDurability(committed, durable, (what) => found.push(what))
  const history = new History({ began: () => undefined, ended: (one) => checker.ended(one) })
  for (const id of [1, 2, 3]) logs.opened(`n${id}`, member(id, { term: 1, entries: entries(1, 1) }))
  durable.opened('n1')
  for (const work of [ready({ role: 'leader' }), ready({ hardState: { term: 1, vote: 1, commit: 2 } })]) {
    logs.handsOut('n1', work)
    durable.handsOut('n1', work)
  }
  for (const index of [1, 2, 3]) committed.applied('n1', entry(index, 1), machine(index, { revision: 10 * index }))
  put(history, 'k', 'one', 10)
  put(history, 'k', 'two', 15)
  expect(found).toEqual([])
  put(history, 'k', 'three', 21)
  put(history, 'k', 'four', 31)
  history.gaveUp(history.begin('a', 'put', 'k', 'five'), true)
  checker.finished()
  expect(found.map((text) => text.slice(0, 60))).toEqual([
    expect.stringMatching(/entry 3 is not committed/),
    expect.stringMatching(/no node has applied it/),
  ])
})

test('a write of an entry that its node did not apply to the end is judged when another has, by what was committed before', () => {
  const found: string[] = []
  const logs = new MemberLogs()
  const committed = new Committed(logs)
  const durable = { highest: 2 }
  const checker = new RepliesAfterDurability(committed, durable as CommittedIsDurable, (what) => found.push(what))
  const history = new History({ began: () => undefined, ended: (one) => checker.ended(one) })
  logs.opened('n1', member(1, { term: 1, entries: entries(1, 1) }))
  put(history, 'k', 'one', 19)
  put(history, 'k', 'two', 21)
  durable.highest = 3
  for (const index of [1, 2, 3]) committed.applied('n1', entry(index, 1), machine(index, { revision: 10 * index }))
  checker.applied()
  checker.finished()
  expect(found).toEqual([expect.stringMatching(/entry 3 is not committed.*k=two/)])
})

test('a write is committed if its leader counted the last copy and was deposed before it handed that out', () => {
  const found: string[] = []
  const logs = new MemberLogs()
  const durable = new CommittedIsDurable(logs, (what) => found.push(what))
  const committed = new Committed(logs)
  const checker = new RepliesAfterDurability(committed, durable, (what) => found.push(what))
  const history = new History({ began: () => undefined, ended: (one) => checker.ended(one) })
  for (const id of [1, 2, 3])
    logs.opened(`n${id}`, member(id, { term: 1, entries: entries(1, ...(id < 3 ? [1] : [])) }))
  durable.opened('n1')
  const deposed = { role: 'follower', hardState: { term: 2, vote: 0, commit: 2 } } as const
  for (const work of [ready({ role: 'leader', hardState: { term: 1, vote: 1, commit: 1 } }), ready(deposed)]) {
    logs.handsOut('n1', work)
    durable.handsOut('n1', work)
  }
  for (const index of [1, 2]) committed.applied('n1', entry(index, 1), machine(index, { revision: 10 * index }))
  put(history, 'k', 'one', 20)
  expect(found).toEqual([])
})
