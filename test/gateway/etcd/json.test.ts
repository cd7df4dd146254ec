/** The JSON form of the API. */
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld } from './world.ts'
import type { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Posts a body and hands on each line of the answer, until it is told to stop. */
function lines(path: string, body: string, take: (line: unknown) => boolean): Promise<void> {
  const [host, port] = world.address.split(':')
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host, port, path, method: 'POST' }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
          const line = JSON.parse(text.slice(0, end)) as unknown
          text = text.slice(end + 1)
          if (take(line)) continue
          request.destroy()
          resolve()
        }
      })
      response.on('end', resolve)
    })
    request.on('error', reject)
    request.end(body)
  })
}

test('keys and values are base64, numbers of 64 bits texts, and what has its default is left out', async () => {
  const { status, json } = await world.post('/v3/kv/put', { key: base64('a'), value: base64('1') })
  expect(status).toBe(200)
  const { clusterId } = world.node.status()
  const header = {
    ...{ cluster_id: String(Number.parseInt(clusterId.slice(0, 13), 16)), member_id: '1' },
    ...{ revision: '2', raft_term: String(world.node.status().term) },
  }
  expect(json).toEqual({ header })
  expect((await world.post('/v3/kv/range', { key: base64('a') })).json).toEqual({
    header,
    kvs: [{ key: base64('a'), create_revision: '2', mod_revision: '2', version: '1', value: base64('1') }],
    count: '1',
  })
})

test('names are taken in both spellings, numbers as texts and as numbers, enumerations by name and by number', async () => {
  for (const request of [
    {
      key: base64('a'),
      range_end: base64('b'),
      limit: '1',
      sort_order: 'DESCEND',
      sort_target: 'MOD',
      of_tomorrow: { a: [1] },
    },
    { key: base64('a'), rangeEnd: base64('b'), limit: 1, sortOrder: 2, sortTarget: 3, keysOnly: null },
  ]) {
    expect((await world.post('/v3/kv/range', request)).json).toMatchObject({ count: '1', kvs: [{ key: base64('a') }] })
  }
})

test('numbers of 64 bits keep their size: the greatest is no small or negative one', async () => {
  const most = '9223372036854775807'
  const future = await world.post('/v3/kv/range', { key: base64('a'), revision: most })
  expect(future.json).toMatchObject({ code: 11 })
  const lease = await world.post('/v3/lease/grant', { TTL: most })
  expect(lease.status).toBe(400)
  expect(lease.json).toMatchObject({ error: expect.stringContaining('too large lease TTL') })
  await world.post('/v3/kv/put', { key: base64('a'), value: base64('1') })
  const compare = [{ key: base64('a'), target: 'MOD', result: 'LESS', modRevision: most }]
  expect((await world.post('/v3/kv/txn', { compare })).json).toMatchObject({ succeeded: true })
  const late = await world.post('/v3/kv/range', { key: base64('a'), min_mod_revision: most })
  expect(late.json).not.toHaveProperty('kvs')
  for (const revision of ['9223372036854775808', '-9223372036854775809', '99999999999999999999', 1e30]) {
    const { status, json } = await world.post('/v3/kv/range', { key: base64('a'), revision })
    expect([status, json]).toEqual([400, expect.objectContaining({ error: 'revision is out of range' })])
  }
})

test('a transaction has its branches as objects', async () => {
  const { json } = await world.post('/v3/kv/txn', {
    compare: [{ key: base64('a'), target: 'VALUE', value: base64('1') }],
    success: [{ requestPut: { key: base64('a'), value: base64('2') } }, { requestRange: { key: base64('a') } }],
  })
  expect(json).toMatchObject({
    succeeded: true,
    responses: [{ response_put: {} }, { response_range: { kvs: [{ value: base64('2') }] } }],
  })
})

