import { expect, test } from 'vitest'
import { ByteWriter } from '../../../base/index.ts'
import type { Machine } from '../../../execution/index.ts'
import { EndedLeases } from '../../../src/testing/checkers/ended-leases.ts'
import { LeaseBound } from '../../../src/testing/checkers/lease-bound.ts'
import { OneHistory } from '../../../src/testing/checkers/one-history.ts'
import type { TrueEvent } from '../../../src/testing/checkers/one-history.ts'
import { ReadsAgree } from '../../../src/testing/checkers/reads-agree.ts'
import { TransactionsAtomic } from '../../../src/testing/checkers/transactions-atomic.ts'
import type { Fact, ReadFact, WriteFact } from '../../../src/testing/checkers/facts.ts'
import { entry } from './reports.ts'

const bytes = new TextEncoder()

/** A machine with these revisions. */
function machine(index: number, revisions: readonly (readonly TrueEvent[])[], compactRevision = 0): Machine {
  const fake = {
    ...{ appliedIndex: index, revision: revisions.length, compactRevision, damage: undefined },
    visitEvents(from: number, visit: (view: object) => boolean) {
      for (let revision = Math.max(1, from); revision <= revisions.length; revision++) {
        for (const { type, key, value, ...rest } of revisions[revision - 1] ?? []) {
          visit({ revision, kind: type, key, ...rest, value: () => bytes.encode(value) })
        }
      }
    },
  }
  return fake as unknown as Machine
}

const put = (key: string, value: string, createRevision: number, version: number, lease = 0): TrueEvent => ({
  ...{ type: 'put', key, value, createRevision, version, lease },
})
const remove = (key: string): TrueEvent => ({ type: 'delete', key, value: '', createRevision: 0, version: 0, lease: 0 })

interface World {
  readonly found: string[]
  readonly history: OneHistory
  nowMs: number
}

/** A history that `node` has applied, one revision an entry. */
function world(revisions: readonly (readonly TrueEvent[])[]): World {
  const found: string[] = []
  const made: World = {
    found,
    history: new OneHistory(
      () => made.nowMs,
      (what) => found.push(what),
    ),
    nowMs: 0,
  }
  made.history.loaded('n1', machine(0, []))
  for (const [at] of revisions.entries()) {
    made.nowMs = 1_000 * (at + 1)
    made.history.applied('n1', entry(at + 1, 1), machine(at + 1, revisions.slice(0, at + 1)))
  }
  return made
}

const three = [[put('a', 'x', 1, 1)], [put('a', 'y', 1, 2), put('b', 'y', 2, 1)], [remove('a')]]
const known = { revision: 0, compactRevision: 0 }

test('a history is one if every node has the same, whether applied or loaded', () => {
  const { found, history } = world(three)
  history.loaded('n2', machine(2, three.slice(0, 2)))
  history.applied('n2', entry(3, 1), machine(3, three))
  expect(found).toEqual([])
  history.loaded('n3', machine(3, [[put('a', 'x', 1, 1)], [put('a', 'y', 1, 2)], [remove('a')]]))
  expect(found.join()).toMatch(/revision 2 is .* on n1 and put a \(1, 2, lease 0\) on n3/)
})

test('a revision that is given out twice, changes nothing, or counts wrongly is seen', () => {
  expect(world([[put('a', 'x', 1, 1), put('a', 'y', 1, 2)]]).found.join()).toMatch(/changes a twice/)
  expect(world([[]]).found.join()).toMatch(/changes nothing/)
  expect(world([[put('a', 'x', 1, 2)]]).found.join()).toMatch(/version 2, created at 1, not 1 and 1/)
  expect(world([[remove('a')]]).found.join()).toMatch(/which is not there/)
})

test('nodes forget the same at the same index', () => {
  const { found, history } = world(three)
  history.loaded('n2', machine(3, three, 2))
  expect(found.join()).toMatch(/history of n1 begins at 0 and that of n2 at 2/)
})

function reads(fact: Omit<ReadFact, 'kind' | 'client' | 'start' | 'end'>): string {
  const { history } = world(three)
  const found: string[] = []
  new ReadsAgree(history, (what) => found.push(what)).told({ kind: 'read', client: 'c', start: 'a', end: 'z', ...fact })
  return found.join()
}

const a1 = { key: 'a', value: 'x', createRevision: 1, modRevision: 1, version: 1, lease: 0 }
const b2 = { key: 'b', value: 'y', createRevision: 2, modRevision: 2, version: 1, lease: 0 }

test('reads agree with the history', () => {
  expect(reads({ known, asked: 1, answer: { revision: 3, count: 1, records: [a1] } })).toBe('')
  expect(reads({ known, asked: 0, answer: { revision: 3, count: 1, records: [b2] } })).toBe('')
  expect(reads({ known, asked: 1, answer: { revision: 3, count: 1, records: [b2] } })).toMatch(/history says a=x@1/)
  expect(reads({ known, asked: 1, answer: { revision: 3, count: 2, records: [a1] } })).toMatch(/counts 2 keys, not 1/)
  const old = { revision: 1, count: 1, records: [a1] }
  expect(reads({ known: { revision: 2, compactRevision: 0 }, asked: 0, answer: old })).toMatch(/when 2 had been told/)
  const compacted = { revision: 3, compactRevision: 2 }
  expect(reads({ known: compacted, asked: 1, answer: { ...old, revision: 3 } })).toMatch(/had been compacted to 2/)
  expect(reads({ known, asked: 1, answer: { refused: 'Compacted', revision: 2 } })).toMatch(/history begins at 0/)
  const future = { refused: 'FutureRevision', revision: 1 } as const
  expect(reads({ known: { revision: 3, compactRevision: 0 }, asked: 2, answer: future })).toMatch(/refused as too new/)
})

