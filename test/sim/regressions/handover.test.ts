import { expect, test } from 'vitest'
import { cluster } from '../../../src/testing/index.ts'

test('members that all lost their state do not pass leadership round without end', async () => {
  const world = cluster(3, { seed: 1 })
  world.startAll()
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  // Enough writes that the logs begin after the founding and can't rebuild a state.
  for (let i = 0; i < 60; i++) {
    let done = false
    void world
      .node(world.leader() ?? '')
      ?.store.put(`key ${i}`, 'value')
      .then(() => (done = true))
    expect(await world.until(() => done, 5_000)).toBe(true)
  }
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  await world.run(500)
  for (const name of ['n1', 'n2', 'n3']) world.crash(name)
  for (const name of ['n1', 'n2']) {
    world.rotState(name)
    world.start(name)
  }
  await world.run(2_000)
  expect(['n1', 'n2'].map((name) => world.node(name)?.status().ready)).toEqual([false, false])
  const before = world.watched.elections.terms
  await world.run(10_000)
  expect(world.watched.elections.terms - before).toBeLessThan(60)
  // With the state of the third they are whole again.
  world.start('n3')
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  expect(world.violations.found).toEqual([])
})
