import { expect, test } from 'vitest'
import { cluster } from '../../../src/testing/index.ts'

test('a command that was forwarded on the second link of a leader already half lost is tried again', async () => {
  for (let seed = 0; seed < 6; seed++) {
    const three = cluster(3, { seed })
    three.startAll()
    expect(await three.until(() => three.converged(), 10_000)).toBe(true)
    const leader = three.leader() ?? ''
    const follower = three.names.find((name) => name !== leader) ?? ''
    // The two links of the dead leader end at very different moments.
    three.network.delay(leader, follower, 1, 300)
    await three.run(1_000)
    three.crash(leader)
    let answered = 0
    for (let i = 0; i < 100; i++) {
      await three.run(3)
      void three
        .node(follower)
        ?.store.put(`key ${i}`, 'value', { timeoutMs: 60_000 })
        .then(() => answered++)
    }
    expect(await three.until(() => answered === 100, 10_000)).toBe(true)
  }
})
