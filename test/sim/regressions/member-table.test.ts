import { expect, test } from 'vitest'
import { cluster } from '../../../src/testing/index.ts'

type World = ReturnType<typeof cluster>

async function started(): Promise<World> {
  const world = cluster(3, { seed: 1 })
  world.startAll()
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  return world
}

async function write(world: World, by: string, count: number): Promise<void> {
  const client = await world.answer(world.client(by).connect())
  for (let i = 0; i < count; i++) await world.answer(client.store.put('key', `value ${i}`))
}

/** A node is killed, what is on its disk is changed, and it comes back. */
async function restart(world: World, damage: () => void): Promise<void> {
  world.crash('n1')
  damage()
  world.start('n1')
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
}

function rotTable(world: World): void {
  const damaged = world.damageFile('n1', 'rot', (path) => path.endsWith('/membership'))
  expect(damaged).toBe('data/membership')
}

/** More writes than this, and logs no longer begin at the founding: a state can only come from a peer. */
const manyWrites = 40

test('a node whose copy of the member table was damaged writes another, and survives the loss of its state after that', async () => {
  const world = await started()
  await write(world, 'alice', manyWrites)
  await restart(world, () => rotTable(world))
  await world.run(200)
  await restart(world, () => world.damageState('n1', 'empty'))
  expect(world.violations.found).toEqual([])
})

test('nor is it without one when its state was rebuilt from its log', async () => {
  const world = await started()
  await write(world, 'alice', 1)
  // Nobody has to be asked here, and the copy is not needed.
  await restart(world, () => {
    rotTable(world)
    world.damageState('n1', 'empty')
  })
  await write(world, 'bob', manyWrites)
  await world.run(200)
  await restart(world, () => world.damageState('n1', 'empty'))
  expect(world.violations.found).toEqual([])
})
