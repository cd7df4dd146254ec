/** The conformance suite of the plain interface: what it must do in memory and over a cluster alike. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { PlainSync } from '../../src/api/index.ts'

let names = 0

/** Registers the suite. */
export function plainSyncSuite(open: () => { sync: PlainSync; pass(ms: number): Promise<void> }): void {
  let sync: PlainSync
  let pass: (ms: number) => Promise<void>
  let id: string
  beforeEach(() => {
    const opened = open()
    sync = opened.sync
    pass = (ms) => opened.pass(ms)
    id = `plain ${names++}`
  })
  const seen = <T>(promise: Promise<T>): { value?: T; error?: unknown } => {
    const outcome: { value?: T; error?: unknown } = {}
    promise.then(
      (value) => (outcome.value = value),
      (error: unknown) => (outcome.error = error),
    )
    return outcome
  }

  describe('plain locks', () => {
    test('one has it at a time, first come, first served, with rising tokens', async () => {
      const tokens = [await sync.lock(id)]
      const second = seen(sync.lock(id))
      await pass(100)
      const third = seen(sync.lock(id))
      await pass(300)
      expect([second.value, third.value]).toEqual([undefined, undefined])
      await sync.unlock(id)
      await pass(200)
      tokens.push(second.value as number)
      expect(third.value).toBeUndefined()
      await sync.unlock(id)
      await pass(200)
      tokens.push(third.value as number)
      await sync.unlock(id)
      expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b))
    })

    test('what is not locked here can not be unlocked', async () => {
      await expect(sync.unlock(id)).rejects.toMatchObject({ code: 'NotHeld' })
      await sync.lock(id)
      await sync.unlock(id)
      await expect(sync.unlock(id)).rejects.toMatchObject({ code: 'NotHeld' })
    })

    test('a wait ends after its time, whatever the lock was held for before', async () => {
      await sync.lock(id)
      await expect(sync.lock(id, { wait: 0 })).rejects.toMatchObject({ code: 'Timeout', details: { waitMs: 0 } })
      const late = seen(sync.lock(id, { wait: 500 }))
      await pass(400)
      expect(late.error).toBeUndefined()
      await pass(200)
      expect(late.error).toMatchObject({ code: 'Timeout', details: { waitMs: 500 } })
      const controller = new AbortController()
      const aborted = seen(sync.lock(id, { signal: controller.signal }))
      await pass(50)
      controller.abort(new Error('enough'))
      await pass(50)
      expect(aborted.error).toMatchObject({ message: 'enough' })
      await sync.unlock(id)
    })

    test('maxHold counts from the grant, for whoever is granted, though nobody waits', async () => {
      await sync.lock(id, { maxHold: 1_000 })
      const second = seen(sync.lock(id, { maxHold: 1_000 }))
      const third = seen(sync.lock(id))
      await pass(500)
      expect(second.value).toBeUndefined()
      await pass(800)
      expect(second.value).toBeDefined()
      expect(third.value).toBeUndefined()
      await pass(1_500)
      expect(third.value).toBeDefined()
      // It has no limit, and those of who held it before are none of its own.
      await pass(2_000)
      await expect(sync.lock(id, { wait: 0 })).rejects.toMatchObject({ code: 'Timeout' })
      await sync.unlock(id, { token: third.value })
      await sync.lock(id, { maxHold: 500 })
      await pass(1_000)
      await expect(sync.unlock(id)).rejects.toMatchObject({ code: 'NotHeld' })
      await sync.lock(id, { wait: 0 })
      await sync.unlock(id)
    })

    test('a limit of an earlier lock never ends a later one', async () => {
      await sync.lock(id, { maxHold: 1_000 })
      await sync.unlock(id)
      await sync.lock(id)
      await pass(2_000)
      await expect(sync.lock(id, { wait: 0 })).rejects.toMatchObject({ code: 'Timeout' })
      await sync.unlock(id)
    })

    test('a late unlock frees nobody else, when it says which grant it means', async () => {
      const token = await sync.lock(id, { maxHold: 500 })
      const second = seen(sync.lock(id))
      await pass(1_000)
      expect(second.value).toBeGreaterThan(token)
      await expect(sync.unlock(id, { token })).rejects.toMatchObject({ code: 'NotHeld', details: { token } })
      await expect(sync.lock(id, { wait: 0 })).rejects.toMatchObject({ code: 'Timeout' })
      await sync.unlock(id, { token: second.value })
      await sync.lock(id, { wait: 0 })
      await sync.unlock(id)
    })

    test('a time to live ends no lock of a process that lives', async () => {
      await sync.lock(id, { ttl: 1_000 })
      await pass(4_000)
      await expect(sync.lock(id, { wait: 0 })).rejects.toMatchObject({ code: 'Timeout' })
      await sync.unlock(id)
    })

    test('names are told apart, and impossible options refused', async () => {
      await sync.lock(`${id}/a`)
      await sync.lock(`${id}-a`, { wait: 0 })
      await sync.unlock(`${id}/a`)
      await sync.unlock(`${id}-a`)
      await expect(sync.lock('')).rejects.toMatchObject({ code: 'KeyTooLarge' })
      for (const ttl of [0, 999, 1_000.5, 2 ** 53, '2000', null]) {
        await expect(sync.lock(id, { ttl: ttl as number })).rejects.toMatchObject({ code: 'InvalidArgument' })
      }
      for (const name of ['\ud800', 5, undefined]) {
        await expect(sync.lock(name as string)).rejects.toMatchObject({ code: 'InvalidArgument' })
      }
      for (const options of [null, 'fast', { signal: {} }]) {
        await expect(sync.lock(id, options as object)).rejects.toMatchObject({ code: 'InvalidArgument' })
        await expect(sync.leader(id, options as object)).rejects.toMatchObject({ code: 'InvalidArgument' })
      }
      await expect(sync.lock(id, { maxHold: -1 })).rejects.toMatchObject({ code: 'InvalidArgument' })
      await expect(sync.lock(id, { wait: 0.5 })).rejects.toMatchObject({ code: 'InvalidArgument' })
    })
  })

  describe('plain leaders', () => {
    test('one leads; the next is told when it resigns, and a late resign deposes nobody', async () => {
      const first = await sync.leader(id)
      const second = seen(sync.leader(id))
      await pass(300)
      expect(second.value).toBeUndefined()
      await first.resign()
      expect(first.signal.aborted).toBe(true)
      await pass(200)
      expect(second.value?.token).toBeGreaterThan(first.token)
      await expect(first.resign()).rejects.toMatchObject({ code: 'NotHeld' })
      await pass(300)
      expect(second.value?.signal.aborted).toBe(false)
      await sync.lock(id, { wait: 0 })
      await sync.unlock(id)
      await second.value?.resign()
    })

    test('is waited for as long as one wants, and told when it is over', async () => {
      const first = await sync.leader(id, { maxHold: 1_000 })
      await expect(sync.leader(id, { wait: 0 })).rejects.toMatchObject({ code: 'Timeout' })
      const late = seen(sync.leader(id, { wait: 300 }))
      const second = seen(sync.leader(id))
      await pass(500)
      expect(late.error).toMatchObject({ code: 'Timeout' })
      expect(first.signal.aborted).toBe(false)
      await pass(1_000)
      expect(first.signal.reason).toMatchObject({ code: 'LockLost' })
      await expect(first.resign()).rejects.toMatchObject({ code: expect.stringMatching(/^(?:LockLost|NotHeld)$/) })
      expect(second.value?.signal.aborted).toBe(false)
      await second.value?.resign()
    })
  })
}
