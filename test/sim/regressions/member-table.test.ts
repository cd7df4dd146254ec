import { expect, test } from 'vitest'
import { cluster } from '../../../src/testing/index.ts'

test('a node whose copy of the member table was damaged writes another, and survives the loss of its state after that', async () => {
  const world = cluster(3, { seed: 1 })
  world.startAll()
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  const client = await world.answer(world.client('alice').connect())
  // Enough that the logs no longer begin at the beginning: the state can only come from a peer.
  for (let i = 0; i < 40; i++) await world.answer(client.store.put('key', `value ${i}`))
  world.crash('n1')
  const damaged = world.damageFile('n1', 'rot', (path) => path.endsWith('/membership'))
  expect(damaged).toBe('data/membership')
  world.start('n1')
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  await world.run(200)
  world.crash('n1')
  world.damageState('n1', 'empty')
  world.start('n1')
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  expect(world.violations.found).toEqual([])
})

test('nor is it without one when its state was rebuilt from its log', async () => {
  const world = cluster(3, { seed: 1 })
  world.startAll()
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  const client = await world.answer(world.client('alice').connect())
  await world.answer(client.store.put('key', 'value'))
  // The log still begins at the founding, so nobody has to be asked, and the copy is not needed.
  world.crash('n1')
  expect(world.damageFile('n1', 'rot', (path) => path.endsWith('/membership'))).toBe('data/membership')
  world.damageState('n1', 'empty')
  world.start('n1')
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  for (let i = 0; i < 40; i++) await world.answer(client.store.put('key', `value ${i}`))
  await world.run(200)
  world.crash('n1')
  world.damageState('n1', 'empty')
  world.start('n1')
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  expect(world.violations.found).toEqual([])
})
