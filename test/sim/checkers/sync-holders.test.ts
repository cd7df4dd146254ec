/** Checkers that compare what holders, waiters and observers believe with the log. */
import { describe, expect, test } from 'vitest'
import { EveryAcquireEnds } from '../../../src/testing/checkers/sync/acquires-end.ts'
import { ElectionsInOrder } from '../../../src/testing/checkers/sync/elections-in-order.ts'
import { HeldIsTrue } from '../../../src/testing/checkers/sync/held-is-true.ts'
import { OneLeader } from '../../../src/testing/checkers/sync/one-leader.ts'
import { SignalInTime } from '../../../src/testing/checkers/sync/signal-in-time.ts'
import { SyncHistory, holderStep } from './sync-history.ts'

const leader = { resource: 'leader a' } as const

test('a holder may say held up to the moment at which the log gives it away, and not then', () => {
  const world = new SyncHistory()
  const checker = new HeldIsTrue(world.log, () => world.nowMs, world.report)
  const one = world.grantAtOnce({ label: '1' })
  checker.told(holderStep(one, 'held'))
  checker.told(holderStep(one, 'uncertain'))
  world.nowMs = 1_000
  world.step({ end: [one] })
  checker.told(holderStep(one, 'lost'))
  checker.told(holderStep(one, 'released'))
  expect(world.found).toEqual([])
  world.nowMs = 1_000.5
  checker.told(holderStep(one, 'uncertain'))
  expect(world.found).toEqual(['c read uncertain for 1 of lock a, token 1 at 1000.5 ms and lost it at 1000.0 ms'])
  checker.told(holderStep({ ...one, token: 77 }, 'held'))
  expect(world.found.at(-1)).toMatch(/token 77 .* and never held it/)
})

describe('the signal', () => {
  const steps = (...all: readonly (readonly ['held' | 'lost' | 'released', boolean])[]): string[] => {
    const world = new SyncHistory()
    const checker = new SignalInTime(world.report)
    const one = world.grantAtOnce({ label: '1' })
    for (const [state, signalled] of all) checker.told(holderStep(one, state, signalled))
    return world.found
  }

  test('comes by the turn after the one that reads lost', () => {
    expect(steps(['held', false], ['lost', false], ['lost', true])).toEqual([])
    expect(steps(['held', false], ['lost', true])).toEqual([])
    expect(steps(['lost', false], ['lost', false]).join()).toMatch(/has not come; it read lost a turn ago/)
  })

  test('does not come while it is held, and what was lost stays lost', () => {
    expect(steps(['held', true]).join()).toMatch(/has come while it reads held/)
    expect(steps(['lost', true], ['held', true]).join()).toMatch(/read lost and then held/)
  })
})

describe('leaders', () => {
  const world = (): { history: SyncHistory; checker: OneLeader } => {
    const history = new SyncHistory()
    const checker = history.log.add(new OneLeader(history.log, () => history.nowMs, history.report))
    return { history, checker }
  }

  test('that follow each other are one at a time', () => {
    const { history, checker } = world()
    const one = history.grantAtOnce({ label: '1', ...leader })
    const two = history.queue({ label: '2', ...leader })
    checker.told(holderStep(one, 'held'))
    history.nowMs = 10
    checker.told(holderStep(one, 'uncertain'))
    history.nowMs = 11
    history.step({ end: [one], grant: [two] })
    checker.told(holderStep(one, 'lost'))
    checker.told(holderStep(two, 'held'))
    history.proclaim(two, 'x')
    expect(history.found).toEqual([])
  })

  test('that believe it at one instant are seen, also if neither looked at it then', () => {
    const { history, checker } = world()
    const one = history.grantAtOnce({ label: '1', ...leader })
    const two = history.queue({ label: '2', ...leader })
    checker.told(holderStep(one, 'held'))
    history.step({ end: [one], grant: [two] })
    history.nowMs = 10
    checker.told(holderStep(two, 'held'))
    expect(history.found).toEqual([])
    history.nowMs = 20
    checker.told(holderStep(one, 'held'))
    expect(history.found).toEqual([
      '1 of c by token 1 and 2 of c by token 4 both believe that they lead leader a until 10.0 ms',
      'c believes that 1 leads leader a by token 1; by the log 2 leads',
    ])
  })

  test('that proclaim before they are elected are seen', () => {
    const { history } = world()
    history.grantAtOnce({ label: '1', ...leader })
    const two = history.queue({ label: '2', ...leader })
    history.proclaim(two, 'x')
    expect(history.found).toEqual(['leader a of 2, queued at 2 proclaims without having been elected'])
  })
})