describe('a request is refused', () => {
  test.each<[string, string, unknown, number, unknown]>([
    [
      'by the store',
      '/v3/kv/range',
      {},
      400,
      { error: 'etcdserver: key is not provided', message: 'etcdserver: key is not provided', code: 3 },
    ],
    [
      'with what is not found',
      '/v3/lease/revoke',
      { ID: '99' },
      404,
      { error: 'etcdserver: requested lease not found', message: 'etcdserver: requested lease not found', code: 5 },
    ],
    ['with a field of another type', '/v3/kv/range', { key: 7 }, 400, { error: 'key must be text in base64' }],
    [
      'with a number that is none',
      '/v3/kv/range',
      { key: 'YQ==', limit: 'many' },
      400,
      { error: 'limit must be a whole number' },
    ],
    [
      'with a name that is none',
      '/v3/kv/range',
      { key: 'YQ==', sort_order: 'UP' },
      400,
      { error: 'sort_order must be one of NONE, ASCEND, DESCEND' },
    ],
    ['with one for many', '/v3/kv/txn', { success: {} }, 400, { error: 'success must be an array' }],
    [
      'with two of what exclude each other',
      '/v3/kv/txn',
      { success: [{ request_put: {}, request_range: {} }] },
      400,
      { code: 3 },
    ],
    ['that is no JSON', '/v3/kv/range', '{"key":', 400, { error: 'the body is no JSON object, or ends within one' }],
    ['that is no object', '/v3/kv/range', '[1]', 400, { code: 3 }],
    ['that is two', '/v3/kv/range', '{}{}', 400, { error: 'one object is expected' }],
    ['for nothing there is', '/v3/nothing', {}, 404, { error: 'Not Found', message: 'Not Found', code: 5 }],
  ])('%s', async (_what, path, body, status, json) => {
    const answer = await world.post(path, body)
    expect(answer.status).toBe(status)
    expect(answer.json).toMatchObject(json as object)
  })

  test('that is too long, by the wrong method, or from a web page', async () => {
    const long = await world.post('/v3/kv/put', { key: base64('x'), value: base64('v'.repeat(4 << 20)) })
    expect(long).toMatchObject({ status: 429, json: { code: 8 } })
    const get = await fetch(`http://${world.address}/v3/kv/range`)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
    const page = await fetch(`http://${world.address}/v3/kv/range`, {
      method: 'POST',
      headers: { origin: 'http://evil.example' },
    })
    expect(page.status).toBe(403)
  })
})

test('an empty body is an empty request', async () => {
  expect((await world.post('/v3/maintenance/status', '')).json).toMatchObject({ leader: '1' })
})

test('a watch answers with a line for each response', async () => {
  const seen: unknown[] = []
  await world.post('/v3/kv/put', { key: base64('w'), value: base64('1') })
  const from = String(world.node.status().revision + 1)
  const watch = lines(
    '/v3/watch',
    JSON.stringify({ create_request: { key: base64('w'), start_revision: from } }),
    (line) => {
      seen.push(line)
      return seen.length < 2
    },
  )
  await watch
  expect(seen).toMatchObject([{ result: { created: true } }, { result: { events: [{ kv: { key: base64('w') } }] } }])
})

test('a keep-alive answers each request of its body, then ends', async () => {
  const { json } = await world.post('/v3/lease/grant', { TTL: 30 })
  const { ID } = json as { readonly ID: string }
  const seen: unknown[] = []
  await lines('/v3/lease/keepalive', `{"ID":"${ID}"}\n{"ID":"99"} {"ID":${ID}}`, (line) => seen.push(line) > 0)
  expect(seen).toMatchObject([{ result: { ID, TTL: '30' } }, { result: { ID: '99' } }, { result: { ID, TTL: '30' } }])
})

test('an error within a stream is its last line', async () => {
  const [host, port] = world.address.split(':')
  const text = await new Promise<string>((resolve, reject) => {
    const request = httpRequest({ host, port, path: '/v3/lease/keepalive', method: 'POST' }, (response) => {
      let said = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk
        if (!request.writableEnded) request.end('{"ID":true}')
      })
      response.on('end', () => resolve(said))
    })
    request.on('error', reject)
    request.write('{"ID":"99"}')
  })
  const [first = '', last = ''] = text.trimEnd().split('\n')
  expect(JSON.parse(first)).toMatchObject({ result: { ID: '99' } })
  expect(JSON.parse(last)).toEqual({
    error: { grpc_code: 3, http_code: 400, message: 'ID must be a whole number', http_status: 'Bad Request' },
  })
})

test('what is nested deeper than any transaction may be is a bad request, not a failure of the server', async () => {
  const nested = (depth: number): string => `${'{"success":[{"request_txn":'.repeat(depth)}{}${'}]}'.repeat(depth)}`
  for (const depth of [20, 70, 5_000]) expect((await world.post('/v3/kv/txn', nested(depth))).status).toBe(400)
})
