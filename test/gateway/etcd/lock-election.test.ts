/** The Lock and Election services, as clients of etcd know them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Decoded } from '../../../src/gateway/etcd/schema/index.ts'
import { bytes, openWorld } from './world.ts'
import type { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const grant = async (TTL = 60): Promise<number> =>
  (await world.caller.ok('etcdserverpb.Lease/LeaseGrant', 'LeaseGrantRequest', { TTL })).ID
const revoke = (ID: number) => world.caller.ok('etcdserverpb.Lease/LeaseRevoke', 'LeaseRevokeRequest', { ID })
const textOf = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString()
/** Waits until so many stand in the queue of a name. */
async function standing(name: string, count: number): Promise<void> {
  for (;;) {
    const request = { key: bytes(`${name}/`), range_end: bytes(`${name}0`) }
    if ((await world.caller.ok('etcdserverpb.KV/Range', 'RangeRequest', request)).count === count) return
  }
}
/** Whether a promise is settled, after everything that is decided has happened. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true
  void promise.then(() => (pending = false)).catch(() => (pending = false))
  await world.caller.ok('etcdserverpb.KV/Range', 'RangeRequest', { key: bytes('any') })
  return pending
}

describe('Lock', () => {
  const lock = (name: string, lease: number) =>
    world.caller.call('v3lockpb.Lock/Lock', 'LockRequest', { name: bytes(name), lease })
  const unlock = (key: Uint8Array) => world.caller.call('v3lockpb.Lock/Unlock', 'UnlockRequest', { key })

  test('gives a key under the name, in hexadecimal, that lives with the lease', async () => {
    const lease = await grant()
    const { response } = await lock('plain', lease)
    expect(textOf(response?.key)).toBe(`plain/${lease.toString(16)}`)
    expect((await lock('plain', lease)).response?.key).toEqual(response?.key)
    await unlock(response?.key as Uint8Array)
    await standing('plain', 0)
    expect((await unlock(bytes('plain/none'))).code).toBe(0)
  })

  test('lets in one after the other, in the order in which they came', async () => {
    const leases = [await grant(), await grant(), await grant()]
    const first = await lock('order', leases[0] as number)
    const second = lock('order', leases[1] as number)
    await standing('order', 2)
    const third = lock('order', leases[2] as number)
    await standing('order', 3)
    expect(await isPending(second)).toBe(true)
    await unlock(first.response?.key as Uint8Array)
    const { response } = await second
    expect(await isPending(third)).toBe(true)
    await revoke(leases[1] as number)
    expect((await third).code).toBe(0)
    expect(response?.key).toBeDefined()
  })

  test('whose lease ends while it waits is told so, and never holds', async () => {
    const [holder, waiter] = [await grant(), await grant()]
    await lock('lost', holder)
    const waiting = lock('lost', waiter)
    await standing('lost', 2)
    await revoke(waiter)
    expect(await waiting).toMatchObject({ code: 5, text: 'etcdserver: requested lease not found' })
    await standing('lost', 1)
  })

  test('without a lease gets one; with one that is not there it is refused', async () => {
    const { response } = await lock('own', 0)
    expect(textOf(response?.key)).toMatch(/^own\/[0-9a-f]+$/)
    expect(await lock('own', 99_999)).toMatchObject({ code: 5, text: 'etcdserver: requested lease not found' })
    expect(await lock('\0own', 0)).toMatchObject({ code: 3 })
  })

  test('whose caller goes leaves the queue', async () => {
    const [holder, waiter] = [await grant(), await grant()]
    await lock('gone', holder)
    const call = world.caller.open('v3lockpb.Lock/Lock', 'LockRequest')
    call.send({ name: bytes('gone'), lease: waiter })
    call.end()
    await standing('gone', 2)
    call.cancel()
    await standing('gone', 1)
    expect((await call.outcome).code).toBe(-1)
  })
})

describe('Election', () => {
  const service = 'v3electionpb.Election'
  const campaign = (name: string, lease: number, value: string) =>
    world.caller.call(`${service}/Campaign`, 'CampaignRequest', { name: bytes(name), lease, value: bytes(value) })
  const proclaim = (leader: Decoded<'LeaderKey'>, value: string) =>
    world.caller.call(`${service}/Proclaim`, 'ProclaimRequest', { leader, value: bytes(value) })
  const resign = (leader: Decoded<'LeaderKey'>) => world.caller.call(`${service}/Resign`, 'ResignRequest', { leader })
  const leaderOf = (name: string) => world.caller.call(`${service}/Leader`, 'LeaderRequest', { name: bytes(name) })

  test('has one leader, who proclaims and resigns, and then the next', async () => {
    const [one, two] = [await grant(), await grant()]
    expect(await leaderOf('e')).toMatchObject({ code: 2, text: 'election: no leader' })
    const first = (await campaign('e', one, 'a')).response?.leader as Decoded<'LeaderKey'>
    expect(textOf(first.key)).toBe(`e/${one.toString(16)}`)
    const second = campaign('e', two, 'b')
    await standing('e', 2)
    expect(await isPending(second)).toBe(true)
    expect(textOf((await leaderOf('e')).response?.kv?.value)).toBe('a')
    expect((await proclaim(first, 'a2')).code).toBe(0)
    expect((await leaderOf('e')).response?.kv).toMatchObject({ value: bytes('a2'), create_revision: first.rev })
    expect((await resign(first)).code).toBe(0)
    const next = (await second).response?.leader as Decoded<'LeaderKey'>
    expect(textOf((await leaderOf('e')).response?.kv?.value)).toBe('b')
    expect(await proclaim(first, 'late')).toMatchObject({ code: 2, text: 'election: not leader' })
    // Who resigns what is no longer its own ends nobody's leadership.
    expect((await resign(first)).code).toBe(0)
    expect(textOf((await leaderOf('e')).response?.kv?.value)).toBe('b')
    await resign(next)
  })

  test('a campaign of a leader with another value proclaims it', async () => {
    const lease = await grant()
    const first = (await campaign('again', lease, 'x')).response?.leader
    const again = (await campaign('again', lease, 'y')).response?.leader
    expect(again).toEqual(first)
    expect(textOf((await leaderOf('again')).response?.kv?.value)).toBe('y')
  })

  test('a candidate whose lease ends while it waits never leads', async () => {
    const [one, two] = [await grant(), await grant()]
    await campaign('dead', one, 'a')
    const waiting = campaign('dead', two, 'b')
    await standing('dead', 2)
    await revoke(two)
    expect(await waiting).toMatchObject({ code: 5, text: 'etcdserver: requested lease not found' })
  })

  test('is observed: the leader now, what it proclaims, and the next leader', async () => {
    const [one, two] = [await grant(), await grant()]
    const call = world.caller.open(`${service}/Observe`, 'LeaderRequest')
    call.send({ name: bytes('seen') })
    call.end()
    const leader = (await campaign('seen', one, 'a')).response?.leader as Decoded<'LeaderKey'>
    expect(textOf((await call.next()).kv?.value)).toBe('a')
    await proclaim(leader, 'a2')
    expect(textOf((await call.next()).kv?.value)).toBe('a2')
    const second = campaign('seen', two, 'b')
    await standing('seen', 2)
    await resign(leader)
    await second
    expect(textOf((await call.next()).kv?.value)).toBe('b')
    expect(call.pending).toBe(0)
    call.cancel()
  })

  test('proclaiming and resigning need a leader', async () => {
    const text = '"leader" field must be provided'
    expect(await world.caller.call(`${service}/Proclaim`, 'ProclaimRequest', {})).toMatchObject({ code: 3, text })
    expect(await world.caller.call(`${service}/Resign`, 'ResignRequest', {})).toMatchObject({ code: 3, text })
  })
})
