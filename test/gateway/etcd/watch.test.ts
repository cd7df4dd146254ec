/** The Watch service, as clients of etcd know it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Decoded, Encodable } from '../../../src/gateway/etcd/schema/index.ts'
import type { OpenCall } from './caller.ts'
import { bytes, openWorld, prefixEndOf, watchProgressMs } from './world.ts'
import type { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

type Call = OpenCall<'WatchRequest'>
const open = (metadata?: Record<string, string>): Call =>
  world.caller.open('etcdserverpb.Watch/Watch', 'WatchRequest', metadata)
const create = (call: Call, request: Encodable<'WatchCreateRequest'>): void => call.send({ create_request: request })
/** Opens a watch and gives its first response. */
async function watching(request: Encodable<'WatchCreateRequest'>): Promise<[Call, Decoded<'WatchResponse'>]> {
  const call = open()
  create(call, request)
  return [call, await call.next()]
}
const put = async (key: string, value: string | Buffer): Promise<number> => {
  const request = { key: bytes(key), value: Buffer.from(value) }
  return (await world.caller.ok('etcdserverpb.KV/Put', 'PutRequest', request)).header?.revision ?? 0
}
const remove = (key: string) =>
  world.caller.ok('etcdserverpb.KV/DeleteRange', 'DeleteRangeRequest', { key: bytes(key), range_end: prefixEndOf(key) })
const told = ({ events }: Decoded<'WatchResponse'>): string[] =>
  events.map(
    ({ type, kv }) =>
      `${type === 1 ? '-' : ''}${Buffer.from(kv?.key ?? []).toString()}=${Buffer.from(kv?.value ?? []).toString()}`,
  )

