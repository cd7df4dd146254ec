import { connect, createServer } from 'node:http2'
import type { ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PendingStreams, StreamTable, giveTables } from '../../../src/gateway/etcd/session-tables.ts'

/** Odd, as numbers of streams are; few enough to meet again, and some that fall on one place. */
const streamId = fc.oneof(
  fc.nat(20).map((n) => 2 * n + 1),
  fc.nat(6).map((n) => 2 * 64 * n + 1),
)
const step = fc.record({ do: fc.constantFrom('set' as const, 'set' as const, 'delete' as const), id: streamId })

test('a table of streams holds what a Map would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const table = new StreamTable<object>()
      const model = new Map<number, object>()
      for (const { do: what, id } of steps) {
        if (what === 'set') {
          const item = {}
          expect(table.set(id, item)).toBe(table)
          model.set(id, item)
        } else expect(table.delete(id)).toBe(model.delete(id))
        expect(table.size).toBe(model.size)
        for (const known of model.keys()) expect(table.get(known)).toBe(model.get(known))
        expect(table.get(99_999)).toBeUndefined()
      }
      const visited = new Map<number, object>()
      table.forEach((item, id) => visited.set(id, item))
      expect(visited).toEqual(model)
    }),
  )
})

test('streams may leave a table and a set while they are visited', () => {
  const table = new StreamTable<number>()
  const pending = new PendingStreams<number>()
  for (let id = 1; id < 40; id += 2) {
    table.set(id, id)
    pending.add(id).add(id)
  }
  expect(pending.size).toBe(20)
  const seen: number[] = []
  table.forEach((item, id) => {
    seen.push(item)
    table.delete(id)
  })
  pending.forEach((item) => pending.delete(item))
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => 2 * at + 1))
  expect([table.size, pending.size, pending.delete(1)]).toEqual([0, 0, false])
})

test('a session of Node 20 uses them, answers over them, and ends its streams when it ends', async () => {
  const given: boolean[] = []
  const server = createServer()
  let session: ServerHttp2Session | undefined
  const ended = new Promise<void>((resolve) => {
    server.on('session', (made) => given.push(giveTables((session = made), process.versions.node)))
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined)
      if (headers[':path'] === '/stays') stream.on('close', resolve)
      else stream.respond({ ':status': 204 }, { endStream: true })
    })
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  client.on('error', () => undefined)
  const answers = await Promise.all(Array.from({ length: 50 }, () => statusOf(client.request({ ':path': '/goes' }))))
  expect(answers).toEqual(Array.from({ length: 50 }, () => 204))
  const stays = client.request({ ':path': '/stays' })
  stays.on('error', () => undefined)
  await statusOf(client.request({ ':path': '/goes' }))
  expect(given).toEqual([process.versions.node.startsWith('20.')])
  // It has a stream now: too late for new tables.
  expect(giveTables(session as ServerHttp2Session, process.versions.node)).toBe(false)
  session?.destroy()
  await ended
  client.destroy()
  await new Promise((resolve) => server.close(resolve))
})

test('another release of Node keeps its own', () => {
  const state = { streams: new Map(), pendingStreams: new Set() }
  const session = { [Symbol('state')]: state } as unknown as ServerHttp2Session
  expect(giveTables(session, '99.0.0')).toBe(false)
  expect(state.streams).toBeInstanceOf(Map)
  expect(giveTables({} as ServerHttp2Session, '20.1.0')).toBe(false)
  expect(giveTables(session, '20.1.0')).toBe(true)
  expect(state.streams).toBeInstanceOf(StreamTable)
  expect(giveTables({ [Symbol('state')]: {} } as unknown as ServerHttp2Session, '20.1.0')).toBe(false)
})

function statusOf(request: ReturnType<ReturnType<typeof connect>['request']>): Promise<number | undefined> {
  request.resume()
  return new Promise((resolve, reject) => {
    request.on('response', (headers) => resolve(headers[':status']))
    request.on('error', reject)
  })
}
