/**
 * The conformance suite of the Store interface: what a node's and a client's store must both do.
 * `open` gives an empty store before each test, new or emptied by `deleteRange({})`; `close` is called after it.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isNitroError, utf8 } from '../../base/index.ts'
import type { Entry, Store } from '../../src/api/index.ts'
import { txnSuite } from './txn.ts'

/** An open store of any implementation. */
export interface OpenStore {
  readonly store: Store
  close(): Promise<void>
}

/** Registers the suite. */
export function storeSuite(open: () => Promise<OpenStore>): void {
  let opened: OpenStore
  let store: Store
  beforeEach(async () => {
    opened = await open()
    store = opened.store
  })
  afterEach(() => opened.close())

  const fill = async (keys: readonly string[]): Promise<void> => {
    for (const key of keys) await store.put(key, `value of ${key}`)
  }
  const keysOf = (entries: readonly Entry[]): string[] => entries.map((entry) => entry.keyText())
  const collect = async (entries: AsyncIterable<Entry>): Promise<string[]> => {
    const out: string[] = []
    for await (const entry of entries) out.push(entry.keyText())
    return out
  }
  const codeOf = async (work: Promise<unknown>): Promise<string> => {
    const error: unknown = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (!isNitroError(error)) throw new Error(`expected a NitroError, got ${String(error)}`)
    return error.code
  }

  describe('single keys', () => {
    test('what was put can be read, as bytes, text and JSON', async () => {
      await store.put('config/mode', '{"color":"blue"}')
      const entry = await store.get('config/mode')
      expect(entry?.keyText()).toBe('config/mode')
      expect(entry?.text()).toBe('{"color":"blue"}')
      expect(entry?.json()).toEqual({ color: 'blue' })
      expect(entry?.key).toEqual(utf8('config/mode'))
      expect(entry?.value).toEqual(utf8('{"color":"blue"}'))
    })

    test('a key that is not there reads as undefined', async () => {
      expect(await store.get('nothing')).toBeUndefined()
    })

    test('each write takes the next revision, and the record tells its history', async () => {
      const first = await store.put('a', '1')
      const second = await store.put('b', '1')
      const third = await store.put('a', '2')
      expect(second.revision).toBe(first.revision + 1)
      expect(third.revision).toBe(second.revision + 1)
      expect(await store.get('a')).toMatchObject({
        createRevision: first.revision,
        modRevision: third.revision,
        version: 2,
      })
    })

    test('a deleted key is gone, and starts anew when it is written again', async () => {
      await store.put('a', '1')
      const deleted = await store.delete('a')
      expect(deleted.deleted).toBe(1)
      expect(await store.get('a')).toBeUndefined()
      const { revision } = await store.put('a', '2')
      expect(revision).toBe(deleted.revision + 1)
      expect(await store.get('a')).toMatchObject({ createRevision: revision, version: 1 })
    })

    test('deleting nothing takes no revision', async () => {
      const { revision } = await store.put('a', '1')
      expect(await store.delete('b')).toEqual({ revision, deleted: 0 })
    })

    test('any bytes are a key or a value, and an empty value is a value', async () => {
      const key = Uint8Array.of(1, 255, 128, 10)
      await store.put(key, Uint8Array.of(0, 1, 254, 255))
      await store.put('empty', '')
      expect((await store.get(key))?.value).toEqual(Uint8Array.of(0, 1, 254, 255))
      expect((await store.get('empty'))?.value).toEqual(new Uint8Array())
      expect((await store.get('empty'))?.text()).toBe('')
    })

    test('a buffer can be used again as soon as the call has returned', async () => {
      const key = utf8('k1')
      const value = utf8('v1')
      const writing = store.put(key, value)
      key.set(utf8('XX'))
      value.set(utf8('XX'))
      await writing
      key.set(utf8('k1'))
      const reading = store.get(key)
      key.set(utf8('XX'))
      expect((await reading)?.text()).toBe('v1')
    })

    test('text outside ASCII is UTF-8', async () => {
      await store.put('schlüssel/鍵', 'größe 📦')
      const entry = await store.get(utf8('schlüssel/鍵'))
      expect(entry?.text()).toBe('größe 📦')
    })

    test('values up to the limit are stored whole', async () => {
      const value = new Uint8Array(1024 * 1024).map((_, i) => i * 31)
      await store.put('large', value)
      const read = (await store.get('large'))?.value ?? new Uint8Array()
      expect(Buffer.compare(read, value)).toBe(0)
    })

    test('many writes at once all happen, each with a revision of its own', async () => {
      const results = await Promise.all(Array.from({ length: 300 }, (_, i) => store.put(`k${i}`, `v${i}`)))
      expect(new Set(results.map(({ revision }) => revision)).size).toBe(300)
      expect((await store.range({ countOnly: true })).count).toBe(300)
    })
  })

  describe('ranges', () => {
    const keys = ['a', 'a/1', 'a/2', 'a/3', 'b', 'b/1']

    test('an empty range is the whole store in key order', async () => {
      await fill(keys.toReversed())
      const result = await store.range()
      expect(keysOf(result.entries)).toEqual(keys)
      expect(result).toMatchObject({ count: 6, more: false })
    })

    test('a prefix takes the keys that begin with it', async () => {
      await fill(keys)
      expect(keysOf((await store.range({ prefix: 'a/' })).entries)).toEqual(['a/1', 'a/2', 'a/3'])
      expect(keysOf((await store.range({ prefix: '' })).entries)).toEqual(keys)
      expect((await store.range({ prefix: 'c' })).entries).toEqual([])
    })

    test('a prefix of bytes 255 goes to the last key', async () => {
      await store.put(Uint8Array.of(255, 255, 1), 'x')
      await store.put(Uint8Array.of(255, 254), 'y')
      expect((await store.range({ prefix: Uint8Array.of(255, 255) })).count).toBe(1)
    })

    test('start is included, end is not, and without end it goes to the last key', async () => {
      await fill(keys)
      expect(keysOf((await store.range({ start: 'a/2', end: 'b' })).entries)).toEqual(['a/2', 'a/3'])
      expect(keysOf((await store.range({ start: 'a/3' })).entries)).toEqual(['a/3', 'b', 'b/1'])
      expect(keysOf((await store.range({ end: 'a/2' })).entries)).toEqual(['a', 'a/1'])
      expect((await store.range({ start: 'b', end: 'a' })).entries).toEqual([])
    })

    test('a limit cuts, and says so together with the whole count', async () => {
      await fill(keys)
      const result = await store.range({ limit: 2 })
      expect(keysOf(result.entries)).toEqual(['a', 'a/1'])
      expect(result).toMatchObject({ count: 6, more: true })
      expect((await store.range({ limit: 6 })).more).toBe(false)
    })

    test('reverse reads from the last key down', async () => {
      await fill(keys)
      expect(keysOf((await store.range({ prefix: 'a/', reverse: true, limit: 2 })).entries)).toEqual(['a/3', 'a/2'])
    })

    test('keysOnly leaves values out, countOnly leaves entries out', async () => {
      await fill(keys)
      const onlyKeys = await store.range({ keysOnly: true, limit: 1 })
      expect(onlyKeys.entries[0]?.keyText()).toBe('a')
      expect(onlyKeys.entries[0]?.value.length).toBe(0)
      expect(await store.range({ countOnly: true })).toMatchObject({ entries: [], count: 6, more: false })
    })

    test('the answer carries the revision of the state it was read from', async () => {
      const { revision } = await store.put('a', '1')
      expect((await store.range()).revision).toBe(revision)
    })

    test('deleteRange deletes all its keys in one revision', async () => {
      await fill(keys)
      const before = (await store.range({ countOnly: true })).revision
      expect(await store.deleteRange({ prefix: 'a/' })).toEqual({ revision: before + 1, deleted: 3 })
      expect(keysOf((await store.range()).entries)).toEqual(['a', 'b', 'b/1'])
      expect((await store.deleteRange({ start: 'b' })).deleted).toBe(2)
      expect((await store.deleteRange({})).deleted).toBe(1)
    })
  })

  describe('entries', () => {
    test('it reads all pages, forwards and backwards', async () => {
      const keys = Array.from({ length: 2_300 }, (_, i) => `k${String(i).padStart(5, '0')}`)
      await Promise.all(keys.map((key) => store.put(key, 'x')))
      expect(await collect(store.entries())).toEqual(keys)
      expect(await collect(store.entries({ reverse: true, keysOnly: true }))).toEqual(keys.toReversed())
      expect(await collect(store.entries({ prefix: 'k0000' }))).toEqual(keys.slice(0, 10))
    })

    test('a limit is over all pages', async () => {
      const keys = Array.from({ length: 1_200 }, (_, i) => `k${String(i).padStart(5, '0')}`)
      await Promise.all(keys.map((key) => store.put(key, 'x')))
      expect(await collect(store.entries({ limit: 1_100 }))).toEqual(keys.slice(0, 1_100))
    })

    test('values that fill an answer are still all read', async () => {
      const value = new Uint8Array(900_000)
      for (let i = 0; i < 6; i++) await store.put(`big/${i}`, value)
      expect(await collect(store.entries())).toEqual(['big/0', 'big/1', 'big/2', 'big/3', 'big/4', 'big/5'])
    })
  })

  describe('errors and cancelling', () => {
    test('keys and values out of bounds are refused by name', async () => {
      expect(await codeOf(store.put('', 'x'))).toBe('KeyTooLarge')
      expect(await codeOf(store.get(''))).toBe('KeyTooLarge')
      expect(await codeOf(store.delete(''))).toBe('KeyTooLarge')
      expect(await codeOf(store.put('k'.repeat(4097), 'x'))).toBe('KeyTooLarge')
      expect(await codeOf(store.put('k', new Uint8Array(1024 * 1024 + 1)))).toBe('ValueTooLarge')
      await store.put('k'.repeat(4096), 'x')
    })

    test('contradictory ranges are refused', async () => {
      expect(await codeOf(store.range({ prefix: 'a', start: 'a' }))).toBe('InvalidArgument')
      expect(await codeOf(store.range({ start: 'a', end: '' }))).toBe('InvalidArgument')
      await store.put('kept', '1')
      for (const wrong of ['kept', 7, null, new Uint8Array(1)]) {
        expect(await codeOf(store.deleteRange(wrong as object))).toBe('InvalidArgument')
      }
      expect((await store.get('kept'))?.text()).toBe('1')
      expect(await codeOf(store.range({ limit: 0 }))).toBe('InvalidArgument')
      expect(await codeOf(store.range({ limit: 10_001 }))).toBe('InvalidArgument')
      expect(await codeOf(store.range({ limit: 1.5 }))).toBe('InvalidArgument')
      expect(await codeOf(collect(store.entries({ limit: 1, ...{ countOnly: true } })))).toBe('InvalidArgument')
      expect(await codeOf(store.put('k', 'v', { timeoutMs: 0 }))).toBe('InvalidArgument')
    })

    test('an aborted signal rejects with its own reason, and nothing happens', async () => {
      const reason = new Error('not any more')
      const signal = AbortSignal.abort(reason)
      await expect(store.put('a', '1', { signal })).rejects.toBe(reason)
      await expect(store.get('a', { signal })).rejects.toBe(reason)
      await expect(collect(store.entries({ signal }))).rejects.toBe(reason)
      expect(await store.get('a')).toBeUndefined()
    })

    test('a linearizable read sees what was acknowledged before', async () => {
      await store.put('a', '1')
      expect((await store.get('a', { consistency: 'linearizable' }))?.text()).toBe('1')
      expect((await store.range({ consistency: 'linearizable' })).count).toBe(1)
    })
  })

  txnSuite(() => store)
}
