import { describe, expect, test } from 'vitest'
import { cluster, firstDifference, simulate } from '../../src/testing/index.ts'
import type { Cluster } from '../../src/testing/index.ts'

describe('a cluster and its clients under faults of all kinds', () => {
  // Many more, and those that once found a bug, are run by `npm run sim`.
  test.each([0, 1])('keep every promise: seed %i', { timeout: 240_000 }, async (seed) => {
    const { violations, facts } = await simulate(seed)
    expect(violations).toEqual([])
    expect(facts['virtualMs']).toBeGreaterThanOrEqual(60_000)
    expect(facts['operations']).toBeGreaterThanOrEqual(200)
  })

  test('run alike with one seed, event by event', { timeout: 120_000 }, async () => {
    const options = { knobs: { faultsMs: 4_000, everyMs: 200, operations: 50 }, keepEvents: 100_000 }
    for (let seed = 0; seed < 4; seed++) {
      const one = await simulate(seed, options)
      const two = await simulate(seed, options)
      expect(firstDifference(one.trace, two.trace), `seed ${seed}`).toBeUndefined()
      expect(one.trace.hash, `seed ${seed}`).toBe(two.trace.hash)
    }
  })

  test('run differently with another seed', async () => {
    const options = { knobs: { faultsMs: 500, everyMs: 100, operations: 10 }, keepEvents: 100_000 }
    const one = await simulate(1, options)
    const two = await simulate(2, options)
    expect(one.trace.hash).not.toBe(two.trace.hash)
    expect(firstDifference(one.trace, two.trace)).toMatch(/the runs part at event \d+/)
  })
})

async function formed(size: number, seed: number): Promise<Cluster> {
  const some = cluster(size, { seed })
  some.startAll()
  expect(await some.until(() => some.converged(), 10_000)).toBe(true)
  return some
}

describe('a virtual cluster', () => {
  test('elects another leader when the first one crashes, and keeps what was acknowledged', async () => {
    const three = await formed(3, 1)
    const client = await three.answer(three.client('alice').connect())
    await three.answer(client.store.put('colour', 'blue'))
    const first = three.leader() ?? ''
    three.crash(first)
    expect(await three.until(() => (three.leader() ?? first) !== first, 5_000)).toBe(true)
    const entry = await three.answer(client.store.get('colour'))
    expect(entry?.text()).toBe('blue')
    three.start(first)
    expect(await three.until(() => three.converged(), 5_000)).toBe(true)
    expect(three.violations.found).toEqual([])
  })

  test('keeps acknowledged writes when all nodes lose power at once', async () => {
    const three = await formed(3, 2)
    const client = await three.answer(three.client('alice').connect())
    for (let i = 0; i < 20; i++) await three.answer(client.store.put(`key ${i}`, `value ${i}`))
    for (const name of three.names) three.crash(name)
    await three.run(100)
    three.startAll()
    for (let i = 0; i < 20; i++) {
      expect((await three.answer(client.store.get(`key ${i}`)))?.text()).toBe(`value ${i}`)
    }
    expect(three.violations.found).toEqual([])
  })

  test('serves no read from a leader that was paused while another one was elected', async () => {
    const three = await formed(3, 3)
    const old = three.leader() ?? ''
    await three.answer(three.node(old)?.store.put('colour', 'blue') ?? Promise.reject(new Error('no node')))
    three.pause(old)
    expect(await three.until(() => (three.leader() ?? old) !== old, 5_000)).toBe(true)
    const next = three.node(three.leader() ?? '')
    await three.answer(next?.store.put('colour', 'red') ?? Promise.reject(new Error('no node')))
    const read = three.node(old)?.store.get('colour') ?? Promise.reject(new Error('no node'))
    three.resume(old)
    expect((await three.answer(read))?.text()).toBe('red')
  })

  test('makes progress on the side with a majority while a node hears but is not heard', async () => {
    const three = await formed(3, 4)
    const old = three.leader() ?? ''
    three.isolate(old, 'blackhole', 'out')
    const other = three.node(three.names.find((name) => name !== old) ?? '')
    await three.answer(
      other?.store.put('colour', 'green', { timeoutMs: 9_000 }) ?? Promise.reject(new Error('no node')),
    )
    three.rejoin(old)
    expect(await three.until(() => three.converged(), 10_000)).toBe(true)
    expect(three.violations.found).toEqual([])
  })

  test('lets no time pass and runs nothing by itself', async () => {
    const three = await formed(3, 5)
    const before = three.trace.hash
    await new Promise(setImmediate)
    expect(three.trace.hash).toBe(before)
  })
})
