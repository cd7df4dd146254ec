import { expect, test } from 'vitest'
import { cluster, recordStore } from '../../../src/testing/index.ts'

test('what a leader commits in the turn that deposes it is committed, and acknowledged at once', async () => {
  const world = cluster(3, { seed: 1 })
  world.startAll()
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  const leader = world.leader() ?? ''
  const [near = '', far = ''] = world.names.filter((name) => name !== leader)
  const node = world.node(leader)
  const store = recordStore(world, 'writer', node?.store ?? expect.unreachable('a leader runs'))
  await world.answer(store.put('key', 'before'))
  // What the leader says to the far one takes longer than an election timeout, but comes without a gap as long as that.
  for (const delayMs of [400, 800]) {
    world.network.delay(leader, far, delayMs)
    if (delayMs === 400) await world.run(1_000)
  }
  // The request to take over arrives when the leader has given up the transfer and writes again.
  node?.admin.transferLeadership(far).catch(() => undefined)
  await world.run(600)
  expect(world.leader()).toBe(leader)
  const { term = 0, commitIndex = 0 } = node?.status() ?? {}
  world.network.delay(near, leader, 100)
  let acknowledged = false
  void store.put('key', 'value').then(() => (acknowledged = true))
  // The entry is on both disks, and the leader finds the copy and the call for votes of a later term together.
  await world.run(50)
  world.pause(leader)
  expect(await world.until(() => (world.node(far)?.status().term ?? 0) > term, 1_000)).toBe(true)
  await world.run(20)
  expect(node?.status()).toMatchObject({ role: 'leader', term, commitIndex })
  world.resume(leader)
  expect(await world.until(() => acknowledged, 20)).toBe(true)
  // Nobody leads who could have committed it since.
  expect(node?.status()).toMatchObject({ role: 'follower', commitIndex: commitIndex + 1 })
  expect(world.leader()).toBe(undefined)
  expect(world.violations.found).toEqual([])
  world.network.delay(leader, far, 1)
  world.network.delay(near, leader, 1)
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  expect((await world.answer(world.node(near)?.store.get('key') ?? Promise.resolve(undefined)))?.text()).toBe('value')
  expect(world.violations.found).toEqual([])
})
