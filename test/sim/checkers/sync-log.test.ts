/** Checkers of locks that look at the log only. */
import { describe, expect, test } from 'vitest'
import { FirstComeFirstServed } from '../../../src/testing/checkers/sync/first-come-first-served.ts'
import { GrantsExclude } from '../../../src/testing/checkers/sync/grants-exclude.ts'
import { GuardedWrites } from '../../../src/testing/checkers/sync/guarded-writes.ts'
import { NoLostWaiter } from '../../../src/testing/checkers/sync/no-lost-waiter.ts'
import { TokensRise } from '../../../src/testing/checkers/sync/tokens-rise.ts'
import { SyncHistory } from './sync-history.ts'

const reader = { resource: 'rwlock a', mode: 'shared', capacity: 0 } as const
const permit = { resource: 'semaphore a', mode: 'shared', capacity: 2 } as const

function history(): SyncHistory {
  const made = new SyncHistory()
  const { log, report } = made
  log.add(new GrantsExclude(report))
  log.add(new TokensRise(log, report))
  log.add(new FirstComeFirstServed(report))
  log.add(new NoLostWaiter(report))
  log.add(new GuardedWrites(log, report))
  return made
}

describe('the log of locks', () => {
  test('is good when each is granted in turn, by tokens that rise, and writes while it holds', () => {
    const good = history()
    const one = good.grantAtOnce({ label: '1' })
    const two = good.queue({ label: '2' })
    const three = good.queue({ label: '3' })
    good.write(one, 1)
    good.write(one, 2)
    good.step({ end: [one], grant: [two] })
    good.write(two, 3)
    good.step({ end: [three] })
    good.step({ end: [two] })
    expect(good.found).toEqual([])
  })

  test('is good when some share what may be shared', () => {
    const good = history()
    const readers = [good.grantAtOnce({ label: '1', ...reader }), good.grantAtOnce({ label: '2', ...reader })]
    const writer = good.queue({ label: '3', ...reader, mode: 'exclusive' })
    const late = good.queue({ label: '4', ...reader })
    good.step({ end: readers.slice(0, 1) })
    good.step({ end: readers.slice(1), grant: [writer] })
    good.step({ end: [writer], grant: [late] })
    const permits = [good.grantAtOnce({ label: '5', ...permit }), good.grantAtOnce({ label: '6', ...permit })]
    const third = good.queue({ label: '7', ...permit })
    good.step({ end: permits.slice(0, 1), grant: [third] })
    expect(good.found).toEqual([])
  })
})

describe('a grant beside another', () => {
  test('of a lock is seen', () => {
    const bad = history()
    bad.grantAtOnce({ label: '1' })
    bad.grantAtOnce({ label: '2' })
    expect(bad.found).toEqual(['lock a of 2, queued at 2, token 2 is granted beside lock a of 1, queued at 1, token 1'])
  })

  test('of a writer beside a reader, and of one permit too many, is seen', () => {
    const bad = history()
    bad.grantAtOnce({ label: '1', ...reader })
    bad.grantAtOnce({ label: '2', ...reader, mode: 'exclusive' })
    for (const label of ['3', '4', '5']) bad.grantAtOnce({ label, ...permit })
    expect(bad.found).toHaveLength(2)
    expect(bad.found[0]).toMatch(/rwlock a of 2.* beside rwlock a of 1/)
    expect(bad.found[1]).toMatch(/semaphore a of 5.* beside semaphore a of 3.* and semaphore a of 4/)
  })
})

