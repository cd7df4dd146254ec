/** Clients that faults strike at, and what becomes of the locks they hold. */
import { beforeEach, expect, test } from 'vitest'
import type { Lock } from '../../../src/api/index.ts'
import { holderBound, put } from '../../../src/store/index.ts'
import type { ClientProcess } from '../../../src/testing/client-process.ts'
import { cluster } from '../../../src/testing/index.ts'
import type { Cluster } from '../../../src/testing/index.ts'

const ttl = 1_000
let world: Cluster
let first: ClientProcess
let second: ClientProcess

beforeEach(async () => {
  world = cluster(3, { seed: 4 })
  world.startAll()
  await world.until(() => world.converged(), 10_000)
  const traits = { followLeader: true, holderMs: holderBound(0.2, 50) }
  first = world.mortalClient('first', [], { ...traits, skew: { rate: 0.8, wallOffsetMs: 0 } })
  second = world.mortalClient('second', [], { ...traits, skew: { rate: 1.2, wallOffsetMs: 0 } })
})

async function locked(client: ClientProcess): Promise<{ readonly lock: Lock; write(): Promise<boolean> }> {
  const { sync, store } = await world.answer(client.connect())
  const lock = await world.answer(sync.lock('a', { ttl }))
  const write = async (): Promise<boolean> =>
    (await store.txn().if(lock.guard()).then(put('k', 'v')).commit()).succeeded
  return { lock, write }
}

test('one that stands still for longer than its time to live has lost what it held, and its guard is refused', async () => {
  const { lock, write } = await locked(first)
  expect(await world.answer(write())).toBe(true)
  const { atMs, next } = { atMs: world.clock.nowMs(), next: locked(second) }
  first.pauseFor(4 * ttl)
  const { lock: successor } = await next
  expect(world.clock.nowMs() - atMs).toBeLessThan(2 * ttl)
  expect([first.paused, lock.signal.aborted, successor.state]).toEqual([true, false, 'held'])
  await world.run(4 * ttl)
  expect([first.paused, lock.signal.aborted, lock.state]).toEqual([false, true, 'lost'])
  expect(await world.answer(write())).toBe(false)
  expect(successor.token).toBeGreaterThan(lock.token)
  expect(world.violations.found).toEqual([])
})

test('one that is killed never runs another line, and comes back as a stranger', async () => {
  const { lock } = await locked(first)
  let ticks = 0
  const tick = (): void => {
    ticks++
    first.life.scheduler.after(10, tick)
  }
  tick()
  await world.run(100)
  const before = ticks
  first.kill()
  await world.run(100)
  expect([before > 5, ticks]).toEqual([true, before])
  let starts = 0
  first.onStart = () => starts++
  world.healAll()
  world.healAll()
  expect([starts, first.number, first.life.clock.monotonicMs()]).toEqual([1, 2, 0])
  const { lock: next } = await locked(first)
  expect(next.token).toBeGreaterThan(lock.token)
  expect(world.violations.found).toEqual([])
})

test('its clock runs as fast as it is told', async () => {
  const startMs = first.life.clock.monotonicMs()
  const secondMs = second.life.clock.monotonicMs()
  let rang = 0
  first.life.scheduler.after(80, () => (rang = world.clock.nowMs()))
  const nowMs = world.clock.nowMs()
  await world.run(1_000)
  expect(first.life.clock.monotonicMs() - startMs).toBeCloseTo(800, 6)
  expect(second.life.clock.monotonicMs() - secondMs).toBeCloseTo(1_200, 6)
  expect(rang - nowMs).toBeCloseTo(100, 6)
})
