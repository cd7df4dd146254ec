/** The conformance suite of leases and sessions: what a node's and a client's must both do. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Leases, OpenSession, Store } from '../../src/api/index.ts'
import { key, put } from '../../src/store/index.ts'

/** What the suite needs; `pass` lets time go by for the cluster and the owner alike. */
export interface OpenLeases {
  readonly store: Store
  readonly leases: Leases
  readonly session: OpenSession
  pass(ms: number): Promise<void>
}

/** Registers the suite. */
export function leaseSuite(open: () => Promise<OpenLeases>): void {
  let opened: OpenLeases
  let store: Store
  let leases: Leases
  beforeEach(async () => {
    opened = await open()
    ;({ store, leases } = opened)
  })
  afterEach(async () => {
    for (const id of await leases.list()) await leases.revoke(id).catch(() => undefined)
  })

  describe('leases', () => {
    test('the machine chooses an id, or the caller does, once', async () => {
      const chosen = await leases.grant({ ttl: 5_000 })
      expect(chosen).toEqual({ id: expect.any(Number), ttlMs: 5_000 })
      expect(await leases.grant({ ttl: 5_000, id: 4_711 })).toEqual({ id: 4_711, ttlMs: 5_000 })
      await expect(leases.grant({ ttl: 5_000, id: 4_711 })).rejects.toMatchObject({ code: 'LeaseExists' })
      expect(await leases.list()).toEqual([chosen.id, 4_711].toSorted((a, b) => a - b))
    })

    test('a time to live below a second is raised to one, and no time is refused', async () => {
      expect((await leases.grant({ ttl: 10 })).ttlMs).toBe(1_000)
      for (const ttl of [0, -1, 1.5, Number.NaN]) {
        await expect(leases.grant({ ttl })).rejects.toMatchObject({ code: 'InvalidArgument' })
      }
    })

    test('its keys go with it, in one revision', async () => {
      const { id } = await leases.grant({ ttl: 60_000 })
      await store.put('l/1', 'x', { lease: id })
      await store
        .txn()
        .then(put('l/2', 'x', { lease: id }))
        .commit()
      const { revision } = await store.put('other', 'x')
      expect((await store.get('l/1'))?.lease).toBe(id)
      expect((await store.txn().if(key('l/2').lease.eq(id)).commit()).succeeded).toBe(true)
      expect(await leases.revoke(id)).toEqual({ revision: revision + 1, deleted: 2 })
      expect((await store.range({ prefix: 'l/' })).count).toBe(0)
      await expect(leases.revoke(id)).rejects.toMatchObject({ code: 'LeaseNotFound' })
    })

    test('a write decides anew about the lease, unless it keeps it; an update keeps it', async () => {
      const { id } = await leases.grant({ ttl: 60_000 })
      await store.put('k', '1', { lease: id })
      await store.put('k', '2', { ignoreLease: true })
      await store.update('k', (entry) => `${entry?.text()}!`)
      expect((await store.get('k'))?.lease).toBe(id)
      await store.put('k', '3')
      expect((await store.get('k'))?.lease).toBe(0)
      await store.update('k', () => '4', { lease: id })
      expect((await store.get('k'))?.lease).toBe(id)
    })

    test('its time and its keys can be asked for', async () => {
      const { id } = await leases.grant({ ttl: 60_000 })
      await store.put('l/2', 'x', { lease: id })
      await store.put('l/1', 'x', { lease: id })
      await opened.pass(2_000)
      const { remainingMs, ...facts } = await leases.timeToLive(id)
      expect(facts).toEqual({ id, grantedMs: 60_000, keyCount: 2, keys: [], more: false })
      expect(remainingMs).toBeLessThanOrEqual(58_100)
      expect(remainingMs).toBeGreaterThan(50_000)
      const { keys } = await leases.timeToLive(id, { keys: true })
      expect(keys.map((bytes) => Buffer.from(bytes).toString())).toEqual(['l/1', 'l/2'])
      await expect(leases.timeToLive(999_999)).rejects.toMatchObject({ code: 'LeaseNotFound' })
    })

    test('it ends by its time, unless it is kept alive', async () => {
      const kept = await leases.grant({ ttl: 2_000 })
      const left = await leases.grant({ ttl: 2_000 })
      await store.put('kept', 'x', { lease: kept.id })
      await store.put('left', 'x', { lease: left.id })
      for (let i = 0; i < 4; i++) {
        await opened.pass(1_000)
        expect(await leases.keepAlive(kept.id)).toBe(2_000)
      }
      expect(await store.get('left')).toBeUndefined()
      expect((await store.get('kept'))?.text()).toBe('x')
      await expect(leases.keepAlive(left.id)).rejects.toMatchObject({
        code: 'LeaseNotFound',
        details: { lease: left.id },
      })
    })

    test('of many keep-alives at once each gets its own answer', async () => {
      const granted = await Promise.all(Array.from({ length: 20 }, (_, at) => leases.grant({ ttl: 2_000 + at })))
      const answers = await Promise.allSettled([
        ...granted.map(({ id }) => leases.keepAlive(id)),
        leases.keepAlive(999_999),
      ])
      expect(answers.slice(0, 20)).toEqual(granted.map(({ ttlMs }) => ({ status: 'fulfilled', value: ttlMs })))
      expect(answers[20]?.status).toBe('rejected')
    })

    test('an aborted keep-alive rejects with the reason, and the others of its turn are answered', async () => {
      const { id } = await leases.grant({ ttl: 5_000 })
      const controller = new AbortController()
      const reason = new Error('not any more')
      const aborted = leases.keepAlive(id, { signal: controller.signal })
      const other = leases.keepAlive(id)
      controller.abort(reason)
      await expect(aborted).rejects.toBe(reason)
      expect(await other).toBe(5_000)
      for (const wrong of [0, -1, 1.5])
        await expect(leases.keepAlive(wrong)).rejects.toMatchObject({ code: 'InvalidArgument' })
    })
  })

  describe('sessions', () => {
    test('a session keeps its lease, and with it its keys, as long as it is open', async () => {
      const session = await opened.session({ ttl: 2_000 })
      await store.put('mine', 'x', { lease: session.lease })
      await opened.pass(10_000)
      expect(session).toMatchObject({ state: 'held', ttlMs: 2_000 })
      expect(session.signal.aborted).toBe(false)
      expect(session.leftMs).toBeGreaterThan(0)
      expect((await store.get('mine'))?.lease).toBe(session.lease)
      session.throwIfLost()

      await session.close()
      expect(session).toMatchObject({ state: 'closed', leftMs: 0 })
      expect(session.signal.reason).toMatchObject({ code: 'Closed' })
      expect(() => session.throwIfLost()).toThrow(expect.objectContaining({ code: 'Closed' }))
      expect(await store.get('mine')).toBeUndefined()
      await session.close()
    })

    test('a revoked session is lost at its next renewal, and stays so', async () => {
      const session = await opened.session({ ttl: 3_000 })
      await leases.revoke(session.lease)
      await opened.pass(1_100)
      expect(session.state).toBe('lost')
      expect(session.signal.reason).toMatchObject({ code: 'LeaseLost', details: { lease: session.lease } })
      expect(() => session.throwIfLost()).toThrow(expect.objectContaining({ code: 'LeaseLost' }))
      await session[Symbol.asyncDispose]()
      expect(session.state).toBe('lost')
    })

    test('the signal it was opened with closes it, with its reason', async () => {
      const controller = new AbortController()
      const session = await opened.session({ ttl: 2_000, signal: controller.signal })
      await store.put('mine', 'x', { lease: session.lease })
      const reason = new Error('enough')
      controller.abort(reason)
      expect(session.state).toBe('closed')
      expect(session.signal.reason).toBe(reason)
      await session.close()
      expect(await store.get('mine')).toBeUndefined()
      await expect(opened.session({ signal: controller.signal })).rejects.toBe(reason)
    })

    test('the end of its scope ends it', async () => {
      let lease = 0
      {
        await using session = await opened.session({ ttl: 60_000, id: 77 })
        ;({ lease } = session)
        expect(await leases.list()).toEqual([77])
      }
      expect(lease).toBe(77)
      expect(await leases.list()).toEqual([])
    })
  })
}
