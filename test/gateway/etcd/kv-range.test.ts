/** Ranges that the store answers in pages, or does not order or filter because they are too great: the answer is the same. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compareBytes } from '../../../base/index.ts'
import type { Decoded, Encodable } from '../../../src/gateway/etcd/schema/index.ts'
import { bytes, openWorld, prefixEndOf } from './world.ts'
import type { World } from './world.ts'

type Record = Decoded<'KeyValue'>

const path = 'etcdserverpb.KV/Range'
const all = { key: bytes('k/'), range_end: prefixEndOf('k/') }
let world: World
/** What there is, in the order of keys; and what there was before half of it was deleted. */
let now: readonly Record[]
let before: readonly Record[]
let past: number

beforeAll(async () => {
  // So little that nearly every range is too much.
  world = await openWorld({ limits: { rangeRecords: 3, rangeScanKeys: 5 } })
  const { caller } = world
  const put = (key: number, value: number) =>
    caller.ok('etcdserverpb.KV/Put', 'PutRequest', { key: bytes(`k/${key}`), value: bytes(`${value}`) })
  for (const key of [14, 20, 11, 18, 13, 25, 22, 10, 16, 19, 23, 12]) await put(key, (key * 7) % 5)
  for (const key of [18, 11, 18]) past = (await put(key, key % 3)).header?.revision ?? 0
  before = await one()
  for (const key of [11, 20, 23]) {
    await caller.ok('etcdserverpb.KV/DeleteRange', 'DeleteRangeRequest', { key: bytes(`k/${key}`) })
  }
  now = await one()
})
afterAll(() => world.close())

/** Every record, read key by key. */
async function one(): Promise<Record[]> {
  const records: Record[] = []
  for (let key = 10; key < 30; key++) {
    records.push(...(await world.caller.ok(path, 'RangeRequest', { key: bytes(`k/${key}`) })).kvs)
  }
  return records
}

const by: readonly ((a: Record, b: Record) => number)[] = [
  (a, b) => compareBytes(a.key, b.key),
  (a, b) => a.version - b.version,
  (a, b) => a.create_revision - b.create_revision,
  (a, b) => a.mod_revision - b.mod_revision,
  (a, b) => compareBytes(a.value, b.value),
]

/** What a request is to be answered with, the plain way. */
function expected(request: Encodable<'RangeRequest'>): { readonly keys: readonly string[]; readonly more: boolean } {
  const { sort_target = 0, sort_order = 0, limit = 0 } = request
  const from = request.revision === undefined ? now : before
  const within = (revision: number, least = 0, most = 0): boolean =>
    revision >= least && (most === 0 || revision <= most)
  const kept = from.filter(
    ({ mod_revision, create_revision }) =>
      within(mod_revision, request.min_mod_revision, request.max_mod_revision) &&
      within(create_revision, request.min_create_revision, request.max_create_revision),
  )
  const sorted = kept.toSorted(by[sort_target])
  if (sort_order === 2) sorted.reverse()
  const keys = sorted.map(({ key }) => String(key))
  return { keys: limit > 0 ? keys.slice(0, limit) : keys, more: limit > 0 && keys.length > limit }
}

test('whatever is asked for, the answer is what the plain way gives', async () => {
  const revision = fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined })
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        ...{ sort_target: fc.nat(4), sort_order: fc.nat(2), limit: fc.nat(14), keys_only: fc.boolean() },
        ...{ min_mod_revision: revision, max_mod_revision: revision },
        ...{ min_create_revision: revision, max_create_revision: revision },
        ...{ isPast: fc.boolean(), serializable: fc.boolean() },
      }),
      async ({ isPast, ...given }) => {
        const wish = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
        const request: Encodable<'RangeRequest'> = { ...all, ...wish, ...(isPast ? { revision: past } : {}) }
        const { kvs, more, count } = await world.caller.ok(path, 'RangeRequest', request)
        expect({ keys: kvs.map(({ key }) => String(key)), more }).toEqual(expected(request))
        expect(count).toBe((isPast ? before : now).length)
        expect(kvs.every(({ value }) => (value.length === 0) === given.keys_only)).toBe(true)
      },
    ),
    { numRuns: 150 },
  )
})

test('a read of many pages is of one revision, whatever is written meanwhile', async () => {
  const { caller } = world
  const write = async (): Promise<void> => {
    for (let i = 0; i < 30; i++) {
      const put = (key: string): Encodable<'RequestOp'> => ({ request_put: { key: bytes(key), value: bytes(`${i}`) } })
      const keys = Array.from({ length: 10 }, (_none, key) => put(`page/${key}`))
      await caller.ok('etcdserverpb.KV/Txn', 'TxnRequest', { success: keys })
    }
  }
  const writing = write()
  const pages = { key: bytes('page/'), range_end: prefixEndOf('page/') }
  for (let i = 0; i < 30; i++) {
    const { kvs } = await caller.ok(path, 'RangeRequest', pages)
    expect(new Set(kvs.map(({ value }) => String(value))).size).toBeLessThanOrEqual(1)
    expect([0, 10]).toContain(kvs.length)
  }
  await writing
})
