import { describe, expect, test } from 'vitest'
import { cluster, firstDifference, simulate } from '../../src/testing/index.ts'
import type { Cluster } from '../../src/testing/index.ts'
import { foundBugs } from './regressions/seeds.ts'

/** Of the 200 seeds of `npm run sim:seeds`, with a shorter time of faults. */
const seeds = 100
const perTest = 5
const quick = { faultsMs: 4_000 }

describe('three nodes and two clients under crashes, pauses and partitions', () => {
  const starts = Array.from({ length: seeds / perTest }, (_, i) => i * perTest)
  test.each(starts)('keep every promise and replay exactly, seeds from %i', async (start) => {
    for (let seed = start; seed < start + perTest; seed++) {
      const one = await simulate(seed, quick)
      const two = await simulate(seed, quick)
      expect(firstDifference(one.trace, two.trace), `seed ${seed}`).toBeUndefined()
      expect(one.violations, `seed ${seed}`).toEqual([])
      expect(one.trace.hash, `seed ${seed}`).toBe(two.trace.hash)
    }
  })

  test.each(foundBugs)('pass with a seed that found a bug: $seed', async ({ seed, ...options }) => {
    expect((await simulate(seed, options)).violations).toEqual([])
  })

  test('run differently with another seed', async () => {
    const one = await simulate(1, { faultsMs: 500 })
    const two = await simulate(2, { faultsMs: 500 })
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

/** What a promise came to, after letting virtual time pass. */
async function outcome<T>(world: Cluster, promise: Promise<T>, limitMs = 10_000): Promise<T> {
  let done = false
  const settled = promise.finally(() => (done = true))
  settled.catch(() => undefined)
  await world.until(() => done, limitMs)
  expect(done).toBe(true)
  return await settled
}

describe('a virtual cluster', () => {
  test('elects another leader when the first one crashes, and keeps what was acknowledged', async () => {
    const three = await formed(3, 1)
    const client = await outcome(three, three.client('alice').connect())
    await outcome(three, client.store.put('colour', 'blue'))
    const first = three.leader() ?? ''
    three.crash(first)
    expect(await three.until(() => (three.leader() ?? first) !== first, 5_000)).toBe(true)
    const entry = await outcome(three, client.store.get('colour'))
    expect(entry?.text()).toBe('blue')
    three.start(first)
    expect(await three.until(() => three.converged(), 5_000)).toBe(true)
    expect(three.violations.found).toEqual([])
  })

  test('keeps acknowledged writes when all nodes lose power at once', async () => {
    const three = await formed(3, 2)
    const client = await outcome(three, three.client('alice').connect())
    for (let i = 0; i < 20; i++) await outcome(three, client.store.put(`key ${i}`, `value ${i}`))
    for (const name of three.names) three.crash(name)
    await three.run(100)
    three.startAll()
    for (let i = 0; i < 20; i++) {
      expect((await outcome(three, client.store.get(`key ${i}`)))?.text()).toBe(`value ${i}`)
    }
    expect(three.violations.found).toEqual([])
  })

  test('serves no read from a leader that was paused while another one was elected', async () => {
    const three = await formed(3, 3)
    const old = three.leader() ?? ''
    await outcome(three, three.node(old)?.store.put('colour', 'blue') ?? Promise.reject(new Error('no node')))
    three.pause(old)
    expect(await three.until(() => (three.leader() ?? old) !== old, 5_000)).toBe(true)
    const next = three.node(three.leader() ?? '')
    await outcome(three, next?.store.put('colour', 'red') ?? Promise.reject(new Error('no node')))
    const read = three.node(old)?.store.get('colour') ?? Promise.reject(new Error('no node'))
    three.resume(old)
    expect((await outcome(three, read))?.text()).toBe('red')
  })

  test('makes progress on the side with a majority while a node hears but is not heard', async () => {
    const three = await formed(3, 4)
    const old = three.leader() ?? ''
    three.isolate(old, 'blackhole', 'out')
    const other = three.node(three.names.find((name) => name !== old) ?? '')
    await outcome(
      three,
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