describe('a watcher', () => {
  test('is told that it was created, with the revision after which it sees everything', async () => {
    const before = await put('c', '0')
    const [call, created] = await watching({ key: bytes('c') })
    expect(created).toMatchObject({ watch_id: 0, created: true, canceled: false, events: [] })
    expect(created.header?.revision).toBe(before)
    const revision = await put('c', '1')
    const response = await call.next()
    expect(told(response)).toEqual(['c=1'])
    expect(response.header?.revision).toBe(revision)
    expect(response.events[0]?.kv).toMatchObject({ mod_revision: revision, version: 2 })
    call.cancel()
  })

  test('sees a range, with what each event took the place of', async () => {
    const [call] = await watching({ key: bytes('w/'), range_end: prefixEndOf('w/'), prev_kv: true })
    await put('w/1', 'a')
    await put('x', 'elsewhere')
    await put('w/1', 'b')
    const deleted = (await remove('w/1')).header?.revision
    const events: Decoded<'Event'>[] = []
    while (events.length < 3) events.push(...(await call.next()).events)
    expect(events.map(({ type }) => type)).toEqual([0, 0, 1])
    expect(events.map(({ prev_kv }) => (prev_kv === null ? null : Buffer.from(prev_kv.value).toString()))).toEqual([
      null,
      'a',
      'b',
    ])
    expect(events[2]?.kv).toMatchObject({ key: bytes('w/1'), mod_revision: deleted, create_revision: 0, version: 0 })
    call.cancel()
  })

  test('replays history from a revision on, and its headers never go back', async () => {
    const first = await put('h', '1')
    await put('h', '2')
    await put('h', '3')
    const [call, created] = await watching({ key: bytes('h'), start_revision: first })
    const seen: string[] = []
    let last = created.header?.revision ?? 0
    expect(last).toBe(first - 1)
    while (seen.length < 3) {
      const response = await call.next()
      expect(response.header?.revision).toBeGreaterThan(last)
      last = response.header?.revision ?? 0
      seen.push(...told(response))
    }
    expect(seen).toEqual(['h=1', 'h=2', 'h=3'])
    call.cancel()
  })

  test('of a revision to come waits for it', async () => {
    const now = await put('f', '0')
    const [call, created] = await watching({ key: bytes('f'), start_revision: now + 3 })
    expect(created.header?.revision).toBe(now)
    for (const value of ['1', '2', '3']) await put('f', value)
    expect(told(await call.next())).toEqual(['f=3'])
    call.cancel()
  })

  test.each<[string, number[], string[]]>([
    ['puts', [0], ['-g=']],
    ['deletes', [1], ['g=1', 'g=2']],
  ])('that wants no %s gets none', async (_what, filters, expected) => {
    const [call] = await watching({ key: bytes('g'), filters })
    await put('g', '1')
    await remove('g')
    await put('g', '2')
    call.send({ progress_request: {} })
    const seen: string[] = []
    for (;;) {
      const response = await call.next()
      if (response.watch_id === -1) break
      seen.push(...told(response))
    }
    expect(seen).toEqual(expected)
    await remove('g')
    call.cancel()
  })

  test('gets all events of a revision in one response', async () => {
    const [call] = await watching({ key: bytes('t/'), range_end: prefixEndOf('t/') })
    const op = (key: string) => ({ request_put: { key: bytes(key), value: bytes('x') } })
    await world.caller.ok('etcdserverpb.KV/Txn', 'TxnRequest', { success: [op('t/2'), op('t/1'), op('t/3')] })
    expect(told(await call.next())).toEqual(['t/2=x', 't/1=x', 't/3=x'])
    call.cancel()
  })

  test('that asks for fragments gets a great revision in pieces, the last one marked as such', async () => {
    const [call] = await watching({ key: bytes('big/'), range_end: prefixEndOf('big/'), fragment: true })
    const value = Buffer.alloc(900 * 1024, 'v')
    for (const key of ['big/1', 'big/2', 'big/3']) await put(key, value)
    await remove('big/')
    const [again] = await watching({
      key: bytes('big/'),
      range_end: prefixEndOf('big/'),
      fragment: true,
      prev_kv: true,
    })
    for (const key of ['big/1', 'big/2', 'big/3']) await put(key, value)
    let deleted = await remove('big/')
    expect(deleted.deleted).toBe(3)
    const pieces: Decoded<'WatchResponse'>[] = []
    while (pieces.flatMap(({ events }) => events).filter(({ type }) => type === 1).length < 3)
      pieces.push(await again.next())
    const deletes = pieces.filter(({ events }) => events.some(({ type }) => type === 1))
    expect(deletes.map(({ fragment, events }) => [fragment, events.length])).toEqual([
      [true, 1],
      [true, 1],
      [false, 1],
    ])
    expect(new Set(deletes.map(({ header }) => header?.revision)).size).toBe(1)
    call.cancel()
    again.cancel()
    deleted = await remove('big/')
    expect(deleted.deleted).toBe(0)
  })

  test('of a compacted revision is created and canceled with the revision that can be read', async () => {
    const first = await put('old', '1')
    await put('old', '2')
    const compacted = await put('old', '3')
    await world.caller.ok('etcdserverpb.KV/Compact', 'CompactionRequest', { revision: compacted })
    const [call, created] = await watching({ key: bytes('old'), start_revision: first })
    expect(created.created).toBe(true)
    expect(await call.next()).toMatchObject({ canceled: true, compact_revision: compacted, watch_id: 0 })
    // The stream goes on.
    create(call, { key: bytes('old'), start_revision: compacted })
    expect(await call.next()).toMatchObject({ created: true, canceled: false })
    expect(told(await call.next())).toEqual(['old=3'])
    call.cancel()
  })

  test('that asked for it is told how far it is when nothing happens', async () => {
    const [call, created] = await watching({ key: bytes('quiet'), progress_notify: true })
    const revision = await put('loud', '1')
    await world.time.pass(watchProgressMs + 10)
    const response = await call.next()
    expect(response).toMatchObject({ watch_id: created.watch_id, events: [], created: false, canceled: false })
    expect(response.header?.revision).toBe(revision)
    call.cancel()
  })
})

