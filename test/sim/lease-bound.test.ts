/**
 * The bound of leases on whole clusters whose clocks are wrong by a fifth: never before TTL / (1 + rho) of true time since the
 * last acknowledged renewal was sent, and late by no more than the table in docs/concepts/leases.md says.
 */
import { describe, expect, test } from 'vitest'
import type { Client } from '../../src/client/index.ts'
import { cluster } from '../../src/testing/index.ts'
import type { Cluster } from '../../src/testing/index.ts'

const rho = 0.2
const ttlMs = 5_000
const hourMs = 3_600_000
/** Two heartbeats until the leader looks, one that a new leader has not heard of, and rounds of log and network. */
const looksMs = 100 + 50 + 100
const least = (ttlMs - 1) / (1 + rho)
/** What slow clocks add. */
const most = ttlMs / (1 - rho) + looksMs

interface World {
  readonly world: Cluster
  readonly client: Client
  lease: number
  /** True time at which the last acknowledged renewal was sent. */
  sentAtMs: number
}

/** A cluster with a client and a lease with a key. */
async function prepared(seed: number): Promise<World> {
  const world = cluster(3, { seed, skew: rho })
  world.startAll()
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  const client = await world.answer(world.client('owner').connect())
  const sentAtMs = world.clock.nowMs()
  const { id } = await world.answer(client.leases.grant({ ttl: ttlMs }))
  await world.answer(client.store.put('lease/a', 'v', { lease: id }))
  return { world, client, lease: id, sentAtMs }
}

async function renew(one: World): Promise<void> {
  const { world, client, lease } = one
  const sentAtMs = world.clock.nowMs()
  await world.answer(client.leases.keepAlive(lease))
  one.sentAtMs = sentAtMs
}

/** Lets time pass until the first node has seen the lease end; how long after the last renewal that was. */
async function ended({ world, sentAtMs }: World, limitMs = 10 * ttlMs): Promise<number> {
  expect(await world.until(() => world.watched.leases.attached().length === 0, limitMs)).toBe(true)
  return world.clock.nowMs() - sentAtMs
}

function expectGood({ world }: World): void {
  world.checkers.finished({ history: world.history, finals: undefined })
  expect(world.violations.found).toEqual([])
}

describe.each([1, 2, 3])('with clocks that are wrong by a fifth, seed %i', (seed) => {
  test('a lease ends within its bound', async () => {
    const one = await prepared(seed)
    await renew(one)
    const tookMs = await ended(one)
    expect(tookMs).toBeGreaterThanOrEqual(least)
    expect(tookMs).toBeLessThanOrEqual(most)
    expectGood(one)
  })

  test('what a leader slept through counts for 100 ms, and what no node was up for, not at all', async () => {
    const one = await prepared(seed)
    await renew(one)
    await one.world.run(1_000)
    for (const name of one.world.names) one.world.crash(name)
    await one.world.run(60_000)
    for (const name of one.world.names) one.world.start(name)
    // The time between the newest entry and the end passes again; what lies before it does not.
    const upAtMs = one.world.clock.nowMs()
    expect(one.world.watched.leases.attached()).toHaveLength(1)
    expect(await one.world.until(() => one.world.leader() !== undefined, 10_000)).toBe(true)
    const ledAtMs = one.world.clock.nowMs()
    await ended(one)
    expect(one.world.clock.nowMs() - upAtMs).toBeGreaterThanOrEqual(
      (ttlMs - 1) / (1 + rho) - (1_000 * (1 + rho)) / (1 - rho),
    )
    expect(one.world.clock.nowMs() - ledAtMs).toBeLessThanOrEqual(most)
    expectGood(one)
  })

  test('pauses of leaders make it late, never early', async () => {
    const one = await prepared(seed)
    for (let round = 0; round < 5; round++) {
      const leader = one.world.leader()
      if (leader !== undefined) one.world.pause(leader)
      await one.world.run(300 + 700 * round)
      if (leader !== undefined) one.world.resume(leader)
      await one.world.until(() => one.world.converged(), 10_000)
      if (one.world.watched.leases.attached().length > 0) await renew(one).catch(() => undefined)
    }
    expect(await ended(one, 60_000)).toBeGreaterThanOrEqual(least)
    expectGood(one)
  })
})

test('a leader that falls after an hour without a write takes nothing from a lease and gives nothing', async () => {
  // An hour of slow heartbeats: what matters is that nobody writes.
  const tickMs = 1_000
  const world = cluster(3, { seed: 9, skew: rho, tickMs, electionTimeoutMs: 10 * tickMs })
  world.startAll()
  expect(await world.until(() => world.converged(), 100_000)).toBe(true)
  const client = await world.answer(world.client('owner').connect())
  const longMs = hourMs + 300_000
  const sentAtMs = world.clock.nowMs()
  const { id } = await world.answer(client.leases.grant({ ttl: longMs }))
  await world.answer(client.store.put('lease/a', 'v', { lease: id }))
  // Followers hear with the next heartbeat that it is committed.
  expect(await world.until(() => world.converged(), 100_000)).toBe(true)
  const { appliedIndex = 0 } = world.node('n1')?.status() ?? {}
  await world.run(hourMs / (1 + rho))
  expect(world.node('n1')?.status().appliedIndex).toBe(appliedIndex)
  const fellAtMs = world.clock.nowMs()
  world.crash(world.leader() ?? '')
  expect(await world.until(() => world.leader() !== undefined, 100_000)).toBe(true)
  const withoutMs = world.clock.nowMs() - fellAtMs
  expect(await world.until(() => world.watched.leases.attached().length === 0, 2 * hourMs)).toBe(true)
  const tookMs = world.clock.nowMs() - sentAtMs
  expect(tookMs).toBeGreaterThanOrEqual((longMs - 1) / (1 + rho))
  expect(tookMs).toBeLessThanOrEqual(longMs / (1 - rho) + withoutMs / (1 - rho) + 4 * tickMs)
  expect(world.violations.found).toEqual([])
}, 300_000)