describe('a token', () => {
  test('that is not the revision of its grant is seen', () => {
    const bad = history()
    bad.grantAtOnce({ label: '1' }, 9)
    expect(bad.found).toEqual(['lock a of 1, queued at 1, token 9 was granted at revision 1'])
  })

  test('that two grants have, or that falls, is seen', () => {
    const bad = history()
    bad.grantAtOnce({ label: '1', ...reader }, 1)
    bad.grantAtOnce({ label: '2', ...reader }, 1)
    expect(bad.found.join()).toMatch(/of 2, queued at 2, token 1 was granted after rwlock a of 1, queued at 1, token 1/)
  })

  test('that its holder was told must be the one in the log', () => {
    const world = new SyncHistory()
    const checker = new TokensRise(world.log, world.report)
    const { token } = world.grantAtOnce({ label: '1' })
    const told = (one: number): void =>
      checker.told({ kind: 'acquire ended', client: 'c', label: '1', outcome: { how: 'granted', token: one } })
    told(token)
    expect(world.found).toEqual([])
    told(token + 1)
    expect(world.found).toEqual(['c was told that 1 has token 2; the log has lock a of 1, queued at 1, token 1'])
  })
})

test('one who is granted before another that came first is seen, and one who did not wait at all', () => {
  const bad = history()
  const one = bad.grantAtOnce({ label: '1' })
  bad.queue({ label: '2' })
  const three = bad.queue({ label: '3' })
  bad.step({ end: [one], grant: [three] })
  expect(bad.found).toEqual([
    'lock a of 3, queued at 3, token 5 is granted while an earlier one waits: lock a of 2, queued at 2',
  ])
  bad.grantAtOnce({ label: '4', ...reader })
  bad.queue({ label: '5', ...reader, mode: 'exclusive' })
  bad.grantAtOnce({ label: '6', ...reader })
  expect(bad.found.at(-1)).toMatch(/rwlock a of 6.* while an earlier one waits: rwlock a of 5/)
})

test('one who is next and is not granted what is free is seen', () => {
  const bad = history()
  const one = bad.grantAtOnce({ label: '1' })
  bad.queue({ label: '2' })
  expect(bad.found).toEqual([])
  bad.step({ end: [one] })
  expect(bad.found).toEqual(['lock a of 2, queued at 2 waits, though it is next and nobody holds it'])
  const other = history()
  other.grantAtOnce({ label: '1', ...permit })
  other.queue({ label: '2', ...permit })
  expect(other.found.join()).toMatch(/semaphore a of 2.* is next and semaphore a of 1.* holds it/)
})

describe('a guarded write', () => {
  test('is seen when its grant is over, whether another holds it or nobody does', () => {
    const bad = history()
    const one = bad.grantAtOnce({ label: '1' })
    const two = bad.queue({ label: '2' })
    bad.step({ end: [one], grant: [two] })
    bad.write(one, 1)
    bad.step({ end: [two] })
    bad.write(two, 2)
    expect(bad.found).toEqual([
      'revision 5 is of 1 under token 1 of lock a, who does not hold it; 2 under 4 does',
      'revision 7 is of 2 under token 4 of lock a, who does not hold it; nobody does',
    ])
  })

  test('is seen when it waits still, or names a token of another lock', () => {
    const bad = history()
    bad.grantAtOnce({ label: '1' })
    const two = bad.queue({ label: '2' })
    bad.write(two)
    const other = bad.grantAtOnce({ label: '3', resource: 'lock b' })
    bad.write({ ...two, token: other.token })
    expect(bad.found).toHaveLength(2)
  })

  test('that loses an update is seen', () => {
    const bad = history()
    const one = bad.grantAtOnce({ label: '1' })
    bad.write(one, 1)
    bad.write(one, 1)
    expect(bad.found).toEqual([
      '1 under token 1 of lock a wrote 1 to ~guarded/lock a at revision 3, after 1 of 1: an update is lost',
    ])
  })

  test('may be refused one who has lost it, and nobody else', () => {
    const world = new SyncHistory()
    const checker = new GuardedWrites(world.log, world.report)
    const answered = (state: 'held' | 'lost', accepted: boolean): void =>
      checker.told({
        ...{ kind: 'guard answered', client: 'c', label: '1', resource: 'lock a', token: 1, accepted, state },
      })
    answered('lost', false)
    answered('held', true)
    expect(world.found).toEqual([])
    answered('held', false)
    expect(world.found).toEqual(['the guard of c for 1, token 1, was refused while it held it for sure'])
  })
})
