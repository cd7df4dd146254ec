import { expect, test } from 'vitest'
import { cluster } from '../../../src/testing/index.ts'

test('a leader that does not know of its successor refuses nobody for good whom that one has let in', async () => {
  const world = cluster(5, { seed: 1 })
  world.startAll()
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  const old = world.leader() ?? ''
  const [lost = '', ...rest] = world.names.filter((name) => name !== old)
  world.pause(old)
  world.partition(old, rest, 'blackhole')
  world.crash(lost)
  expect(await world.until(() => (world.leader() ?? old) !== old, 5_000)).toBe(true)
  const next = world.node(world.leader() ?? '')
  await world.answer(next?.admin.replaceMember(lost) ?? Promise.reject(new Error('no node')))
  // The new process meets the old leader first, which still takes itself for one and knows only the old process.
  world.member(lost).replace([old, ...rest].map((name) => `${name}:7400`))
  world.resume(old)
  const roleOf = async (): Promise<string | undefined> =>
    (await world.answer(next?.admin.members() ?? Promise.resolve([]))).find(({ name }) => name === lost)?.role
  await world.run(10_000)
  expect(await roleOf()).toBe('voter')
  world.heal()
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  expect(world.violations.found).toEqual([])
})
