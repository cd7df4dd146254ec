import { expect, test } from 'vitest'
import type { Entry } from '../../consensus/index.ts'
import type { Machine } from '../../execution/index.ts'
import {
  ElectionSafety,
  EqualState,
  History,
  StateMachineSafety,
  checkCounters,
  checkDurability,
  checkRegisters,
  checkRevisions,
} from '../../src/testing/index.ts'
import type { Report } from '../../src/testing/index.ts'

function put(history: History, key: string, value: string, revision: number): void {
  history.answered(history.begin('a', 'put', key, value), undefined, revision)
}

function get(history: History, key: string, value: string | undefined, revision?: number): void {
  history.answered(history.begin('a', 'get', key), value, revision)
}

function found(check: (history: History, report: Report) => void, history: History): readonly string[] {
  const texts: string[] = []
  check(history, (what) => texts.push(what))
  return texts
}

test('a read of the last write is linearizable', () => {
  const history = new History()
  put(history, 'k', 'one', 1)
  get(history, 'k', 'one', 1)
  expect(found(checkRegisters, history)).toEqual([])
})

test('a read of an overwritten value is not linearizable', () => {
  const history = new History()
  put(history, 'k', 'one', 1)
  put(history, 'k', 'two', 2)
  get(history, 'k', 'one', 1)
  expect(found(checkRegisters, history)).toHaveLength(1)
})

test('two reads may see a concurrent write appear, but not vanish', () => {
  const run = (first: string, second: string): readonly string[] => {
    const history = new History()
    put(history, 'k', 'one', 1)
    const write = history.begin('b', 'put', 'k', 'two')
    get(history, 'k', first)
    get(history, 'k', second)
    history.answered(write, undefined, 2)
    return found(checkRegisters, history)
  }
  expect(run('one', 'two')).toEqual([])
  expect(run('two', 'one')).toHaveLength(1)
})

test('a write of unknown outcome may take effect late or never, one that failed never', () => {
  const run = (maybe: boolean, value: string): readonly string[] => {
    const history = new History()
    put(history, 'k', 'one', 1)
    history.gaveUp(history.begin('b', 'put', 'k', 'two'), maybe)
    get(history, 'k', 'one')
    get(history, 'k', value)
    return found(checkRegisters, history)
  }
  expect(run(true, 'one')).toEqual([])
  expect(run(true, 'two')).toEqual([])
  expect(run(false, 'two')).toHaveLength(1)
})

test('a delete that found something needs a value before it', () => {
  const history = new History()
  history.answered(history.begin('a', 'delete', 'k'), undefined, 1, true)
  expect(found(checkRegisters, history)).toHaveLength(1)
})

test('a revision is given once, in the order of the writes, and read with its value', () => {
  const twice = new History()
  put(twice, 'k', 'one', 7)
  put(twice, 'l', 'two', 7)
  expect(found(checkRevisions, twice).join()).toMatch(/given twice/)
  const backwards = new History()
  put(backwards, 'k', 'one', 8)
  put(backwards, 'l', 'two', 7)
  expect(found(checkRevisions, backwards).join()).toMatch(/run backwards/)
  const other = new History()
  put(other, 'k', 'one', 7)
  get(other, 'k', 'one', 6)
  expect(found(checkRevisions, other).join()).toMatch(/read at another/)
})

test('a lost acknowledged write is found at the end', () => {
  const history = new History()
  put(history, 'k', 'one', 1)
  put(history, 'k', 'two', 2)
  const run = (value: string | undefined, revision: number): readonly string[] =>
    found(
      (one, report) =>
        checkDurability(one, new Map([['k', value === undefined ? undefined : { value, revision }]]), report),
      history,
    )
  expect(run('two', 2)).toEqual([])
  expect(run('one', 1).join()).toMatch(/lost/)
  expect(run(undefined, 0).join()).toMatch(/lost/)
  expect(run('three', 3).join()).toMatch(/nobody wrote/)
})

test('counters lie between the acknowledged and the possible increments', () => {
  const history = new History()
  history.answered(history.begin('a', 'increment', 'c'), '1', undefined)
  history.gaveUp(history.begin('a', 'increment', 'c'), true)
  const run = (sum: number): readonly string[] =>
    found((one, report) => checkCounters(one, new Map([['c', { value: String(sum), revision: 1 }]]), report), history)
  expect([0, 1, 2, 3].map((sum) => run(sum).length)).toEqual([1, 0, 0, 1])
})

test('two leaders of one term are found', () => {
  const texts: string[] = []
  const checker = new ElectionSafety((what) => texts.push(what))
  checker.leads('n1', 2)
  checker.leads('n1', 2)
  checker.leads('n2', 3)
  expect(texts).toEqual([])
  checker.leads('n2', 2)
  expect(texts).toHaveLength(1)
})

test('different entries, different states and gaps of the applied index are found', () => {
  const entry = (index: number, term: number, byte: number): Entry => ({
    ...{ index, term, type: 'normal', data: Uint8Array.of(byte) },
  })
  const machine = (appliedIndex: number, appliedTerm: number, hash: number): Machine =>
    ({ appliedIndex, appliedTerm, stateHash: () => Uint32Array.of(hash, 0, 0, 0) }) as unknown as Machine
  const run = (...second: [Entry, Machine]): readonly string[] => {
    const texts: string[] = []
    for (const checker of [
      new StateMachineSafety((what) => texts.push(what)),
      new EqualState((what) => texts.push(what)),
    ]) {
      checker.applied('n1', entry(1, 1, 1), machine(1, 1, 1))
      checker.applied('n2', ...second)
    }
    return texts
  }
  expect(run(entry(1, 1, 1), machine(1, 1, 1))).toEqual([])
  expect(run(entry(1, 2, 1), machine(1, 2, 1)).join()).toMatch(/differ in term/)
  expect(run(entry(1, 1, 2), machine(1, 1, 1)).join()).toMatch(/different entries/)
  expect(run(entry(1, 1, 1), machine(1, 1, 2)).join()).toMatch(/has the state/)
  expect(run(entry(2, 1, 1), machine(2, 1, 1)).join()).toMatch(/applied 2 after 0/)
})