describe('a stream', () => {
  test('holds many watchers, each with an id of its own', async () => {
    const call = open()
    const ids: number[] = []
    for (const [key, watch_id] of [
      ['s/a', 0],
      ['s/b', 7],
      ['s/c', 0],
      ['s/d', 0],
    ] as const) {
      create(call, { key: bytes(key), watch_id })
      ids.push((await call.next()).watch_id)
    }
    expect(ids).toEqual([0, 7, 1, 2])
    await put('s/b', 'x')
    expect((await call.next()).watch_id).toBe(7)
    call.send({ cancel_request: { watch_id: 7 } })
    expect(await call.next()).toMatchObject({ watch_id: 7, canceled: true })
    await put('s/b', 'y')
    await put('s/c', 'z')
    expect(await call.next()).toMatchObject({ watch_id: 1 })
    call.cancel()
  })

  test('hears that a watcher was created before it hears that it was canceled, however soon that is', async () => {
    const call = open()
    create(call, { key: bytes('c') })
    call.send({ cancel_request: { watch_id: 0 } })
    create(call, { key: bytes('d') })
    expect(await call.next()).toMatchObject({ watch_id: 0, created: true, canceled: false })
    expect(await call.next()).toMatchObject({ watch_id: 0, created: false, canceled: true })
    expect(await call.next()).toMatchObject({ watch_id: 1, created: true, canceled: false })
    call.cancel()
  })

  test('refuses an id twice and a range that is empty, and goes on', async () => {
    const [call] = await watching({ key: bytes('r'), watch_id: 5 })
    create(call, { key: bytes('r'), watch_id: 5 })
    expect(await call.next()).toMatchObject({
      ...{ created: true, canceled: true, watch_id: -1 },
      cancel_reason: 'mvcc: duplicate watch ID provided on the WatchStream',
    })
    create(call, { key: bytes('z'), range_end: bytes('a') })
    expect(await call.next()).toMatchObject({
      ...{ created: true, canceled: true, watch_id: -1 },
      cancel_reason: 'mvcc: watcher range is empty',
    })
    await put('r', '1')
    expect(told(await call.next())).toEqual(['r=1'])
    call.send({ cancel_request: { watch_id: 99 } })
    await put('r', '2')
    expect(told(await call.next())).toEqual(['r=2'])
    call.cancel()
  })

  test('tells how far all its watchers are when it is asked', async () => {
    const call = open()
    for (const key of ['p/1', 'p/2']) create(call, { key: bytes(key) })
    await call.next()
    await call.next()
    await put('p/1', 'x')
    const revision = await put('p/2', 'x')
    call.send({ progress_request: {} })
    const responses = [await call.next(), await call.next(), await call.next()]
    expect(responses.map(({ watch_id }) => watch_id)).toEqual([0, 1, -1])
    expect(responses[2]?.header?.revision).toBe(revision)
    call.cancel()
  })

  test('without a key watches from the first one on', async () => {
    const [call] = await watching({ range_end: bytes('\0') })
    await put('anything', 'x')
    expect(told(await call.next())).toEqual(['anything=x'])
    call.cancel()
  })

  test('that ends without watchers ends well, and with them goes on', async () => {
    const empty = open()
    empty.end()
    expect(await empty.outcome).toEqual({ code: 0, text: '' })
    const [call] = await watching({ key: bytes('half') })
    call.end()
    await put('half', 'x')
    expect(told(await call.next())).toEqual(['half=x'])
    call.cancel()
  })

  test('that insists on a leader ends when there is none for a while', async () => {
    const call = open({ hasleader: 'true' })
    const patient = open()
    for (const one of [call, patient]) {
      create(one, { key: bytes('led') })
      await one.next()
    }
    world.leaderless = true
    await world.time.pass(1_000)
    expect(call.stream.closed).toBe(false)
    await world.time.pass(1_000)
    expect(await call.outcome).toEqual({ code: 14, text: 'etcdserver: no leader' })
    const refused = open({ hasleader: 'true' })
    expect(await refused.outcome).toEqual({ code: 14, text: 'etcdserver: no leader' })
    world.leaderless = false
    await put('led', 'on')
    expect(told(await patient.next())).toEqual(['led=on'])
    patient.cancel()
  })

  test('whose reader is slow gets everything in the end, and little is kept for it', async () => {
    const [call] = await watching({ key: bytes('slow') })
    call.stream.pause()
    const value = Buffer.alloc(64 << 10, 's')
    const count = 200
    for (let i = 0; i < count; i++) await put('slow', value)
    expect(world.node.status().revision).toBeGreaterThan(count)
    call.stream.resume()
    let seen = 0
    while (seen < count) seen += (await call.next()).events.length
    expect(seen).toBe(count)
    call.cancel()
  })
})
