/** The part of the conformance suite of stores about transactions, writes with options, and the past. */
import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import type { Condition, Entry, PutOpResult, Store } from '../../src/api/index.ts'
import { del, get, key, keys, put, range, txn } from '../../src/store/index.ts'

const textsOf = (entries: readonly Entry[]): string[] => entries.map((entry) => `${entry.keyText()}=${entry.text()}`)

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isNitroError(error)) throw new Error(`expected a NitroError, got ${String(error)}`)
  return error.code
}

/** Registers the tests; `opened` gives the store that the running test has. */
export function txnSuite(opened: () => Store): void {
  let store: Store
  beforeEach(() => {
    store = opened()
  })

  describe('transactions', () => {
    test('the first branch runs when all conditions hold, the second when one does not', async () => {
      const claim = (): Promise<{ readonly succeeded: boolean }> =>
        store.txn().if(key('job').missing()).then(put('job', 'mine')).else(get('job')).commit()
      expect(await claim()).toMatchObject({ succeeded: true, results: [{ previous: undefined }] })
      const second = await store.txn().if(key('job').missing()).then(put('job', 'mine too')).else(get('job')).commit()
      expect(second.succeeded).toBe(false)
      if (!second.succeeded) expect(second.results[0]?.text()).toBe('mine')
      expect((await store.get('job'))?.version).toBe(1)
    })

    test('results have the types of what was asked for', async () => {
      const result = await store
        .txn()
        .if(key('a').exists())
        .then(put('a', '1', { prev: true }), range({ prefix: 'a' }))
        .else(get('a'), txn().if(key('b').exists()).then(del('b')))
        .commit()
      if (result.succeeded) {
        expectTypeOf(result.results[0]).toEqualTypeOf<PutOpResult>()
        expectTypeOf(result.results[1].entries).toEqualTypeOf<readonly Entry[]>()
      } else {
        expectTypeOf(result.results[0]).toEqualTypeOf<Entry | undefined>()
        const [, nested] = result.results
        if (nested.succeeded) expectTypeOf(nested.results[0].deleted).toEqualTypeOf<number>()
        else expectTypeOf(nested.results).toEqualTypeOf<readonly []>()
        expect(nested).toEqual({ succeeded: false, results: [] })
      }
      expect(result.succeeded).toBe(false)
    })

    test('all its changes share one revision, and reads see what came before them', async () => {
      const { revision } = await store.put('a/0', 'old')
      const result = await store
        .txn()
        .then(put('a/1', 'x'), put('a/2', 'y'), range({ prefix: 'a/' }), del('a/0', { prev: true }), get('a/0'))
        .commit()
      expect(result.revision).toBe(revision + 1)
      if (!result.succeeded) throw new Error('without conditions it succeeds')
      expect(textsOf(result.results[2].entries)).toEqual(['a/0=old', 'a/1=x', 'a/2=y'])
      expect(result.results[3].deleted).toBe(1)
      expect(textsOf(result.results[3].previous)).toEqual(['a/0=old'])
      expect(result.results[4]).toBeUndefined()
      expect(await store.get('a/1')).toMatchObject({ createRevision: revision + 1, modRevision: revision + 1 })
      expect((await store.get('a/2'))?.modRevision).toBe(revision + 1)
    })

    test('without changes it takes no revision', async () => {
      const { revision } = await store.put('a', '1')
      expect((await store.txn().then(get('a')).commit()).revision).toBe(revision)
    })

    test('each property can be compared, in each direction', async () => {
      const first = await store.put('a', 'm')
      const { revision } = await store.put('a', 'n')
      const holds = async (...conditions: readonly Condition[]): Promise<boolean> =>
        (
          await store
            .txn()
            .if(...conditions)
            .commit()
        ).succeeded
      const a = key('a')
      expect(await holds(a.value.eq('n'), a.value.ne('m'), a.value.gt('m'), a.value.lt('o'))).toBe(true)
      expect(await holds(a.version.eq(2), a.version.gt(1), a.version.lt(3), a.version.ne(1))).toBe(true)
      expect(await holds(a.create.eq(first.revision), a.mod.eq(revision), a.lease.eq(0), a.exists())).toBe(true)
      for (const wrong of [
        a.value.eq('m'),
        a.value.gt('n'),
        a.version.lt(2),
        a.mod.eq(1e9),
        a.create.ne(first.revision),
      ]) {
        expect(await holds(wrong)).toBe(false)
      }
      expect(await holds(a.missing())).toBe(false)
      expect(await holds(key('b').missing(), key('b').version.eq(0), key('b').mod.eq(0))).toBe(true)
      expect(await holds(key('b').value.ne('x'))).toBe(false)
      expect(await holds(a.exists(), key('b').exists())).toBe(false)
    })

    test('a condition over a range holds for every key in it', async () => {
      await store.put('r/1', 'x')
      await store.put('r/2', 'x')
      const holds = async (condition: Condition): Promise<boolean> =>
        (await store.txn().if(condition).commit()).succeeded
      expect(await holds(keys({ prefix: 'r/' }).value.eq('x'))).toBe(true)
      expect(await holds(keys({ prefix: 'r/' }).version.eq(1))).toBe(true)
      await store.put('r/2', 'y')
      expect(await holds(keys({ prefix: 'r/' }).value.eq('x'))).toBe(false)
      expect(await holds(keys({ start: 'r/1', end: 'r/2' }).value.eq('x'))).toBe(true)
      expect(await holds(keys({ prefix: 's/' }).missing())).toBe(true)
      expect(await holds(keys({ prefix: 'r/' }).missing())).toBe(false)
    })

    test('a nested transaction decides by the state before the first change', async () => {
      const inner = txn().if(key('a').exists()).then(put('b', 'found')).else(put('b', 'not found'))
      const result = await store.txn().then(put('a', '1'), inner).commit()
      expect(result).toMatchObject({ succeeded: true, results: [{}, { succeeded: false }] })
      expect((await store.get('b'))?.text()).toBe('not found')
    })

    test('what is refused changes nothing', async () => {
      expect(await codeOf(store.txn().then(put('a', '1'), put('a', '2')).commit())).toBe('InvalidArgument')
      expect(
        await codeOf(
          store
            .txn()
            .then(put('a', '1'), del({ prefix: 'a' }))
            .commit(),
        ),
      ).toBe('InvalidArgument')
      expect(
        await codeOf(
          store
            .txn()
            .then(put('a', '1'), put('b', '2', { lease: 999_999 }))
            .commit(),
        ),
      ).toBe('LeaseNotFound')
      expect(
        await codeOf(
          store
            .txn()
            .then(put('a', '1'), get('b', { revision: 1e12 }))
            .commit(),
        ),
      ).toBe('FutureRevision')
      const many = Array.from({ length: 129 }, (_, at) => put(`k${at}`, 'x'))
      expect(
        await codeOf(
          store
            .txn()
            .then(...many)
            .commit(),
        ),
      ).toBe('LimitExceeded')
      expect((await store.range()).count).toBe(0)
    })

    test('bytes that were given may be used again before it is committed', async () => {
      const bytes = Uint8Array.of(65)
      const waiting = store
        .txn()
        .if(key(bytes).missing(), keys({ start: bytes }).missing(), key('z').value.ne(bytes))
        .then(put(bytes, bytes))
        .else(put(bytes, bytes), get(bytes))
      bytes[0] = 66
      const result = await waiting.commit()
      expect(result.succeeded).toBe(false)
      expect(textsOf((await store.range()).entries)).toEqual(['A=A'])
    })

    test('each step gives a new one, so a common beginning can be used twice', async () => {
      const common = store.txn().if(key('a').missing())
      const one = common.then(put('a', '1'))
      const two = common.then(put('b', '2'))
      expect((await one.commit()).succeeded).toBe(true)
      expect((await two.commit()).succeeded).toBe(false)
      expect(textsOf((await store.range()).entries)).toEqual(['a=1'])
    })

    test('awaiting one that was never committed says so', async () => {
      const forgotten = async (): Promise<unknown> => store.txn().then(put('a', '1')) as unknown
      expect(await codeOf(forgotten())).toBe('InvalidArgument')
      expect(await store.get('a')).toBeUndefined()
    })

    test('what is no condition and no operation is refused when it is named', () => {
      const refused = expect.objectContaining({ code: 'InvalidArgument' })
      for (const wrong of [null, undefined, 5, 'put', {}] as never[]) {
        expect(() => store.txn().if(wrong)).toThrow(refused)
        expect(() => store.txn().then(wrong)).toThrow(refused)
        expect(() => store.txn().else(put('a', '1'), wrong)).toThrow(refused)
      }
      expect(() => key('a').mod.eq(undefined as never)).toThrow(refused)
    })

    test('keys and values out of bounds are refused when they are named', () => {
      expect(() => key('')).toThrow(expect.objectContaining({ code: 'KeyTooLarge' }))
      expect(() => put('a', new Uint8Array(1024 * 1024 + 1))).toThrow(
        expect.objectContaining({ code: 'ValueTooLarge' }),
      )
      expect(() => key('a').version.eq(-1)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
      expect(() => put('a', '', { lease: 1.5 })).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
    })
  })

  describe('writes with options', () => {
    test('a put and a delete answer with what was there, when asked', async () => {
      expect(await store.put('a', '1', { prev: true })).toMatchObject({ previous: undefined })
      expect((await store.put('a', '2', { prev: true })).previous?.text()).toBe('1')
      expect('previous' in (await store.put('a', '3'))).toBe(false)
      await store.put('b', '1')
      const deleted = await store.deleteRange({}, { prev: true })
      expect(deleted.deleted).toBe(2)
      expect(textsOf(deleted.previous ?? [])).toEqual(['a=3', 'b=1'])
      expect(await store.delete('a', { prev: true })).toMatchObject({ deleted: 0, previous: [] })
    })

    test('a put can keep the value that is there', async () => {
      expect(await codeOf(store.put('a', '', { ignoreValue: true }))).toBe('NotFound')
      await store.put('a', '1')
      await store.put('a', '', { ignoreValue: true })
      expect(await store.get('a')).toMatchObject({ version: 2 })
      expect((await store.get('a'))?.text()).toBe('1')
      expect(await codeOf(store.put('a', 'x', { ignoreValue: true }))).toBe('InvalidArgument')
    })

    test('a lease that is not there is refused', async () => {
      expect(await codeOf(store.put('a', '1', { lease: 999_999 }))).toBe('LeaseNotFound')
      expect(await codeOf(store.put('a', '1', { lease: -1 }))).toBe('InvalidArgument')
      expect(await store.get('a')).toBeUndefined()
    })

    test('putIfAbsent writes once, and tells what is there', async () => {
      const first = await store.putIfAbsent('a', '1')
      expect(first).toMatchObject({ succeeded: true })
      const second = await store.putIfAbsent('a', '2')
      expect(second).toMatchObject({ succeeded: false, revision: first.revision })
      if (!second.succeeded) expect(second.entry?.text()).toBe('1')
    })

    test('putIfRevision writes what nobody has changed since', async () => {
      const { revision } = await store.put('a', '1')
      expect(await store.putIfRevision('a', '2', revision)).toEqual({ succeeded: true, revision: revision + 1 })
      const late = await store.putIfRevision('a', '3', revision)
      if (late.succeeded) throw new Error('it was changed')
      expect(late.entry?.text()).toBe('2')
      expect(await store.putIfRevision('b', '1', 7)).toMatchObject({ succeeded: false, entry: undefined })
      for (const wrong of [-1, Number.NaN, undefined as unknown as number]) {
        expect(await codeOf(store.putIfRevision('a', '1', wrong))).toBe('InvalidArgument')
      }
    })

    test('many updates at once lose nothing', async () => {
      const add = (): Promise<{ readonly attempts: number }> =>
        store.update('n', (entry) => String(Number(entry?.text() ?? 0) + 1))
      const all = await Promise.all(Array.from({ length: 8 }, add))
      expect((await store.get('n'))?.text()).toBe('8')
      expect(Math.max(...all.map(({ attempts }) => attempts))).toBeGreaterThan(1)
    })

    test('update deletes on null, leaves alone on undefined, and may wait', async () => {
      const { revision } = await store.put('a', '1')
      expect(await store.update('a', () => undefined)).toMatchObject({ revision, attempts: 1 })
      expect(await store.update('b', () => null)).toEqual({ revision: 0, entry: undefined, attempts: 1 })
      const written = await store.update('a', (entry) => Promise.resolve(`${entry?.text()}!`))
      expect(written).toMatchObject({ revision: revision + 1 })
      expect(written.entry?.text()).toBe('1!')
      expect(await store.update('a', () => null)).toMatchObject({ revision: revision + 2, entry: undefined })
      expect(await store.get('a')).toBeUndefined()
    })

    test('update gives up after so many attempts, and hands on what the function throws', async () => {
      const meddle = async (entry: Entry | undefined): Promise<string> => {
        await store.put('a', 'somebody else')
        return `${entry?.text()}?`
      }
      expect(await codeOf(store.update('a', meddle, { attempts: 3 }))).toBe('Conflict')
      expect((await store.get('a'))?.version).toBe(3)
      const reason = new Error('no')
      await expect(store.update('a', () => Promise.reject(reason))).rejects.toBe(reason)
    })
  })

  describe('the past', () => {
    test('a key and a range can be read as they were', async () => {
      const first = await store.put('a', '1')
      await store.put('a', '2')
      const { revision } = await store.put('b', '1')
      await store.delete('a')
      expect((await store.get('a', { revision: first.revision }))?.text()).toBe('1')
      expect(textsOf((await store.range({ revision })).entries)).toEqual(['a=2', 'b=1'])
      expect(await store.range({ revision: first.revision, countOnly: true })).toMatchObject({ count: 1 })
      expect(await store.get('a')).toBeUndefined()
      expect(await codeOf(store.get('a', { revision: 1e12 }))).toBe('FutureRevision')
      expect(await codeOf(store.range({ revision: -1 }))).toBe('InvalidArgument')
    })

    test('entries are all of one moment, whatever is written meanwhile', async () => {
      const names = Array.from({ length: 1_500 }, (_, i) => `k${String(i).padStart(5, '0')}`)
      await Promise.all(names.map((name) => store.put(name, 'x')))
      for (const reverse of [false, true]) {
        const seen: string[] = []
        for await (const entry of store.entries({ prefix: 'k', reverse })) {
          if (seen.length === 0) {
            await store.deleteRange({ start: 'k00400', end: 'k01400' })
            await store.put('k00000/new', 'y')
            await store.put('k01499/new', 'y')
          }
          seen.push(entry.keyText())
        }
        expect(seen).toEqual(reverse ? names.toReversed() : names)
        await Promise.all(names.map((name) => store.put(name, 'x')))
        await store.deleteRange({ start: 'k00000/new', end: 'k00001' })
        await store.deleteRange({ start: 'k01499/new' })
      }
    })

    test('records come in any order, and filtered by their revisions', async () => {
      await store.put('a', '3')
      const middle = await store.put('b', '1')
      await store.put('c', '2')
      await store.put('a', '9')
      const order = async (options: Parameters<Store['range']>[0]): Promise<string> =>
        textsOf((await store.range(options)).entries).join(' ')
      expect(await order({ sort: 'value' })).toBe('b=1 c=2 a=9')
      expect(await order({ sort: 'mod', reverse: true, limit: 2 })).toBe('a=9 c=2')
      expect(await order({ sort: 'create' })).toBe('a=9 b=1 c=2')
      expect(await order({ sort: 'version', reverse: true, limit: 1 })).toBe('a=9')
      expect(await order({ minModRevision: middle.revision, maxModRevision: middle.revision + 1 })).toBe('b=1 c=2')
      expect(await order({ minCreateRevision: middle.revision })).toBe('b=1 c=2')
      expect(await order({ maxCreateRevision: middle.revision })).toBe('a=9 b=1')
      expect((await store.range({ minModRevision: middle.revision + 1 })).count).toBe(3)
      const unknown = { sort: 'size' } as unknown as Parameters<Store['range']>[0]
      expect(await codeOf(store.range(unknown))).toBe('InvalidArgument')
    })

    test('the history of a key goes back to the compaction', async () => {
      const first = await store.put('a', '1')
      await store.put('b', '1')
      await store.put('a', '2')
      await store.delete('a')
      const { revision } = await store.put('a', '3')
      const history = await store.history('a')
      expect(history.revision).toBe(revision)
      expect(history.versions.map((version) => (version.deleted ? 'deleted' : version.text())).slice(0, 4)).toEqual([
        ...['3', 'deleted', '2', '1'],
      ])
      expect((await store.history('a', { limit: 1 })).more).toBe(true)
      expect((await store.history('a', { revision: first.revision })).versions[0]?.text()).toBe('1')

      await store.compact(revision)
      expect(await store.history('a')).toMatchObject({
        compactRevision: revision,
        more: false,
        versions: [{ version: 1 }],
      })
      expect(await codeOf(store.get('a', { revision: first.revision }))).toBe('Compacted')
      expect(await codeOf(store.compact(first.revision))).toBe('Compacted')
      expect(await codeOf(store.compact(revision + 100))).toBe('FutureRevision')
    })
  })
}
