/** Clients of a node that is cut off from the other nodes, but not from them. */
import { describe, expect, test } from 'vitest'
import { checkHistory, cluster, recordStore } from '../../src/testing/index.ts'

const modes = ['cut', 'blackhole'] as const
const cases = modes.flatMap((mode) => [1, 2, 3].map((seed) => ({ mode, seed })))

describe('a client whose node is cut off from the majority', () => {
  test.each(cases)('goes to one that is not: $mode, seed $seed', async ({ mode, seed }) => {
    const three = cluster(3, { seed })
    three.startAll()
    expect(await three.until(() => three.converged(), 10_000)).toBe(true)
    const alice = await three.answer(three.client('alice').connect())
    const store = recordStore(three, 'alice', alice.store)
    await three.answer(store.put('a', '1'))
    const watch = alice.store.watch({ prefix: 'a' })
    const heard: number[] = []
    const listening = (async () => {
      for await (const { revision } of watch) heard.push(revision)
    })()
    // A watch of what is to come begins when it is opened.
    await three.clock.advance(500)
    const first = three.leader() ?? ''
    three.partition(
      first,
      three.names.filter((name) => name !== first),
      mode,
    )
    const from = three.clock.nowMs()
    const { revision } = await three.answer(store.put('a', '2', { timeoutMs: 30_000 }))
    expect(three.clock.nowMs() - from).toBeLessThan(10_000)
    expect((await three.answer(store.get('a')))?.text()).toBe('2')
    expect(await three.until(() => heard.includes(revision), 5_000)).toBe(true)
    expect(three.node(first)?.status().leader).toBe('')
    three.heal()
    expect(await three.until(() => three.converged(), 10_000)).toBe(true)
    await three.answer(store.put('a', '3'))
    watch.close()
    await listening
    expect(await checkHistory(three)).toEqual([])
  })

  test('stays where it is while nobody knows a leader, and goes on when one is there', async () => {
    const three = cluster(3, { seed: 5 })
    three.startAll()
    expect(await three.until(() => three.converged(), 10_000)).toBe(true)
    const alice = await three.answer(three.client('alice').connect())
    await three.answer(alice.store.put('a', '1'))
    const [one, two, last] = three.names as [string, string, string]
    three.partition([one], [two, last])
    three.partition([two], [last])
    await three.clock.advance(3_000)
    const before = alice.endpoint
    await three.clock.advance(60_000)
    expect(alice.endpoint).toBe(before)
    expect((await three.answer(alice.store.get('a', { consistency: 'committed' })))?.text()).toBe('1')
    three.heal()
    expect((await three.answer(alice.store.put('a', '2'))).revision).toBeGreaterThan(1)
  })
})
