/** The Lease service, as clients of etcd know it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Decoded } from '../../../src/gateway/etcd/schema/index.ts'
import { bytes, openWorld } from './world.ts'
import type { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const service = 'etcdserverpb.Lease'
const grant = (TTL: number, ID = 0) => world.caller.call(`${service}/LeaseGrant`, 'LeaseGrantRequest', { TTL, ID })
const granted = async (TTL: number): Promise<number> => (await grant(TTL)).response?.ID ?? 0
const revoke = (ID: number) => world.caller.call(`${service}/LeaseRevoke`, 'LeaseRevokeRequest', { ID })
const timeToLive = (ID: number, keys = false) =>
  world.caller.ok(`${service}/LeaseTimeToLive`, 'LeaseTimeToLiveRequest', { ID, keys })
const attach = (key: string, lease: number) =>
  world.caller.ok('etcdserverpb.KV/Put', 'PutRequest', { key: bytes(key), value: bytes('x'), lease })
const find = async (key: string): Promise<Decoded<'RangeResponse'>> =>
  world.caller.ok('etcdserverpb.KV/Range', 'RangeRequest', { key: bytes(key) })

const notFound = { code: 5, text: 'etcdserver: requested lease not found' }

describe('LeaseGrant', () => {
  test('chooses an id, or takes the one it is given, once', async () => {
    const first = await granted(10)
    expect(first).toBeGreaterThan(0)
    expect(await granted(10)).not.toBe(first)
    expect((await grant(10, 7_777)).response).toMatchObject({ ID: 7_777, TTL: 10, error: '' })
    expect(await grant(10, 7_777)).toMatchObject({ code: 9, text: 'etcdserver: lease already exists' })
    expect((await grant(10, 2 ** 53 - 1)).response?.ID).toBe(2 ** 53 - 1)
  })

  test('raises a time that is too short, and refuses one that is too long', async () => {
    expect((await grant(0)).response?.TTL).toBe(1)
    expect((await grant(-3)).response?.TTL).toBe(1)
    expect(await grant(9_000_000_001)).toMatchObject({ code: 11, text: 'etcdserver: too large lease TTL' })
    expect((await grant(9_000_000_000)).response?.TTL).toBe(9_000_000_000)
  })

  test('refuses ids that the store does not hold', async () => {
    const text = 'etcdserver: a lease id must be positive and below 2^53'
    expect(await grant(10, -1)).toMatchObject({ code: 3, text })
    expect(await grant(10, 2 ** 53)).toMatchObject({ code: 3, text })
  })
})

test('LeaseRevoke deletes the keys in one revision', async () => {
  const lease = await granted(60)
  await attach('revoked/1', lease)
  const { header } = await attach('revoked/2', lease)
  expect((await revoke(lease)).response?.header?.revision).toBe((header?.revision ?? 0) + 1)
  expect((await find('revoked/1')).count).toBe(0)
  expect(await revoke(lease)).toMatchObject(notFound)
  expect(await revoke(2 ** 60)).toMatchObject(notFound)
})

test('LeaseTimeToLive tells what was granted, what is left and the keys; -1 for no lease', async () => {
  const lease = await granted(60)
  await attach('ttl/b', lease)
  await attach('ttl/a', lease)
  await world.time.pass(10_000)
  const { TTL, grantedTTL, keys } = await timeToLive(lease, true)
  expect(grantedTTL).toBe(60)
  expect(TTL).toBeGreaterThanOrEqual(49)
  expect(TTL).toBeLessThanOrEqual(51)
  expect(keys.map((key) => Buffer.from(key).toString())).toEqual(['ttl/a', 'ttl/b'])
  expect((await timeToLive(lease)).keys).toEqual([])
  expect(await timeToLive(99)).toMatchObject({ ID: 99, TTL: -1, grantedTTL: 0 })
})

test('LeaseLeases lists them', async () => {
  const lease = await granted(60)
  const { leases } = await world.caller.ok(`${service}/LeaseLeases`, 'LeaseLeasesRequest', {})
  expect(leases.map(({ ID }) => ID)).toContain(lease)
})

describe('LeaseKeepAlive', () => {
  test('answers in order, 0 for what is not there, and many at once', async () => {
    const [first, second] = [await granted(30), await granted(40)]
    const call = world.caller.open(`${service}/LeaseKeepAlive`, 'LeaseKeepAliveRequest')
    const ids = [first, 99, second, -4, first]
    for (const ID of ids) call.send({ ID })
    const answers = []
    for (const _ of ids) answers.push(await call.next())
    expect(answers.map(({ ID, TTL }) => [ID, TTL])).toEqual([
      [first, 30],
      [99, 0],
      [second, 40],
      [-4, 0],
      [first, 30],
    ])
    call.end()
    expect(await call.outcome).toEqual({ code: 0, text: '' })
  })

  test('keeps a lease alive beyond its time; without it its keys go', async () => {
    const [kept, lost] = [await granted(5), await granted(5)]
    await attach('kept', kept)
    await attach('lost', lost)
    const call = world.caller.open(`${service}/LeaseKeepAlive`, 'LeaseKeepAliveRequest')
    for (let i = 0; i < 4; i++) {
      await world.time.pass(2_000)
      call.send({ ID: kept })
      expect((await call.next()).TTL).toBe(5)
    }
    call.cancel()
    expect((await find('kept')).count).toBe(1)
    expect((await find('lost')).count).toBe(0)
    expect((await timeToLive(lost)).TTL).toBe(-1)
  })

  test('ends when its caller has ended, after the last answer', async () => {
    const lease = await granted(30)
    const call = world.caller.open(`${service}/LeaseKeepAlive`, 'LeaseKeepAliveRequest')
    call.send({ ID: lease })
    call.end()
    expect(await call.outcome).toEqual({ code: 0, text: '' })
    expect((await call.next()).TTL).toBe(30)
  })
})
