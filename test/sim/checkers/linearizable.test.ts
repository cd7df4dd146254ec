import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Linearizable } from '../../../src/testing/checkers/linearizable.ts'
import { History } from '../../../src/testing/checkers/history.ts'
import type { Operation } from '../../../src/testing/checkers/history.ts'
import { registerModel } from '../../../src/testing/checkers/register-model.ts'
import type { Register } from '../../../src/testing/checkers/register-model.ts'
import { linearize } from '../../../src/testing/checkers/search.ts'
import type { Model, Timed } from '../../../src/testing/checkers/search.ts'

function found(history: History): string[] {
  const texts: string[] = []
  new Linearizable(
    (what) => texts.push(what),
    (what) => texts.push(what),
  ).finished({ history, finals: undefined })
  return texts
}

/** A history of one key from a drawing: each line is a client, each word an operation from its first to its last column. */
function drawn(...lines: string[]): History {
  const history = new History()
  const open: { readonly at: number; readonly run: () => void }[] = []
  for (const [client, line] of lines.entries()) {
    for (const match of line.matchAll(/\[([^\]]*)(\]|$)/g)) {
      const [word = '', shown = ''] = [match[1], match[2]]
      const [kind = '', value, outcome] = word.replaceAll('-', ' ').trim().split(/[ =]+/)
      let operation: Operation
      const key = 'k'
      open.push({
        at: match.index,
        run: () =>
          (operation = history.begin(`c${client}`, kind as Operation['kind'], key, kind === 'put' ? value : undefined)),
      })
      if (shown === '' || outcome === '?') continue
      const result = kind === 'get' || kind === 'increment' ? (value === 'nothing' ? undefined : value) : undefined
      open.push({
        at: match.index + word.length + 1,
        run: () => history.answered(operation, result, undefined, kind === 'delete' && value === 'found'),
      })
    }
  }
  for (const { run } of open.toSorted((a, b) => a.at - b.at)) run()
  return history
}

describe('histories known to be good', () => {
  test.each([
    ['a read of the last write', ['[put a] [get a]']],
    ['a read of nothing before the first write', ['[get nothing] [put a]']],
    ['a read that sees a write under way', ['[put a] [put b-----------]', '           [get b] [get b]']],
    ['a read that does not see a write under way', ['[put a] [put b-----------]', '           [get a] [get b]']],
    ['writes at one time in either order', ['[put a-----]', ' [put b-----]', '              [get a]']],
    ['a write that was never answered and took effect late', ['[put a', '  [get nothing] [get a]']],
    ['a write that was never answered and never took effect', ['[put a', '  [get nothing] [get nothing]']],
    ['a delete that found what was there', ['[put a] [delete found] [get nothing] [delete nothing]']],
    ['increments that count on', ['[increment 1] [increment 2-----]', '                [increment 3---]']],
    [
      'an increment that was never answered and counted',
      ['[increment 1] [increment', '                 [increment 3]'],
    ],
  ])('%s', (_name, lines) => {
    expect(found(drawn(...lines))).toEqual([])
  })
})

describe('histories known to be bad', () => {
  test.each([
    ['a read of an overwritten value', ['[put a] [put b] [get a]']],
    ['a read of a value that nobody wrote', ['[put a] [get b]']],
    ['a read before the write began', ['[get a] [put a]']],
    ['a write that appears and vanishes', ['[put a] [put b-----------]', '           [get b] [get a]']],
    [
      'two readers that see two writes in two orders',
      ['[put a-----]', ' [put b-----]', '            [get a] [get b] [get a]'],
    ],
    ['an acknowledged write that nobody sees', ['[put a] [get nothing]']],
    ['a delete that found something in an empty key', ['[delete found]']],
    ['an increment that was counted twice', ['[increment 1] [increment 3]']],
    ['two increments that were told one sum', ['[increment 1]', '    [increment 1]']],
  ])('%s', (_name, lines) => {
    expect(found(drawn(...lines))).toHaveLength(1)
  })

  test('the message shows the operations around the place and marks those that fit nowhere', () => {
    const [text = ''] = found(drawn('[put a] [put b] [get a]'))
    expect(text).toMatch(/no order explains the history of k beyond 2 answers/)
    expect(text).toMatch(/> c0 get k -> a/)
  })

  test('a fault in one key is found among good ones', () => {
    const history = drawn('[put a] [put b] [get a]')
    history.answered(history.begin('c', 'put', 'other', 'x'), undefined, 9)
    expect(found(history)).toHaveLength(1)
  })
})

