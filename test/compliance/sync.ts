/**
 * The conformance suite of locks and elections: what `sync` of a node and of a client must both do. Two interfaces of one cluster
 * stand for two processes.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '../../base/index.ts'
import type { Lock, Store, Sync } from '../../src/api/index.ts'
import { leaderSuite } from './sync-leaders.ts'
import { SyncScene, outcome } from './sync-scene.ts'
import type { OpenSync } from './sync-scene.ts'

/** Registers all of it. */
export function syncSuite(open: () => OpenSync): void {
  lockSuite(open)
  leaderSuite(open)
}

function lockSuite(open: () => OpenSync): void {
  const scene = new SyncScene(open)
  let opened: OpenSync
  let sync: Sync
  let other: Sync
  let store: Store
  let name: string
  beforeEach(() => {
    ;({ opened, name } = scene)
    ;({ sync, other, store } = opened)
  })
  const waiting = (count: number, of = name): Promise<void> => scene.waiting(count, of)
  const isGuarded = (lock: Pick<Lock, 'guard'>): Promise<boolean> => scene.isGuarded(lock)

  describe('a lock', () => {
    test('is held by one at a time, in the order of asking, with a rising token each', async () => {
      const first = await sync.lock(name)
      const order: string[] = []
      const later: Promise<Lock>[] = []
      for (const [at, who] of [other, sync, other].entries()) {
        later.push(
          who.lock(name, { label: `w${at}` }).then((lock) => {
            order.push(`w${at}`)
            return lock
          }),
        )
        await waiting(at + 1)
      }
      expect(order).toEqual([])
      const tokens = [first.token]
      let holder = first
      for (const next of later) {
        await holder.unlock()
        holder = await next
        tokens.push(holder.token)
      }
      await holder.unlock()
      expect(order).toEqual(['w0', 'w1', 'w2'])
      expect(tokens).toEqual(tokens.toSorted((a, b) => a - b))
      expect(new Set(tokens).size).toBe(4)
    })

    test('tells what it is: name, token, state, signal', async () => {
      const { revision } = await store.put('before', 'x')
      const odd = Uint8Array.of(0, 255, 7, ...utf8(name))
      const lock = await sync.lock(odd)
      expect(lock.name).toEqual(odd)
      expect(lock.token).toBeGreaterThan(revision)
      expect(lock.state).toBe('held')
      lock.throwIfLost()
      await lock.unlock()
      expect(lock.state).toBe('released')
      expect(lock.signal.reason).toMatchObject({ code: 'NotHeld' })
      expect(() => lock.throwIfLost()).toThrow(expect.objectContaining({ code: 'NotHeld' }))
    })

    test('two acquisitions in one process never share a grant', async () => {
      const first = await sync.lock(name)
      const second = outcome(sync.lock(name))
      await waiting(1)
      await opened.pass(1_000)
      expect(second.value).toBeUndefined()
      await first.unlock()
      await opened.pass(200)
      expect(second.value?.token).toBeGreaterThan(first.token)
      await second.value?.unlock()
    })

    test('is tried once without waiting, and for as long as one wants', async () => {
      const lock = await sync.lock(name)
      expect(await other.tryLock(name)).toBeUndefined()
      const over = { code: 'Timeout', executed: 'no' }
      await expect(other.lock(name, { wait: 0 })).rejects.toMatchObject({ ...over, details: { waitMs: 0 } })
      const late = outcome(other.lock(name, { wait: 1_000 }))
      await opened.pass(900)
      expect(late.error).toBeUndefined()
      await opened.pass(200)
      expect(late.error).toMatchObject({ ...over, details: { waitMs: 1_000 } })
      await waiting(0)
      await lock.unlock()
      const tried = await other.tryLock(name)
      expect(tried?.token).toBeGreaterThan(lock.token)
      await tried?.unlock()
    })

    test('an abort while waiting rejects with its reason and leaves no waiter behind', async () => {
      const lock = await sync.lock(name)
      const controller = new AbortController()
      const aborted = outcome(other.lock(name, { signal: controller.signal }))
      const patient = outcome(other.lock(name))
      await waiting(2)
      const reason = new Error('enough')
      controller.abort(reason)
      await waiting(1)
      expect(aborted.error).toBe(reason)
      await lock.unlock()
      await opened.pass(200)
      expect(patient.value?.state).toBe('held')
      await patient.value?.unlock()
      await expect(sync.lock(name, { signal: controller.signal })).rejects.toBe(reason)
    })

    test('an abort at any moment leaves neither waiter nor holder', async () => {
      for (let ms = 0; ms < 12; ms++) {
        const controller = new AbortController()
        const asked = outcome(sync.lock(name, { signal: controller.signal }))
        await opened.pass(ms)
        controller.abort(new Error('enough'))
        await opened.pass(1)
        await asked.value?.unlock()
        await opened.pass(500)
        expect(await sync.inspect(name), `after ${ms} ms`).toMatchObject({ holders: [], waiters: [] })
      }
    })

    test('guards transactions as long as it is held, and not a moment longer', async () => {
      const lock = await sync.lock(name)
      expect(await isGuarded(lock)).toBe(true)
      await lock.unlock()
      expect(await isGuarded(lock)).toBe(false)
      const next = await other.lock(name)
      expect(await isGuarded(lock)).toBe(false)
      expect(await isGuarded(next)).toBe(true)
      await next.unlock()
    })

    test('goes with its session, to the next who waits; unlocking it then is NotHeld and frees nobody else', async () => {
      const session = await opened.session({ ttl: 3_000 })
      const lock = await sync.lock(name, { session })
      const next = outcome(other.lock(name))
      await waiting(1)
      await opened.revoke(session.lease)
      await opened.pass(100)
      expect(next.value?.state).toBe('held')
      expect(await isGuarded(lock)).toBe(false)
      await opened.pass(1_100)
      expect(lock.state).toBe('lost')
      expect(lock.signal.reason).toMatchObject({ code: 'LockLost', cause: { code: 'LeaseLost' } })
      expect(() => lock.throwIfLost()).toThrow(expect.objectContaining({ code: 'LockLost' }))
      await expect(lock.unlock()).rejects.toMatchObject({ code: 'NotHeld' })
      await lock[Symbol.asyncDispose]()
      await opened.pass(500)
      expect((await sync.inspect(name)).holders).toMatchObject([{ token: next.value?.token }])
      await next.value?.unlock()
    })

    test('a waiter whose session ends is out of the queue, and told so', async () => {
      const lock = await sync.lock(name)
      const session = await opened.session({ ttl: 3_000 })
      const waiter = outcome(other.lock(name, { session }))
      await waiting(1)
      await opened.revoke(session.lease)
      await opened.pass(1_500)
      expect(waiter.error).toMatchObject({ code: 'LockLost' })
      await lock.unlock()
      expect((await sync.inspect(name)).holders).toEqual([])
    })

    test('with maxHold it ends by itself, for its holder first', async () => {
      const lock = await sync.lock(name, { maxHold: 1_000 })
      const next = outcome(other.lock(name, { maxHold: 2_000 }))
      await waiting(1)
      while (next.value === undefined) {
        const held = lock.state
        await opened.pass(10)
        if (held === 'held') expect(next.value, 'two hold it').toBeUndefined()
      }
      expect(lock.state).toBe('lost')
      expect(lock.signal.aborted).toBe(true)
      expect(await isGuarded(lock)).toBe(false)
      expect(await isGuarded(next.value)).toBe(true)
      await opened.pass(1_000)
      expect(next.value).toMatchObject({ state: 'held' })
      await opened.pass(1_500)
      expect(next.value).toMatchObject({ state: 'lost' })
      expect((await sync.inspect(name)).holders).toEqual([])
    })

    test("a wait is counted anew for each who waits: nobody is stuck behind somebody else's limit", async () => {
      const first = await sync.lock(name, { maxHold: 5_000 })
      const second = outcome(other.lock(name, { maxHold: 300 }))
      await waiting(1)
      const third = outcome(sync.lock(name))
      await waiting(2)
      await first.unlock()
      await opened.pass(200)
      expect(second.value).toBeDefined()
      await opened.pass(2_000)
      expect(third.value).toMatchObject({ state: 'held' })
      await third.value?.unlock()
    })

    test('stays held for as long as its process lives, however short its time to live', async () => {
      const lock = await sync.lock(name, { ttl: 1_000 })
      await opened.pass(15_000)
      expect(lock.state).toBe('held')
      expect(await isGuarded(lock)).toBe(true)
      await lock.unlock()
    })

    test('withLock gives it back, whatever happens, and tells when it was lost', async () => {
      const result = await sync.withLock(name, async (lock) => {
        expect(lock.state).toBe('held')
        expect(await other.tryLock(name)).toBeUndefined()
        return 7
      })
      expect(result).toBe(7)
      const failure = new Error('body')
      await expect(sync.withLock(name, () => Promise.reject(failure))).rejects.toBe(failure)
      await expect(sync.withLock(name, () => opened.pass(2_000), { maxHold: 1_000 })).rejects.toMatchObject({
        code: 'LockLost',
      })
      const free = await other.tryLock(name)
      expect(free).toBeDefined()
      await free?.unlock()
    })

    test('asking again within withLock is Reentrant, across awaits, but not for others or other names', async () => {
      await sync.withLock(name, async () => {
        await opened.pass(10)
        await expect(sync.withLock(name, () => 1)).rejects.toMatchObject({ code: 'Reentrant', executed: 'no' })
        await expect(sync.lock(name)).rejects.toMatchObject({ code: 'Reentrant' })
        expect(await sync.withLock(`${name} inner`, () => 2)).toBe(2)
        expect(await sync.withLock(name, () => 3, { namespace: 'elsewhere' })).toBe(3)
      })
      expect(await sync.withLock(name, () => 4)).toBe(4)
    })

    test('is given back once, however often and in whatever way it is asked for', async () => {
      const lock = await sync.lock(name)
      const next = other.lock(name)
      await waiting(1)
      await Promise.all([lock.unlock(), lock.unlock(), lock[Symbol.asyncDispose]()])
      const successor = await next
      await lock.unlock()
      await lock[Symbol.asyncDispose]()
      expect(lock.state).toBe('released')
      expect(() => lock.throwIfLost()).toThrow(expect.objectContaining({ code: 'NotHeld' }))
      await opened.pass(200)
      expect(successor.state).toBe('held')
      await successor.unlock()
    })

    test('by a session of its own is lost when that is closed, and the session can not be used again', async () => {
      const session = await opened.session({ ttl: 60_000 })
      const lock = await sync.lock(name, { session })
      const next = other.lock(name)
      await waiting(1)
      await session.close()
      expect(lock.state).toBe('lost')
      expect(lock.signal.reason).toMatchObject({ code: 'LockLost' })
      await (await next).unlock()
      await expect(lock.unlock()).rejects.toMatchObject({ code: 'NotHeld' })
      await expect(sync.lock(name, { session })).rejects.toMatchObject({ code: 'LockLost' })
    })

    test('the end of its scope unlocks it', async () => {
      {
        await using lock = await sync.lock(name)
        expect(lock.state).toBe('held')
      }
      expect((await sync.inspect(name)).holders).toEqual([])
    })

    test('namespaces, kinds and every byte of a name are told apart', async () => {
      const held = [
        await sync.lock('a/b'),
        await sync.lock('a-b'),
        await sync.lock('a/b', { namespace: 'app' }),
        await sync.writeLock('a/b'),
        await sync.leader('a/b'),
      ]
      expect(new Set(held.map(({ token }) => token)).size).toBe(5)
      expect(await sync.list({ prefix: 'a/' })).toMatchObject([
        { kind: 'lock' },
        { kind: 'rwlock' },
        { kind: 'leader' },
        { kind: 'lock', namespace: utf8('app') },
      ])
      expect(await sync.list({ namespace: 'app' })).toHaveLength(1)
      expect(await sync.list({ kind: 'rwlock', namespace: '' })).toHaveLength(1)
      await Promise.all(held.map((lock) => lock[Symbol.asyncDispose]()))
      expect(await sync.list({ prefix: 'a/' })).toEqual([])
    })

    test('inspection shows who holds and who waits, in order', async () => {
      const lock = await sync.lock(name, { label: 'job 1' })
      const waiters = ['job 2', 'job 3'].map((label) => other.lock(name, { label }))
      await waiting(2)
      const { holders, waiters: queue } = await other.inspect(name)
      expect(holders).toMatchObject([{ token: lock.token, label: 'job 1', mode: 'exclusive' }])
      expect(queue.map(({ label, token }) => [label, token])).toEqual([
        ['job 2', 0],
        ['job 3', 0],
      ])
      await lock.unlock()
      for (const waiter of waiters) await (await waiter).unlock()
    })

    test('impossible options are refused before anything is asked', async () => {
      const times = [{ ttl: 0 }, { ttl: 999 }, { ttl: 1_000.5 }, { ttl: 2 ** 53 }, { wait: -1 }, { maxHold: 0 }]
      const kinds = [
        { ttl: '10' },
        { label: 5 },
        { namespace: 5 },
        { namespace: null },
        { signal: {} },
        { session: {} },
      ]
      for (const options of [...times, ...kinds, null, 5]) {
        const given = options as object
        await expect(sync.lock(name, given), JSON.stringify(given)).rejects.toMatchObject({ code: 'InvalidArgument' })
        const leading = sync.leader(name, given)
        await expect(leading, JSON.stringify(given)).rejects.toMatchObject({ code: 'InvalidArgument' })
      }
      for (const bad of [undefined, null, 5, {}, '\ud800', 'x\udc00y']) {
        await expect(sync.lock(bad as string)).rejects.toMatchObject({ code: 'InvalidArgument' })
      }
      const invalid = expect.objectContaining({ code: 'InvalidArgument' })
      const nobody = undefined as unknown as () => void
      await expect(sync.withLock(name, nobody)).rejects.toMatchObject({ code: 'InvalidArgument' })
      expect(await sync.inspect(name)).toMatchObject({ holders: [], waiters: [] })
      expect(() => sync.once({ name, every: 1_000 }, nobody)).toThrow(invalid)
      expect(() => sync.once({ name, every: 1_000, ttl: 10 }, () => undefined)).toThrow(invalid)
      expect(() => sync.assign({ group: name, items: ['a'] }, nobody)).toThrow(invalid)
      for (const items of [undefined, 'ab', [5], [''], ['\ud800']]) {
        expect(() => sync.assign({ group: name, items: items as string[] }, () => undefined)).toThrow(invalid)
      }
      expect(() => sync.assign({ group: name, items: [], ttl: 0 }, () => undefined)).toThrow(invalid)
      expect(() => sync.latch(name, undefined as unknown as { count: number })).toThrow(invalid)
      const noPermits = undefined as unknown as { permits: number }
      await expect(sync.semaphore(name, noPermits)).rejects.toMatchObject({ code: 'InvalidArgument' })
      await expect(sync.list(null as unknown as object)).rejects.toMatchObject({ code: 'InvalidArgument' })
      await expect(sync.lock('')).rejects.toMatchObject({ code: 'KeyTooLarge' })
      await expect(sync.lock('x'.repeat(2_000))).rejects.toMatchObject({ code: 'KeyTooLarge' })
      await expect(sync.lock(name, { label: 'x'.repeat(2_000) })).rejects.toMatchObject({ code: 'KeyTooLarge' })
      await expect(sync.semaphore(name, { permits: 0 })).rejects.toMatchObject({ code: 'InvalidArgument' })
    })
  })
}
