import { expect, test } from 'vitest'
import { cluster } from '../../../src/testing/index.ts'

test('what a leader took in while it was cut off is answered when it is back, though nobody else writes', async () => {
  for (let seed = 0; seed < 4; seed++) {
    const three = cluster(3, { seed })
    three.startAll()
    expect(await three.until(() => three.converged(), 10_000)).toBe(true)
    const old = three.leader() ?? ''
    const others = three.names.filter((name) => name !== old)
    const store = three.node(old)?.store
    // The node has a session from here on: its commands become entries at once.
    await three.answer(store?.put('first', 'value') ?? Promise.reject(new Error('no node')))
    three.partition(old, others, 'blackhole')
    // Four entries: the next leader's first one decides about the place of only one of them.
    const givenUp = new AbortController()
    for (let i = 0; i < 3; i++) {
      store?.put(`key ${i}`, 'value', { signal: givenUp.signal, timeoutMs: 60_000 }).catch(() => undefined)
      await three.run(5)
    }
    let answered = false
    void store?.put('last', 'value', { timeoutMs: 60_000 }).then(() => (answered = true))
    await three.run(50)
    givenUp.abort()
    expect(await three.until(() => others.some((name) => three.node(name)?.status().role === 'leader'), 10_000)).toBe(
      true,
    )
    three.heal()
    expect(await three.until(() => answered, 5_000)).toBe(true)
    expect(three.violations.found).toEqual([])
  }
})
