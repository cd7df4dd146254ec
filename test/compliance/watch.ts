/**
 * The conformance suite of watches: what `watch` and `follow` of a node's and of a client's store must both do.
 * `open` gives an empty store as for `storeSuite`, and its engine.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { encodeCompactArgs } from '../../execution/codec.ts'
import type { Program } from '../../execution/index.ts'
import type { Engine, FollowItem, Programs, Store, Watch, WatchBatch } from '../../src/api/index.ts'

/** Emits `value` under `key`, and writes it if `put` says so. The stores under test run with it. */
export const noteProgram: Program = {
  name: 'note',
  version: 1,
  methods: {
    tell(tx, args) {
      const { key, value, put } = args as { readonly key: string; readonly value: string; readonly put: boolean }
      if (put) tx.put(key, value)
      tx.emit(key, value)
      return null
    },
    swap(tx, args) {
      const { put, drop } = args as { readonly put: readonly string[]; readonly drop: readonly string[] }
      for (const key of put) tx.put(key, `new ${key}`)
      for (const key of drop) tx.delete(key)
      return null
    },
  },
}

/** An open store of any implementation. */
export interface OpenWatched {
  readonly store: Store
  readonly engine: Engine
  readonly programs: Programs
  close(): Promise<void>
}

/** What one event looks like in a line. */
export function line(batch: WatchBatch): string {
  const events = batch.events.map((event) => {
    const before = event.previous === undefined ? '' : ` was ${event.previous.text()}`
    return `${event.type} ${event.keyText()}${event.entry === undefined ? '' : `=${event.entry.text()}`}${before}`
  })
  return events.join(', ')
}

