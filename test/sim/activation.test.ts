/** A program is changed while the cluster works: one node after the other, no stop, one switch. */
import { describe, expect, test } from 'vitest'
import type { Program } from '../../execution/index.ts'
import { cluster } from '../../src/testing/index.ts'
import type { Client } from '../../src/client/index.ts'
import type { Cluster } from '../../src/testing/index.ts'

const text = new TextDecoder()

/** Appends its version to a list, so that the list tells which version ran when. */
const tally = (version: number): Program => ({
  name: 'tally',
  version,
  methods: {
    add: (tx) => {
      const list = `${text.decode(tx.get('list'))}${version}`
      tx.put('list', list)
      return version
    },
  },
})
const [v1, v2] = [tally(1), tally(2)]

async function outcome<T>(world: Cluster, promise: Promise<T>, limitMs = 20_000): Promise<T> {
  let done = false
  const settled = promise.finally(() => (done = true))
  settled.catch(() => undefined)
  await world.until(() => done, limitMs)
  expect(done).toBe(true)
  return await settled
}

/** The programs in force on each node; flags are not what this is about. */
const running = (world: Cluster, names = world.names): string[] =>
  names.map((name) => {
    const active = world.node(name)?.status().active
    return active?.filter((one) => !one.startsWith('flag ')).join() ?? 'down'
  })

async function formed(seed: number): Promise<{ world: Cluster; client: Client }> {
  const world = cluster(3, { seed, programs: [v1] })
  world.startAll()
  expect(
    await world.until(() => world.converged() && running(world).join() === 'tally 1,tally 1,tally 1', 10_000),
  ).toBe(true)
  return { world, client: await outcome(world, world.client('alice').connect()) }
}

async function upgrade(world: Cluster, name: string, programs: readonly Program[]): Promise<void> {
  world.crash(name)
  world.install(name, programs)
  world.start(name)
  const others = world.names.filter((one) => one !== name)
  const caughtUp = () => world.converged() && others.every((one) => world.node(one) !== undefined)
  expect(await world.until(caughtUp, 20_000)).toBe(true)
}

describe('a rolling upgrade from version 1 to versions 1 and 2', () => {
  test.each([1, 2, 3])('switches once, when the last node has both, and loses no call: seed %i', async (seed) => {
    const { world, client } = await formed(seed)
    const answers: number[] = []
    const call = async () => answers.push((await client.programs.call('tally', 'add', null)) as number)
    for (const name of world.names) {
      for (let i = 0; i < 10; i++) await outcome(world, call())
      expect(new Set(answers), 'before the last node has it').toEqual(new Set([1]))
      expect(new Set(running(world))).toEqual(new Set(['tally 1']))
      const under = [call(), call(), call()]
      await upgrade(world, name, [v1, v2])
      for (const one of under) await outcome(world, one)
      // One that has it leads, and must wait for the others all the same.
      await outcome(world, client.admin.transferLeadership(name))
    }
    expect(
      await world.until(() => world.converged() && running(world).join() === 'tally 2,tally 2,tally 2', 10_000),
    ).toBe(true)
    for (let i = 0; i < 10; i++) await outcome(world, call())
    expect(answers.at(-1)).toBe(2)
    const list = (await outcome(world, client.store.get('list')))?.text() ?? ''
    expect(list).toMatch(/^1+2+$/)
    expect(list).toHaveLength(answers.length)
    expect(await world.until(() => world.converged(), 5_000)).toBe(true)
    expect(world.violations.found).toEqual([])

    // Version 1 is needed no more: it can go, one node after the other.
    for (const name of world.names) await upgrade(world, name, [v2])
    expect(await outcome(world, client.programs.call('tally', 'add', null))).toBe(2)
    expect(world.violations.found).toEqual([])
  })

  test('reaches a node that was away across the switch by snapshot', async () => {
    const { world, client } = await formed(4)
    for (const name of world.names) await upgrade(world, name, [v1, v2])
    expect(await world.until(() => running(world).join() === 'tally 2,tally 2,tally 2', 10_000)).toBe(true)
    world.add('n4')
    world.install('n4', [v2])
    for (let i = 0; i < 40; i++) await outcome(world, client.programs.call('tally', 'add', null))
    world.start('n4')
    expect(await world.until(() => world.converged(), 30_000)).toBe(true)
    expect(running(world, ['n4'])).toEqual(['tally 2'])
    expect(world.violations.found).toEqual([])
  })
})

describe('a node without the version in force', () => {
  test('does not start on a state that needs it, and says what is missing', async () => {
    const { world } = await formed(5)
    for (const name of world.names) await upgrade(world, name, [v1, v2])
    expect(
      await world.until(() => world.converged() && running(world).join() === 'tally 2,tally 2,tally 2', 10_000),
    ).toBe(true)
    await world.run(500)
    world.crash('n3')
    world.install('n3', [v1])
    world.start('n3')
    expect(await world.until(() => world.violations.found.length > 0, 5_000)).toBe(true)
    expect(world.violations.found[0]).toMatch(/n3 ended: .*tally 2/)
  })

  test('is not let in', async () => {
    const { world } = await formed(6)
    world.add('n4')
    world.install('n4', [v2])
    world.start('n4')
    expect(await world.until(() => world.violations.found.length > 0, 5_000)).toBe(true)
    expect(world.violations.found[0]).toMatch(/n4 ended: .*n4 lacks what is in force in this cluster: tally 1/)
  })

  test('does not start with only the next version while its log has to be applied with this one', async () => {
    const { world, client } = await formed(7)
    for (const name of ['n1', 'n2']) await upgrade(world, name, [v1, v2])
    world.crash('n3')
    await world.run(3_000)
    expect(running(world, ['n1', 'n2'])).toEqual(['tally 1', 'tally 1'])
    expect(await outcome(world, client.programs.call('tally', 'add', null))).toBe(1)
    world.install('n3', [v2])
    world.start('n3')
    // It lacks version 1, with which its log has to be applied.
    expect(await world.until(() => world.violations.found.length > 0, 5_000)).toBe(true)
    expect(world.violations.found[0]).toMatch(/n3 ended: .*tally 1/)
  })
})