function transactions(...facts: readonly Fact[]): string {
  const { history } = world(three)
  const found: string[] = []
  const checker = new TransactionsAtomic(history, (what) => found.push(what))
  for (const fact of facts) checker.told(fact)
  checker.finished()
  return found.join()
}

const both: WriteFact = {
  ...{ kind: 'write', client: 'c', known, revision: 2, succeeded: true },
  changes: [
    { type: 'put', key: 'a', value: 'y' },
    { type: 'put', key: 'b', value: 'y' },
  ],
  condition: [{ key: 'a', mod: 1 }],
  before: [{ key: 'a', value: 'x' }],
  after: [{ key: 'a', value: 'y' }],
}

test('a transaction is one revision, decided on the state before', () => {
  expect(transactions(both)).toBe('')
  expect(transactions({ ...both, changes: both.changes.slice(0, 1) })).toMatch(/the revision holds put a=y, put b=y/)
  expect(transactions({ ...both, condition: [{ key: 'a', mod: 0 }] })).toMatch(/asked for a@0 and was told true/)
  expect(transactions({ ...both, before: [{ key: 'a', value: 'y' }] })).toMatch(/read a=y; at 1 it is x/)
  expect(transactions({ ...both, known: { revision: 2, compactRevision: 0 } })).toMatch(/came after 2 had been told/)
})

test('what is told before any node has applied the entry is judged once one has, or at the end', () => {
  const judged = (fact: WriteFact, end: boolean): string => {
    const { history } = world(three.slice(0, 1))
    const found: string[] = []
    const checker = new TransactionsAtomic(history, (what) => found.push(what))
    checker.told(fact)
    expect(found).toEqual([])
    if (end) checker.finished()
    else {
      history.applied('n1', entry(2, 1), machine(2, three.slice(0, 2)))
      checker.applied()
    }
    return found.join()
  }
  expect(judged(both, false)).toBe('')
  expect(judged({ ...both, changes: both.changes.slice(0, 1) }, false)).toMatch(/the revision holds put a=y, put b=y/)
  expect(judged(both, true)).toMatch(/the revision holds nothing/)
})

test('one without an answer happened wholly, once, or not at all; one that was refused, not at all', () => {
  const attempt = (...keys: string[]): Fact => ({ kind: 'attempt', client: 'c', value: 'y', keys })
  expect(transactions(attempt('a', 'b'))).toBe('')
  expect(transactions({ kind: 'attempt', client: 'c', value: 'z', keys: ['a'] })).toBe('')
  expect(transactions(attempt('a', 'b', 'c'))).toMatch(/wrote y to a b c, and it is in a b at 2/)
  expect(transactions(attempt('a', 'b'), { kind: 'undone', client: 'c', value: 'y' })).toMatch(/was refused/)
})

test('a lease ends within its bound', () => {
  const ends = (sentAtMs: number, extra: readonly Fact[] = []): string => {
    // Attached at 1,000 ms and gone at 3,000 ms.
    const { history } = world([[put('lease/7', 'v', 1, 1, 7)], [put('a', 'x', 2, 1)], [remove('lease/7')]])
    const found: string[] = []
    const checker = new LeaseBound(history, 0.2, (what) => found.push(what))
    checker.told({ kind: 'lease', client: 'c', what: 'renewed', id: 7, ttlMs: 1_201, sentAtMs })
    for (const fact of extra) checker.told(fact)
    checker.finished()
    return found.join()
  }
  expect(ends(2_000)).toBe('')
  expect(ends(2_001)).toMatch(/it ended at 3000.0 ms, before 3001.0 ms/)
  expect(ends(2_500, [{ kind: 'lease', client: 'c', what: 'ending', id: 7, ttlMs: 1_201, sentAtMs: 2_600 }])).toBe('')
  expect(ends(3_500)).toMatch(/when it had ended/)
})

/** A machine at this log time that has lease 7 with this deadline, overdue or not. */
function leasing(index: number, logTime: number, deadline: number): Machine {
  const query = (_program: string, method: string): Uint8Array => {
    const listed = deadline > logTime ? [1, 7] : [0]
    const answer = method === 'list' ? listed : [7, 1_000, deadline - logTime, 0]
    const writer = new ByteWriter(16)
    writer.u8(0)
    for (const value of answer) writer.uint(value)
    if (method !== 'list') writer.raw(new Uint8Array(2))
    return writer.take()
  }
  return { appliedIndex: index, logTime, damage: undefined, query } as unknown as Machine
}

test('a lease that is over is over for good', () => {
  const grant: Fact = { kind: 'lease', client: 'c', what: 'granted', id: 7, ttlMs: 1_000, sentAtMs: 0 }
  const lives = (facts: readonly Fact[], ...machines: readonly Machine[]): string => {
    const found: string[] = []
    const checker = new EndedLeases((what) => found.push(what))
    for (const fact of facts) checker.told(fact)
    for (const one of machines) checker.applied('n1', entry(one.appliedIndex, 1), one)
    checker.finished()
    return found.join()
  }
  const granted = leasing(1, 0, 1_000)
  expect(lives([grant], granted, leasing(2, 999, 1_999))).toBe('')
  expect(lives([grant], granted, leasing(2, 1_000, 1_000))).toBe('')
  expect(lives([grant], granted, leasing(2, 1_000, 2_000))).toMatch(/lease 7 was over at 1000 ms .* at 1000 ms/)
  expect(lives([grant], granted, leasing(2, 1_000, 1_000), leasing(3, 1_001, 2_001))).toMatch(/lives on at 1001 ms/)
  // An id that its owner chose may be given again.
  expect(lives([], granted, leasing(2, 1_000, 2_000))).toBe('')
})
