/** The KV service, as clients of etcd know it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Decoded, Encodable } from '../../../src/gateway/etcd/schema/index.ts'
import type { Outcome } from './caller.ts'
import { bytes, openWorld, prefixEndOf } from './world.ts'
import type { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const kv = 'etcdserverpb.KV'
const put = (key: string, value: string, more: Encodable<'PutRequest'> = {}) =>
  world.caller.call(`${kv}/Put`, 'PutRequest', { key: bytes(key), value: bytes(value), ...more })
const range = (request: Encodable<'RangeRequest'>) => world.caller.call(`${kv}/Range`, 'RangeRequest', request)
const remove = (request: Encodable<'DeleteRangeRequest'>) =>
  world.caller.call(`${kv}/DeleteRange`, 'DeleteRangeRequest', request)
const txn = (request: Encodable<'TxnRequest'>) => world.caller.call(`${kv}/Txn`, 'TxnRequest', request)
const compact = (revision: number) =>
  world.caller.call(`${kv}/Compact`, 'CompactionRequest', { revision }) as Promise<Outcome>

const all = (prefix: string): Encodable<'RangeRequest'> => ({ key: bytes(prefix), range_end: prefixEndOf(prefix) })
const keysOf = (reply: { readonly response: Decoded<'RangeResponse'> | undefined }): string[] =>
  (reply.response?.kvs ?? []).map(({ key }) => Buffer.from(key).toString())
const revisionOf = (reply: { readonly response: { readonly header: Decoded<'ResponseHeader'> | null } | undefined }) =>
  reply.response?.header?.revision ?? 0
const current = async (): Promise<number> => revisionOf(await range({ key: bytes('nothing') }))

test('an empty store is at revision 1, and its first write takes 2', async () => {
  const fresh = await openWorld()
  const { caller } = fresh
  const read = await caller.ok(`${kv}/Range`, 'RangeRequest', { key: bytes('a') })
  expect(read.header?.revision).toBe(1)
  // A client that reads again at the revision of its first read must not get what came since.
  const written = await caller.ok(`${kv}/Put`, 'PutRequest', { key: bytes('a'), value: bytes('x') })
  expect(written.header?.revision).toBe(2)
  expect((await caller.ok(`${kv}/Range`, 'RangeRequest', { key: bytes('a'), revision: 1 })).kvs).toEqual([])
  expect((await caller.ok(`${kv}/Range`, 'RangeRequest', { key: bytes('a') })).kvs[0]).toMatchObject({
    ...{ create_revision: 2, mod_revision: 2, version: 1, lease: 0 },
  })
  await fresh.close()
})

test('every response has a header with the ids of cluster and member, the revision and the term', async () => {
  const { response } = await put('header', '1')
  const { clusterId, id, term, revision } = world.node.status()
  expect(response?.header).toMatchObject({
    cluster_id: Number.parseInt(clusterId.slice(0, 13), 16),
    member_id: id,
    raft_term: term,
    revision: revision + 1,
  })
})

describe('Put', () => {
  test('counts revisions and versions and gives back what was there', async () => {
    await put('p', 'one')
    const { response } = await put('p', 'two', { prev_kv: true })
    expect(Buffer.from(response?.prev_kv?.value ?? []).toString()).toBe('one')
    expect((await range({ key: bytes('p') })).response?.kvs[0]).toMatchObject({
      version: 2,
      create_revision: response?.prev_kv?.create_revision,
      mod_revision: response?.header?.revision,
    })
    expect((await put('p-new', 'x', { prev_kv: true })).response?.prev_kv).toBeNull()
  })

  test('keeps the value, or the lease, that is there when it is told to', async () => {
    const { ID } = await world.caller.ok('etcdserverpb.Lease/LeaseGrant', 'LeaseGrantRequest', { TTL: 60 })
    await put('keep', 'value', { lease: ID })
    await put('keep', '', { ignore_value: true, lease: 0 })
    expect((await range({ key: bytes('keep') })).response?.kvs[0]).toMatchObject({ value: bytes('value'), lease: 0 })
    await put('keep', 'value', { lease: ID })
    await put('keep', 'other', { ignore_lease: true })
    expect((await range({ key: bytes('keep') })).response?.kvs[0]).toMatchObject({ value: bytes('other'), lease: ID })
  })

  const big = 2 ** 60
  test.each<[string, Encodable<'PutRequest'>, Outcome]>([
    ['no key', {}, { code: 3, text: 'etcdserver: key is not provided' }],
    [
      'a lease that is not there',
      { key: bytes('k'), lease: 99 },
      { code: 5, text: 'etcdserver: requested lease not found' },
    ],
    [
      'a lease no store can have',
      { key: bytes('k'), lease: big },
      { code: 5, text: 'etcdserver: requested lease not found' },
    ],
    ['a negative lease', { key: bytes('k'), lease: -1 }, { code: 5, text: 'etcdserver: requested lease not found' }],
    [
      'a value that is to be ignored',
      { key: bytes('k'), value: bytes('v'), ignore_value: true },
      { code: 3, text: 'etcdserver: value is provided' },
    ],
    [
      'a lease that is to be ignored',
      { key: bytes('k'), lease: 1, ignore_lease: true },
      { code: 3, text: 'etcdserver: lease is provided' },
    ],
    ['nothing to keep', { key: bytes('none'), ignore_value: true }, { code: 3, text: 'etcdserver: key not found' }],
    [
      'a value beyond the limit',
      { key: bytes('k'), value: Buffer.alloc(1024 * 1024 + 1) },
      { code: 3, text: 'etcdserver: request is too large' },
    ],
    [
      'a key beyond the limit',
      { key: Buffer.alloc(5000, 'k'), value: bytes('v') },
      { code: 3, text: 'etcdserver: request is too large' },
    ],
    [
      'a reserved key',
      { key: bytes('\0s') },
      { code: 3, text: 'etcdserver: keys that begin with a zero byte are reserved' },
    ],
  ])('refuses %s', async (_what, request, outcome) => {
    const before = await current()
    const { code, text } = await world.caller.call(`${kv}/Put`, 'PutRequest', request)
    expect({ code, text }).toEqual(outcome)
    expect(await current()).toBe(before)
  })
})

describe('Range', () => {
  beforeAll(async () => {
    // Made in this order; `r/b` is written again.
    for (const [key, value] of [
      ['c', '1'],
      ['a', '3'],
      ['b', '9'],
      ['d', '2'],
      ['b', '0'],
    ])
      await put(`r/${key}`, value as string)
  })

  test.each<[string, Encodable<'RangeRequest'>, string[]]>([
    ['one key', { range_end: Buffer.alloc(0), key: bytes('r/b') }, ['r/b']],
    ['a range without its end', { key: bytes('r/a'), range_end: bytes('r/c') }, ['r/a', 'r/b']],
    ['everything from a key on', { key: bytes('r/c'), range_end: bytes('\0') }, ['r/c', 'r/d']],
    ['an empty range', { key: bytes('r/c'), range_end: bytes('r/a') }, []],
    ['all in key order', {}, ['r/a', 'r/b', 'r/c', 'r/d']],
    ['a target without an order as ascending', { sort_target: 2 }, ['r/c', 'r/a', 'r/b', 'r/d']],
    ['descending keys', { sort_order: 2 }, ['r/d', 'r/c', 'r/b', 'r/a']],
    ['by version', { sort_order: 2, sort_target: 1, limit: 1 }, ['r/b']],
    ['by creation, newest first', { sort_order: 2, sort_target: 2 }, ['r/d', 'r/b', 'r/a', 'r/c']],
    ['by change', { sort_order: 1, sort_target: 3 }, ['r/c', 'r/a', 'r/d', 'r/b']],
    ['by value', { sort_order: 1, sort_target: 4 }, ['r/b', 'r/c', 'r/d', 'r/a']],
    ['with a limit after the order', { sort_order: 2, sort_target: 2, limit: 2 }, ['r/d', 'r/b']],
    ['from the node that is asked', { serializable: true }, ['r/a', 'r/b', 'r/c', 'r/d']],
    ['a negative limit as none', { limit: -1 }, ['r/a', 'r/b', 'r/c', 'r/d']],
  ])('reads %s', async (_what, request, keys) => {
    const reply = await range({ ...all('r/'), ...request })
    // `from a key on` also reads what other tests wrote behind it.
    expect(keysOf(reply).slice(0, Math.max(keys.length, 1))).toEqual(keys)
  })

  test('counts all keys of the range, whatever is left out, and says whether something was', async () => {
    expect((await range({ ...all('r/'), limit: 3 })).response).toMatchObject({ count: 4, more: true })
    expect((await range({ ...all('r/'), limit: 4 })).response).toMatchObject({ count: 4, more: false })
    const counted = (await range({ ...all('r/'), count_only: true })).response
    expect(counted).toMatchObject({ count: 4, kvs: [] })
    const bare = (await range({ ...all('r/'), keys_only: true })).response
    expect(bare?.kvs.every(({ value, version }) => value.length === 0 && version > 0)).toBe(true)
  })

  test('filters by the revisions of creation and change, both ends included', async () => {
    const kvs = (await range({ ...all('r/'), sort_target: 2 })).response?.kvs ?? []
    const [c, a, b] = kvs.map(({ create_revision }) => create_revision) as [number, number, number]
    expect(keysOf(await range({ ...all('r/'), max_create_revision: a }))).toEqual(['r/a', 'r/c'])
    expect(keysOf(await range({ ...all('r/'), min_create_revision: b }))).toEqual(['r/b', 'r/d'])
    expect(keysOf(await range({ ...all('r/'), max_mod_revision: c }))).toEqual(['r/c'])
    expect(keysOf(await range({ ...all('r/'), min_mod_revision: b + 2 }))).toEqual(['r/b'])
    expect(keysOf(await range({ ...all('r/'), max_create_revision: 1 }))).toEqual([])
  })

  test('reads the past, and no revision that is still to come', async () => {
    const before = await current()
    await remove({ key: bytes('r/a') })
    expect(keysOf(await range({ ...all('r/'), revision: before }))).toEqual(['r/a', 'r/b', 'r/c', 'r/d'])
    expect(keysOf(await range(all('r/')))).toEqual(['r/b', 'r/c', 'r/d'])
    await put('r/a', '3')
    expect(await range({ key: bytes('r/a'), revision: before + 3 })).toMatchObject({
      code: 11,
      text: 'etcdserver: mvcc: required revision is a future revision',
    })
  })

  test('reads more than one page of the store holds as one answer, in any order', async () => {
    const value = Buffer.alloc(900 * 1024, 'v')
    for (let i = 0; i < 6; i++) await put(`big/${i}`, '', { value })
    expect(keysOf(await range(all('big/')))).toEqual([0, 1, 2, 3, 4, 5].map((i) => `big/${i}`))
    expect(keysOf(await range({ ...all('big/'), sort_order: 2 }))).toEqual([5, 4, 3, 2, 1, 0].map((i) => `big/${i}`))
    const byCreation = await range({ ...all('big/'), sort_order: 2, sort_target: 2, limit: 5 })
    expect(keysOf(byCreation)).toEqual([5, 4, 3, 2, 1].map((i) => `big/${i}`))
    expect(byCreation.response).toMatchObject({ more: true, count: 6 })
    const byValue = await range({ ...all('big/'), sort_target: 4 })
    expect(keysOf(byValue)).toHaveLength(6)
    await remove(all('big/'))
  })

  test('refuses a range without a key, and an order that there is not', async () => {
    expect(await range({})).toMatchObject({ code: 3, text: 'etcdserver: key is not provided' })
    expect(await range({ key: bytes('a'), sort_target: 9 })).toMatchObject({
      code: 3,
      text: 'etcdserver: invalid sort option',
    })
  })

  test('shows nothing of what the store keeps for itself', async () => {
    const lock = world.node.sync.lock('inner')
    await lock
    const reply = await range({ key: bytes('\0'), range_end: bytes('\0') })
    expect(keysOf(reply).filter((key) => key.startsWith('\0'))).toEqual([])
    expect(keysOf(await range({ key: bytes('\0'), range_end: bytes('\x01') }))).toEqual([])
  })
})

describe('DeleteRange', () => {
  test('deletes in one revision and gives back what was there', async () => {
    for (const key of ['d/1', 'd/2', 'd/3']) await put(key, key)
    const before = await current()
    const reply = await remove({ key: bytes('d/1'), range_end: bytes('d/3'), prev_kv: true })
    expect(reply.response?.deleted).toBe(2)
    expect(reply.response?.prev_kvs.map(({ key }) => Buffer.from(key).toString())).toEqual(['d/1', 'd/2'])
    expect(revisionOf(reply)).toBe(before + 1)
  })

  test('of nothing takes no revision', async () => {
    const before = await current()
    const reply = await remove({ key: bytes('d/none') })
    expect(reply.response?.deleted).toBe(0)
    expect(revisionOf(reply)).toBe(before)
    expect(await remove({})).toMatchObject({ code: 3, text: 'etcdserver: key is not provided' })
  })

  test('of more keys than the store deletes at once goes in steps, and takes no others along', async () => {
    const own = await openWorld()
    const { caller } = own
    const op = (i: number): Encodable<'RequestOp'> => ({ request_put: { key: bytes(`many/${i}`), value: bytes('x') } })
    const count = 20_010
    for (let from = 0; from < count; from += 128) {
      const success = Array.from({ length: Math.min(128, count - from) }, (_none, i) => op(from + i))
      await caller.ok(`${kv}/Txn`, 'TxnRequest', { success })
    }
    for (const key of ['many', 'many0'])
      await caller.ok(`${kv}/Put`, 'PutRequest', { key: bytes(key), value: bytes('x') })
    const before = own.node.status().revision
    const range = { key: bytes('many/'), range_end: prefixEndOf('many/') }
    const refused = await caller.call(`${kv}/DeleteRange`, 'DeleteRangeRequest', { ...range, prev_kv: true })
    expect(refused).toMatchObject({ code: 3 })
    const reply = await caller.ok(`${kv}/DeleteRange`, 'DeleteRangeRequest', range)
    expect(reply).toMatchObject({ deleted: count, header: { revision: before + 3 + 1 } })
    expect(own.node.status().keys).toBe(2)
    await own.close()
  })

  test('of everything leaves what the store keeps for itself', async () => {
    const own = await openWorld()
    const { caller, node } = own
    const lock = await node.sync.lock('inner')
    await caller.ok(`${kv}/Put`, 'PutRequest', { key: bytes('x'), value: bytes('y') })
    const reply = await caller.ok(`${kv}/DeleteRange`, 'DeleteRangeRequest', {
      key: bytes('\0'),
      range_end: bytes('\0'),
    })
    expect(reply.deleted).toBe(1)
    expect(lock.state).toBe('held')
    await lock.unlock()
    await own.close()
  })
})

describe('Compact', () => {
  test('forgets what was before, once', async () => {
    await put('old', '1')
    const revision = await current()
    await put('old', '2')
    expect(await compact(revision + 1)).toMatchObject({ code: 0 })
    const gone = { code: 11, text: 'etcdserver: mvcc: required revision has been compacted' }
    expect(await range({ key: bytes('old'), revision })).toMatchObject(gone)
    expect(await range({ key: bytes('old'), revision: 1 })).toMatchObject(gone)
    expect(keysOf(await range({ key: bytes('old'), revision: revision + 1 }))).toEqual(['old'])
    expect(await compact(revision + 1)).toMatchObject(gone)
    expect(await compact(-5)).toMatchObject(gone)
    expect(await compact(revision + 100)).toMatchObject({
      code: 11,
      text: 'etcdserver: mvcc: required revision is a future revision',
    })
  })
})

test('Txn is refused with the text of etcd for what it is refused for', async () => {
  const op = (key: string): Encodable<'RequestOp'> => ({ request_put: { key: bytes(key), value: bytes('v') } })
  expect(await txn({ success: [op('same'), op('same')] })).toMatchObject({
    code: 3,
    text: 'etcdserver: duplicate key given in txn request',
  })
  expect(await txn({ success: Array.from({ length: 129 }, (_none, i) => op(`many/${i}`)) })).toMatchObject({
    code: 3,
    text: 'etcdserver: too many operations in txn request',
  })
  expect(await txn({ success: [{}] })).toMatchObject({ code: 3, text: 'etcdserver: key not found' })
  expect(await txn({ compare: [{}] })).toMatchObject({ code: 3, text: 'etcdserver: key is not provided' })
})
