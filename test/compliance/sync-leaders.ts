/** The part of the conformance suite that is about leaders, shared locks, barriers and latches. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Lock, Sync } from '../../src/api/index.ts'
import { SyncScene, outcome } from './sync-scene.ts'
import type { OpenSync } from './sync-scene.ts'

/** Registers the suite. */
export function leaderSuite(open: () => OpenSync): void {
  const scene = new SyncScene(open)
  let opened: OpenSync
  let sync: Sync
  let other: Sync
  let name: string
  beforeEach(() => {
    ;({ opened, name } = scene)
    ;({ sync, other } = opened)
  })
  const isGuarded = (lock: Pick<Lock, 'guard'>): Promise<boolean> => scene.isGuarded(lock)

  describe('a leader', () => {
    test('is one; the next follows when it resigns, and a late resign deposes nobody', async () => {
      const first = await sync.leader(name, { value: 'one' })
      const second = outcome(other.leader(name, { value: 'two' }))
      await opened.pass(300)
      expect(second.value).toBeUndefined()
      await first.resign()
      await opened.pass(100)
      expect(second.value?.token).toBeGreaterThan(first.token)
      await first.resign()
      await first[Symbol.asyncDispose]()
      await opened.pass(500)
      expect(second.value?.state).toBe('held')
      await second.value?.resign()
    })

    test('is observed: the one there is, then each change, the latest first for who is slow', async () => {
      const observed = other.observe(name)
      expect(await observed.next()).toEqual({ done: false, value: undefined })
      const leader = await sync.leader(name, { value: 'a', label: 'host' })
      const { value: seen } = await observed.next()
      expect(seen).toMatchObject({ token: leader.token, label: 'host' })
      expect((seen as { text(): string }).text()).toBe('a')
      for (const value of ['b', 'c', 'd']) await leader.proclaim(value)
      await opened.pass(200)
      const { value: latest } = await observed.next()
      expect((latest as { text(): string }).text()).toBe('d')
      await leader.resign()
      expect(await observed.next()).toEqual({ done: false, value: undefined })
      const next = await other.leader(name, { value: 'e' })
      expect((await observed.next()).value).toMatchObject({ token: next.token })
      await observed.return?.()
      expect(await observed.next()).toEqual({ done: true, value: undefined })

      const late = sync.observe(name)
      expect((await late.next()).value).toMatchObject({ token: next.token })
      await late.return?.()
      await next.resign()
    })

    test('a leader that resigns, or is lost, is followed by the next with nobody seen to lead in between', async () => {
      const session = await opened.session({ ttl: 60_000 })
      const first = await sync.leader(name, { value: 'first' })
      const second = other.leader(name, { value: 'second', session: await opened.session({ ttl: 60_000 }) })
      await opened.pass(100)
      const third = sync.leader(name, { value: 'third', session })
      await opened.pass(100)
      const seen: (string | undefined)[] = []
      const observed = sync.observe(name)
      const reading = (async () => {
        for await (const view of observed) seen.push(view?.text())
      })()
      await opened.pass(200)
      await first.resign()
      await opened.pass(200)
      await opened.revoke((await second).lease)
      await opened.pass(200)
      await (await third).resign()
      await opened.pass(200)
      await observed.return?.()
      await reading
      expect(seen).toEqual(['first', 'second', 'third', undefined])
    })

    test('is told apart from another with the same value', async () => {
      const first = await sync.leader(name, { value: 'same' })
      const second = outcome(other.leader(name, { value: 'same' }))
      await opened.pass(100)
      const observed = sync.observe(name)
      expect((await observed.next()).value).toMatchObject({ token: first.token })
      await first.resign()
      const { value: seen } = await observed.next()
      expect(seen?.token).toBeGreaterThan(first.token)
      // An observer may hear of it before the one who was elected.
      await opened.pass(200)
      expect([seen?.token, seen?.text()]).toEqual([second.value?.token, 'same'])
      await observed.return?.()
      await second.value?.resign()
    })

    test('an observation ends with its signal', async () => {
      const controller = new AbortController()
      const observed = sync.observe(name, { signal: controller.signal })
      await observed.next()
      const reason = new Error('enough')
      const pending = observed.next()
      controller.abort(reason)
      await expect(pending).rejects.toBe(reason)
      expect((await observed.next()).done).toBe(true)
    })

    test('that was deposed learns of it when it speaks', async () => {
      const session = await opened.session({ ttl: 60_000 })
      const leader = await sync.leader(name, { session })
      await opened.revoke(session.lease)
      await expect(leader.proclaim('still me')).rejects.toMatchObject({ code: 'NotHeld' })
      expect(leader.state).toBe('lost')
      expect(leader.signal.reason).toMatchObject({ code: 'LockLost' })
      await expect(leader.proclaim('still me')).rejects.toMatchObject({ code: 'NotHeld' })
      await expect(leader.proclaim('x'.repeat(100_000))).rejects.toMatchObject({ code: 'ValueTooLarge' })
      expect(await isGuarded(leader)).toBe(false)
    })
  })

  describe('other locks', () => {
    test('readers share, a writer is alone, and later readers wait behind it', async () => {
      const readers = [await sync.readLock(name), await other.readLock(name)]
      const writer = outcome(other.writeLock(name))
      await opened.pass(100)
      const late = outcome(sync.readLock(name))
      await opened.pass(300)
      expect([writer.value, late.value]).toEqual([undefined, undefined])
      for (const reader of readers) await reader.unlock()
      await opened.pass(200)
      expect(writer.value?.state).toBe('held')
      expect(late.value).toBeUndefined()
      await writer.value?.unlock()
      await opened.pass(200)
      expect(late.value?.token).toBeGreaterThan(writer.value?.token as number)
      await late.value?.unlock()
    })

    test('a semaphore has so many permits, each with a token, and one number of them for all', async () => {
      const options = { permits: 2 }
      const permits = [await sync.semaphore(name, options), await other.semaphore(name, options)]
      const third = outcome(sync.semaphore(name, options))
      await opened.pass(200)
      expect(third.value).toBeUndefined()
      await expect(other.semaphore(name, { permits: 3 })).rejects.toMatchObject({ code: 'CapacityMismatch' })
      await permits[0]?.unlock()
      await opened.pass(200)
      expect(third.value?.state).toBe('held')
      expect(await isGuarded(permits[1] as Lock)).toBe(true)
      await Promise.all([permits[1]?.unlock(), third.value?.unlock()])
    })
  })

  describe('barriers and latches', () => {
    test('a raised barrier holds back until it is lifted', async () => {
      const barrier = sync.barrier(name)
      await barrier.pass()
      expect(await barrier.raise()).toBe(true)
      expect(await other.barrier(name).raise()).toBe(false)
      expect(await barrier.isRaised()).toBe(true)
      const passed = outcome(
        other
          .barrier(name)
          .pass()
          .then(() => 'through'),
      )
      await opened.pass(500)
      expect(passed.value).toBeUndefined()
      expect(await barrier.lift()).toBe(true)
      await opened.pass(100)
      expect(passed.value).toBe('through')
      expect(await barrier.lift()).toBe(false)
      await barrier.raise()
      await expect(barrier.pass({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
      await barrier.lift()
    })

    test('a latch opens at zero and stays open; its count is one for all', async () => {
      const latch = sync.latch(name, { count: 3 })
      const opens = outcome(
        other
          .latch(name, { count: 3 })
          .wait()
          .then(() => 'open'),
      )
      expect(await latch.left()).toBe(3)
      const counts = await Promise.all([latch.countDown(), other.latch(name, { count: 3 }).countDown()])
      expect(new Set(counts)).toEqual(new Set([1, 2]))
      await expect(sync.latch(name, { count: 4 }).left()).rejects.toMatchObject({ code: 'CapacityMismatch' })
      await opened.pass(200)
      expect(opens.value).toBeUndefined()
      expect(await latch.countDown()).toBe(0)
      expect(await latch.countDown()).toBe(0)
      await opened.pass(100)
      expect(opens.value).toBe('open')
      await latch.wait()
      await latch.reset()
      expect(await latch.left()).toBe(3)
    })

    test('a double barrier lets all in when all are there, and out when all have left', async () => {
      const options = { count: 3 }
      const early = [outcome(sync.enter(name, options)), outcome(other.enter(name, options))]
      await opened.pass(500)
      expect(early.map(({ value }) => value)).toEqual([undefined, undefined])
      const last = await sync.enter(name, options)
      await opened.pass(200)
      const places = [...early.map(({ value }) => value), last]
      expect(places.map((place) => place?.state)).toEqual(['held', 'held', 'held'])
      const gone = outcome(last.leave().then(() => 'out'))
      await opened.pass(300)
      expect(gone.value).toBeUndefined()
      for (const place of places.slice(0, 2)) void place?.leave()
      await opened.pass(100)
      expect(gone.value).toBe('out')
    })

    test('who gives up on a double barrier is not counted', async () => {
      const controller = new AbortController()
      const given = outcome(sync.enter(name, { count: 2, signal: controller.signal }))
      await opened.pass(200)
      controller.abort(new Error('enough'))
      await opened.pass(200)
      expect(given.error).toMatchObject({ message: 'enough' })
      const alone = outcome(other.enter(name, { count: 2 }))
      await opened.pass(300)
      expect(alone.value).toBeUndefined()
      const second = await sync.enter(name, { count: 2 })
      await opened.pass(100)
      await Promise.all([alone.value?.leave(), second.leave()])
    })
  })
}