describe('observers', () => {
  const open = new Set(['o'])
  const shown = (...views: readonly (readonly [token: number, value: string] | undefined)[]) => {
    const history = new SyncHistory()
    const checker = new ElectionsInOrder(history.log, history.report)
    const one = history.grantAtOnce({ label: '1', ...leader, value: 'a' })
    const two = history.queue({ label: '2', ...leader, value: 'c' })
    history.proclaim(one, 'b')
    history.step({ end: [one], grant: [two] })
    for (const view of views) {
      const known = view && { token: view[0], value: view[1] }
      checker.told({ kind: 'observed', client: 'c', observer: 'o', resource: 'leader a', leader: known })
    }
    return { found: history.found, behind: checker.behind(open), closed: checker.behind(new Set()) }
  }

  test('see every leader and value, or some of them, in order', () => {
    expect(shown(undefined, [1, 'a'], [1, 'b'], undefined, [5, 'c'])).toMatchObject({ found: [], behind: [] })
    expect(shown([1, 'b'], [5, 'c'])).toMatchObject({ found: [], behind: [] })
  })

  test('do not go back, to a leader or to a value', () => {
    expect(shown([5, 'c'], [1, 'a']).found.join()).toMatch(/shown "a" of token 1 for leader a, after 5/)
    expect(shown([1, 'b'], [1, 'a']).found.join()).toMatch(/whose values are b from there on/)
    expect(shown([1, 'b'], undefined, [1, 'b']).found.join()).toMatch(/told that it leads no longer/)
  })

  test('do not see what never was', () => {
    expect(shown([2, 'c']).found.join()).toMatch(/who was never elected/)
    expect(shown([1, 'c']).found.join()).toMatch(/whose values are a, b/)
  })

  test('come to who leads in the end, unless they are over', () => {
    expect(shown([1, 'b']).behind).toEqual(['o was told that 1 leads leader a, and 5 does'])
    expect(shown([5, 'c'], undefined).behind).toEqual(['o was told that nobody leads leader a, and 5 does'])
    expect(shown([1, 'b']).closed).toEqual([])
  })
})

describe('acquires', () => {
  const began = (label: string) => ({ kind: 'acquire began', client: 'c', label, resource: 'lock a' }) as const
  const ended = (label: string, outcome: { how: 'granted'; token: number } | { how: 'cancelled' }) =>
    ({ kind: 'acquire ended', client: 'c', label, outcome }) as const

  test('that have not ended are known, until their client is over', () => {
    const world = new SyncHistory()
    const checker = new EveryAcquireEnds(world.log, world.report)
    for (const label of ['1', '2', '3']) checker.told(began(label))
    checker.told(ended('1', { how: 'granted', token: 1 }))
    checker.told(ended('2', { how: 'cancelled' }))
    expect(checker.pending()).toEqual(['3 of c'])
    checker.told({ kind: 'client over', client: 'c' })
    expect(checker.pending()).toEqual([])
  })

  test('leave nothing behind that nobody wants: no holder and no waiter', () => {
    const world = new SyncHistory()
    const checker = new EveryAcquireEnds(world.log, world.report)
    const one = world.grantAtOnce({ label: '1' })
    const two = world.queue({ label: '2' })
    for (const label of ['1', '2']) checker.told(began(label))
    expect(checker.leftBehind()).toEqual([])
    checker.told(ended('1', { how: 'granted', token: 1 }))
    checker.told({ kind: 'given back', client: 'c', label: '1' })
    checker.told(ended('2', { how: 'cancelled' }))
    expect(checker.leftBehind()).toEqual(['lock a of 1, queued at 1, token 1', 'lock a of 2, queued at 2'])
    world.step({ end: [one, two] })
    expect(checker.leftBehind()).toEqual([])
  })

  test('may fail for want of an answer, and for nothing else', () => {
    const world = new SyncHistory()
    const checker = new EveryAcquireEnds(world.log, world.report)
    const failed = (code: string): void =>
      checker.told({ kind: 'acquire ended', client: 'c', label: '1', outcome: { how: 'failed', code } })
    failed('Timeout')
    expect(world.found).toEqual([])
    failed('InvalidArgument')
    expect(world.found).toEqual(['1 of c ended with InvalidArgument'])
  })
})