/** Registers the suite. */
export function watchSuite(open: () => Promise<OpenWatched>): void {
  let opened: OpenWatched
  let store: Store
  const watches: Watch[] = []
  beforeEach(async () => {
    opened = await open()
    store = opened.store
  })
  afterEach(async () => {
    for (const watch of watches.splice(0)) watch.close()
    await opened.close()
  })

  const watching = async (options: Parameters<Store['watch']>[0]): Promise<Watch> => {
    const watch = store.watch(options)
    watches.push(watch)
    await watch.opened
    return watch
  }
  const take = async (watch: AsyncIterator<WatchBatch>): Promise<WatchBatch> => {
    const { value, done } = await watch.next()
    if (done === true) throw new Error('the watch ended')
    return value
  }
  const lines = async (watch: Watch, count: number): Promise<string[]> => {
    const out: string[] = []
    for (let i = 0; i < count; i++) out.push(line(await take(watch)))
    return out
  }
  const compact = (revision: number): Promise<unknown> =>
    opened.engine.command('kv', 'compact', encodeCompactArgs(revision))
  const codeOf = async (watch: Watch): Promise<unknown> =>
    watch.next().then(
      () => 'no error',
      (error: unknown) => error,
    )

  describe('what is seen', () => {
    test('everything written after it was opened, one batch for each revision', async () => {
      await store.put('before', '1')
      const watch = await watching({})
      const { revision } = await store.put('a', '1')
      await store.put('a', '2')
      await store.delete('a')
      const first = await take(watch)
      expect(first.revision).toBe(revision)
      expect(first.events[0]?.entry).toMatchObject({ createRevision: revision, modRevision: revision, version: 1 })
      expect(line(first)).toBe('put a=1')
      expect(await lines(watch, 2)).toEqual(['put a=2', 'delete a'])
    })

    test('one key, a prefix, a range: nothing else', async () => {
      const one = await watching({ key: 'b' })
      const prefix = await watching({ prefix: 'b' })
      const range = await watching({ start: 'a', end: 'b' })
      const rest = await watching({ start: 'b/' })
      for (const key of ['a', 'a/x', 'b', 'b/x', 'c']) await store.put(key, 'v')
      expect(await lines(one, 1)).toEqual(['put b=v'])
      expect(await lines(prefix, 2)).toEqual(['put b=v', 'put b/x=v'])
      expect(await lines(range, 2)).toEqual(['put a=v', 'put a/x=v'])
      expect(await lines(rest, 2)).toEqual(['put b/x=v', 'put c=v'])
      for (const watch of [one, prefix, range, rest]) {
        watch.requestProgress()
        expect((await take(watch)).events).toEqual([])
      }
    })

    test('all changes of one revision come together', async () => {
      await Promise.all([store.put('k/1', '1'), store.put('k/2', '2'), store.put('other', '3')])
      const watch = await watching({ prefix: 'k/', prev: true })
      await store.deleteRange({})
      expect(await lines(watch, 1)).toEqual(['delete k/1 was 1, delete k/2 was 2'])
      await opened.programs.call('note', 'swap', { put: ['k/2', 'k/3'], drop: [] })
      await opened.programs.call('note', 'swap', { put: ['k/1'], drop: ['k/3'] })
      const [both, swapped] = await lines(watch, 2)
      expect(both).toBe('put k/2=new k/2, put k/3=new k/3')
      expect(swapped?.split(', ').toSorted()).toEqual(['delete k/3 was new k/3', 'put k/1=new k/1'])
    })

    test('previous records when asked for, and only then', async () => {
      await store.put('k', 'old')
      const plain = await watching({ key: 'k' })
      const prev = await watching({ key: 'k', prev: true })
      await store.put('k', 'new')
      await store.delete('k')
      await store.put('k', 'again')
      expect(await lines(plain, 3)).toEqual(['put k=new', 'delete k', 'put k=again'])
      expect(await lines(prev, 3)).toEqual(['put k=new was old', 'delete k was new', 'put k=again'])
    })

    test('only events of a type when filtered', async () => {
      const puts = await watching({ filter: 'put' })
      const deletes = await watching({ filter: 'delete' })
      const emits = await watching({ filter: 'emit' })
      await store.put('k', '1')
      await store.delete('k')
      await opened.programs.call('note', 'tell', { key: 'n', value: 'hello', put: true })
      expect(await lines(puts, 2)).toEqual(['put k=1', 'put n=hello'])
      expect(await lines(deletes, 1)).toEqual(['delete k'])
      expect(await lines(emits, 1)).toEqual(['emit n=hello'])
    })

    test('what a program emits, which is in no range', async () => {
      const watch = await watching({ prefix: 'n' })
      await opened.programs.call('note', 'tell', { key: 'n', value: 'hello', put: false })
      expect(await lines(watch, 1)).toEqual(['emit n=hello'])
      expect(await store.get('n')).toBeUndefined()
    })

    test('a value of the largest size, with what was there before', async () => {
      const watch = await watching({ key: 'big', prev: true })
      await store.put('big', new Uint8Array(1 << 20).fill(1))
      await store.put('big', new Uint8Array(1 << 20).fill(2))
      expect((await take(watch)).events[0]?.entry?.value[0]).toBe(1)
      const [event] = (await take(watch)).events
      expect(event?.entry?.value.length).toBe(1 << 20)
      expect(event?.previous?.value[7]).toBe(1)
    })

    test('one revision that is many times the credit is still one batch', async () => {
      const value = new Uint8Array(300_000)
      for (let i = 0; i < 12; i++) await store.put(`big/${i}`, value)
      const watch = await watching({ prev: true })
      await store.deleteRange({ prefix: 'big/' })
      await store.put('after', '1')
      const batch = await take(watch)
      expect(batch.events.length).toBe(12)
      expect(batch.events.every((event) => event.previous?.value.length === 300_000)).toBe(true)
      expect(await lines(watch, 1)).toEqual(['put after=1'])
    })
  })

  describe('where it begins', () => {
    test('at a revision of the past, and goes on into the present', async () => {
      const { revision } = await store.put('k', '1')
      await store.put('k', '2')
      await store.put('k', '3')
      const watch = await watching({ key: 'k', fromRevision: revision + 1 })
      expect(await watch.opened).toBe(revision)
      expect(await lines(watch, 2)).toEqual(['put k=2', 'put k=3'])
      await store.put('k', '4')
      expect(await lines(watch, 1)).toEqual(['put k=4'])
    })

    test('at a revision of the future: nothing earlier comes', async () => {
      const { revision } = await store.put('k', '1')
      const watch = await watching({ key: 'k', fromRevision: revision + 3 })
      for (const value of ['2', '3', '4']) await store.put('k', value)
      const batch = await take(watch)
      expect(batch.revision).toBe(revision + 3)
      expect(line(batch)).toBe('put k=4')
    })

    test('not below the compact revision, and the error tells it', async () => {
      const { revision } = await store.put('k', '1')
      const last = await store.put('k', '2')
      await compact(last.revision)
      const watch = store.watch({ key: 'k', fromRevision: revision })
      expect(await codeOf(watch)).toMatchObject({ code: 'Compacted', details: { compactRevision: last.revision } })
      expect(await watch.next()).toEqual({ done: true, value: undefined })
      const allowed = await watching({ key: 'k', fromRevision: last.revision, prev: true })
      expect(await lines(allowed, 1)).toEqual(['put k=2'])
    })

    test('a slow reader gets everything, from history', async () => {
      const watch = await watching({ prefix: 's/' })
      const value = new Uint8Array(10_000)
      for (let i = 0; i < 40; i++) {
        await Promise.all(Array.from({ length: 10 }, (_, j) => store.put(`s/${i}/${j}`, value)))
      }
      const found: string[] = []
      for (let i = 0; i < 400; i++) found.push((await take(watch)).events[0]?.keyText() ?? '')
      expect(new Set(found).size).toBe(400)
      watch.requestProgress()
      expect((await take(watch)).events).toEqual([])
    })

    test('a slow reader whose next revision was compacted away hears so after what it had', async () => {
      const watch = await watching({ prefix: 's/' })
      const value = new Uint8Array(100_000)
      let last = 0
      for (let i = 0; i < 40; i++) last = (await store.put(`s/${i}`, value)).revision
      await compact(last)
      let count = 0
      const error: unknown = await (async () => {
        for await (const batch of watch) count += batch.events.length
      })().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'Compacted', details: { compactRevision: last } })
      expect(count).toBeGreaterThan(0)
      expect(count).toBeLessThan(40)
    })
  })

  describe('how it goes on and ends', () => {
    test('progress on request tells how far it is', async () => {
      const watch = await watching({ prefix: 'nothing/' })
      const { revision } = await store.put('else', '1')
      watch.requestProgress()
      const mark = await take(watch)
      expect(mark.events).toEqual([])
      expect(mark.revision).toBeGreaterThanOrEqual(revision - 1)
    })

    test('progress comes by itself after a silence when asked for', async () => {
      const watch = await watching({ prefix: 'nothing/', progressMs: 100 })
      const { revision } = await store.put('else', '1')
      let mark = await take(watch)
      while (mark.revision < revision) mark = await take(watch)
      expect(mark.events).toEqual([])
    })

    test('many watches of one store, each with its own', async () => {
      const many = await Promise.all(Array.from({ length: 200 }, (_, i) => watching({ prefix: `w/${i % 20}/` })))
      for (let i = 0; i < 20; i++) await store.put(`w/${i}/x`, `${i}`)
      const found = await Promise.all(many.map((watch) => lines(watch, 1)))
      expect(found).toEqual(many.map((_, i) => [`put w/${i % 20}/x=${i % 20}`]))
    })

    test('leaving the loop ends it', async () => {
      const watch = await watching({ prefix: 'k' })
      await store.put('k1', '1')
      await store.put('k2', '1')
      for await (const batch of watch) {
        expect(line(batch)).toBe('put k1=1')
        break
      }
      expect(await watch.next()).toEqual({ done: true, value: undefined })
    })

    test('closing it ends a loop that waits', async () => {
      const watch = await watching({})
      const waiting = watch.next()
      watch.close()
      expect(await waiting).toEqual({ done: true, value: undefined })
      await watch[Symbol.asyncDispose]()
    })

    test('an aborted signal ends it with its own reason', async () => {
      const reason = new Error('not any more')
      const controller = new AbortController()
      const watch = await watching({ signal: controller.signal })
      const waiting = codeOf(watch)
      controller.abort(reason)
      expect(await waiting).toBe(reason)
      const never = store.watch({ signal: AbortSignal.abort(reason) })
      await expect(never.opened).rejects.toBe(reason)
      expect(await codeOf(never)).toBe(reason)
    })

    test('wrong options are refused by name', async () => {
      for (const options of [
        { key: 'a', prefix: 'b' },
        { fromRevision: 0 },
        { fromRevision: 1.5 },
        { progressMs: 0 },
        { filter: 'puts' as 'put' },
        { start: 'a', end: '' },
      ]) {
        expect(await codeOf(store.watch(options)), JSON.stringify(options)).toMatchObject({ code: 'InvalidArgument' })
      }
      expect(await codeOf(store.watch({ key: '' }))).toMatchObject({ code: 'KeyTooLarge' })
    })
  })

  describe('follow', () => {
    const describeItem = (item: FollowItem): string => {
      if (item.type === 'reset') return 'reset'
      if (item.type === 'events') return line(item)
      return `state ${item.entries.map((entry) => `${entry.keyText()}=${entry.text()}`).join(' ')}`
    }

    test('gives the state and then every change of it', async () => {
      await store.put('f/1', 'a')
      await store.put('g', 'x')
      const iteration = store.follow({ prefix: 'f/' }, { prev: true })[Symbol.asyncIterator]()
      const next = async (): Promise<string> => describeItem((await iteration.next()).value as FollowItem)
      expect(await next()).toBe('state f/1=a')
      await store.put('f/2', 'b')
      await store.delete('f/1')
      expect(await next()).toBe('put f/2=b')
      expect(await next()).toBe('delete f/1 was a')
      await iteration.return?.()
    })

    test('a state of many pages is of one moment', async () => {
      const names = Array.from({ length: 2_500 }, (_, i) => `p/${String(i).padStart(5, '0')}`)
      await Promise.all(names.map((name) => store.put(name, '0')))
      const iteration = store.follow({ prefix: 'p/' })[Symbol.asyncIterator]()
      const first = iteration.next()
      const writes = Promise.all(names.map((name) => store.put(name, '1')))
      const state = (await first).value as FollowItem
      if (state.type !== 'state') throw new Error(state.type)
      expect(state.entries.length).toBe(2_500)
      const known = new Map(state.entries.map((entry) => [entry.keyText(), entry.text()]))
      for (const entry of state.entries) expect(entry.modRevision).toBeLessThanOrEqual(state.revision)
      await writes
      while ([...known.values()].includes('0')) {
        const item = (await iteration.next()).value as FollowItem
        if (item.type !== 'events') throw new Error(item.type)
        for (const event of item.events) known.set(event.keyText(), event.entry?.text() ?? '')
      }
      await iteration.return?.()
    })

    test('after a loss by compaction it says reset and gives the new state', async () => {
      const value = 'x'.repeat(100_000)
      const iteration = store.follow({ prefix: 'f/' })[Symbol.asyncIterator]()
      expect((await iteration.next()).value).toMatchObject({ type: 'state', entries: [] })
      // The watch begins with the next step, behind all this.
      let last = 0
      for (let i = 0; i < 3; i++) last = (await store.put('f/1', `${i}${value}`)).revision
      await store.put('f/2', 'b')
      await compact(last)
      expect((await iteration.next()).value).toEqual({ type: 'reset', compactRevision: last })
      const state = (await iteration.next()).value as FollowItem
      expect(state.type === 'state' && state.entries.map((entry) => entry.keyText())).toEqual(['f/1', 'f/2'])
      await store.put('f/3', 'c')
      expect(describeItem((await iteration.next()).value as FollowItem)).toBe('put f/3=c')
      await iteration.return?.()
    })
  })
}