test('a history with many writes without answer is still decided', () => {
  const history = new History()
  for (let i = 0; i < 300; i++) {
    if (i % 10 === 0) history.begin('lost', 'put', 'k', `lost ${i}`)
    history.answered(history.begin('a', 'put', 'k', `v${i}`), undefined, i + 1)
    history.answered(history.begin('b', 'get', 'k'), `v${i}`, i + 1)
  }
  expect(found(history)).toEqual([])
  history.answered(history.begin('b', 'get', 'k'), 'v3', 4)
  expect(found(history).join()).toMatch(/no order explains/)
})

test('many clients at once on one key are decided: revisions and reads leave little to try', () => {
  const history = new History()
  const open: (() => void)[] = []
  for (let i = 1; i <= 400; i++) {
    const put = history.begin(`c${i % 16}`, 'put', 'k', `v${i}`)
    const get = history.begin(`d${i % 16}`, 'get', 'k')
    open.push(
      () => history.answered(put, undefined, i),
      () => history.answered(get, `v${i}`, i),
    )
    if (i % 7 === 0) history.begin('lost', 'put', 'k', `lost ${i}`)
    if (i % 16 === 0) for (const close of open.splice(0).reverse()) close()
  }
  expect(found(history)).toEqual([])
  history.answered(history.begin('late', 'get', 'k'), 'v390', 390)
  expect(found(history).join()).toMatch(/no order explains/)
})

test('a search that takes too long says so', () => {
  const never: Model<number, number> = { initial: 0, step: (state) => state + 1, key: String }
  const operations: Timed<number>[] = Array.from({ length: 4 }, (_, op) => ({ op, called: op, returned: 10 + op }))
  expect(linearize(never, operations, 2)).toEqual({ kind: 'unknown' })
  expect(linearize(never, operations, 100)).toEqual({ kind: 'linearizable' })
})

/** The obvious way: every order of every choice of the open operations. */
function bruteForce(operations: readonly Timed<Operation>[]): boolean {
  const extend = (left: readonly Timed<Operation>[], state: Register): boolean => {
    if (left.every((one) => one.returned === Infinity)) return true
    return left.some((one) => {
      if (left.some((other) => other.returned < one.called)) return false
      const next = registerModel.step(state, one.op)
      return (
        next !== undefined &&
        extend(
          left.filter((other) => other !== one),
          next,
        )
      )
    })
  }
  return extend(operations, registerModel.initial)
}

const operation = fc.record({
  kind: fc.constantFrom('put', 'get', 'delete', 'increment'),
  value: fc.constantFrom('1', '2', '3'),
  nothing: fc.boolean(),
  revision: fc.constantFrom(undefined, undefined, undefined, 1, 2, 3),
  open: fc.integer({ min: 0, max: 4 }).map((draw) => draw === 0),
  start: fc.integer({ min: 0, max: 20 }),
  length: fc.integer({ min: 0, max: 8 }),
})

test('the search agrees with trying every order, on histories good and bad', () => {
  const verdicts = { good: 0, bad: 0 }
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 7 }), (drawnOps) => {
      const timed = drawnOps.map(({ kind, value, nothing, revision, open, start, length }): Timed<Operation> => {
        const op = {
          ...{ client: 'c', key: 'k', start, end: open ? Infinity : start + length },
          ...{ kind, value: kind === 'put' ? value : undefined },
          revision: open ? undefined : revision,
          ...{ outcome: open ? 'unknown' : 'ok', result: nothing ? undefined : value, deleted: nothing },
        } as Operation
        return { op, called: start, returned: op.end }
      })
      const expected = bruteForce(timed)
      verdicts[expected ? 'good' : 'bad']++
      expect(linearize(registerModel, timed).kind).toBe(expected ? 'linearizable' : 'violation')
    }),
    { numRuns: 3_000 },
  )
  expect(Math.min(verdicts.good, verdicts.bad)).toBeGreaterThan(300)
})
