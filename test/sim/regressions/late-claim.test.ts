import { expect, test } from 'vitest'
import { cluster } from '../../../src/testing/index.ts'

test('a process that was given up takes no place from its successor, however late its wish to join arrives', async () => {
  const world = cluster(5, { seed: 1 })
  world.startAll()
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  const leader = world.leader() ?? ''
  const [asked = '', lost = '', ...rest] = world.names.filter((name) => name !== leader)
  world.crash(lost)
  world.partition(asked, [leader, ...rest], 'blackhole')
  await world.run(3_000)
  // The first try asks a member that has lost its leader, and is given up before there is an answer.
  world.member(lost).replace([`${asked}:7400`])
  await world.run(1_000)
  world.crash(lost)
  const { admin } = world.node(leader) ?? {}
  await world.answer(admin?.replaceMember(lost) ?? Promise.reject(new Error('no node')))
  world.heal()
  await world.run(5_000)
  world.member(lost).replace([leader, ...rest].map((name) => `${name}:7400`))
  await world.run(10_000)
  const members = await world.answer(admin?.members() ?? Promise.resolve([]))
  expect(members.find(({ name }) => name === lost)?.role).toBe('voter')
  expect(world.violations.found).toEqual([])
})
