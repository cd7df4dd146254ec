import { expect, test } from 'vitest'
import { cluster } from '../../../src/testing/index.ts'
import type { Cluster } from '../../../src/testing/index.ts'

/** Waits for an answer while virtual time passes. */
async function answer<T>(world: Cluster, promise: Promise<T> | undefined): Promise<T> {
  let done = false
  const settled = (promise ?? Promise.reject(new Error('no node'))).finally(() => (done = true))
  settled.catch(() => undefined)
  await world.until(() => done, 10_000)
  expect(done).toBe(true)
  return await settled
}

test.each(['n4', 'a4'])(
  'a member that was away catches up from a leader %s that joined meanwhile',
  async (newcomer) => {
    const world = cluster(3, { seed: 1 })
    world.startAll()
    expect(await world.until(() => world.converged(), 10_000)).toBe(true)
    world.crash('n2')
    expect(await world.until(() => (world.leader() ?? 'n2') !== 'n2', 10_000)).toBe(true)
    await answer(world, world.node(world.leader() ?? '')?.admin.addMember(newcomer, `${newcomer}:7400`))
    world.add(newcomer)
    world.start(newcomer)
    await world.run(5_000)
    expect(await answer(world, world.node(newcomer)?.admin.transferLeadership(newcomer))).toBe(newcomer)
    world.start('n2')
    expect(await world.until(() => world.converged(), 10_000)).toBe(true)
    expect(world.violations.found).toEqual([])
  },
)
