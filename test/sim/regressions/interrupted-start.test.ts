import { expect, test } from 'vitest'
import { cluster } from '../../../src/testing/index.ts'

test('nodes that all lose power while they start still have their state at the next start', async () => {
  const world = cluster(3, { seed: 1 })
  world.startAll()
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  const client = await world.answer(world.client('alice').connect())
  // Enough that the logs no longer begin at the beginning: they alone could not bring the state back.
  for (let i = 0; i < 60; i++) await world.answer(client.store.put(`key ${i % 7}`, `value ${i}`))
  for (let times = 0; times < 1; times++) {
    for (const name of world.names) {
      world.crash(name)
      world.crashAtPoint(name, 1, 'state:after-marker')
      world.start(name)
    }
    await world.run(500)
    for (const name of world.names) expect(world.isRunning(name)).toBe(false)
  }
  world.startAll()
  expect(await world.until(() => world.converged(), 20_000)).toBe(true)
  expect((await world.answer(client.store.get('key 3')))?.text()).toBe('value 59')
  expect(world.violations.found).toEqual([])
})
