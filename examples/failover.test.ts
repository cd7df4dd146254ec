/**
 * A test of one's own against a virtual cluster: paste it into a vitest suite. Minutes of cluster time take a moment, and a
 * seed that fails fails again in the same way.
 */
import { checkHistory, cluster, recordStore } from 'nitrostate/testing'
import { expect, test } from 'vitest'

test.each([1, 2, 3])('nothing acknowledged is lost when the leader is cut off and crashes, seed %i', async (seed) => {
  const three = cluster(3, { seed })
  three.startAll()
  expect(await three.until(() => three.converged(), 10_000)).toBe(true)

  // A client with a process of its own. Time passes only where the test says so: `answer` lets it, until there is one.
  const alice = await three.answer(three.client('alice').connect())
  const store = recordStore(three, 'alice', alice.store)
  await three.answer(store.put('colour', 'blue'))

  // The leader hears nobody and nobody hears it; its clients find the one that takes its place.
  const first = three.leader() ?? ''
  const others = three.names.filter((name) => name !== first)
  three.partition(first, [...others, 'alice'], 'blackhole')
  const { revision } = await three.answer(store.put('colour', 'green', { timeoutMs: 20_000 }))
  expect(revision).toBeGreaterThan(1)

  // It loses power, comes back, and has to catch up.
  three.crash(first)
  three.heal()
  await three.clock.advance(2_000)
  three.restart(first)
  expect((await three.answer(store.get('colour')))?.text()).toBe('green')
  expect(await three.until(() => three.converged(), 10_000)).toBe(true)

  // Every checker of the simulator has watched: one leader in a term, equal states, a history that is linearizable, ...
  expect(await checkHistory(three)).toEqual([])
})
