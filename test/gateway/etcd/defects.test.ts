/** A defect of ours ends the call that met it, and nothing else; the log tells what it was. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { silentLogger } from '../../../base/index.ts'
import type { LogFields, Logger } from '../../../base/index.ts'
import { wsTransport } from '../../../net/index.ts'
import { GrpcServer } from '../../../src/gateway/etcd/grpc-server.ts'
import { jsonGateway } from '../../../src/gateway/etcd/json-gateway.ts'
import { service, unary } from '../../../src/gateway/etcd/methods.ts'
import { Caller } from './caller.ts'
import { PacedTime } from './paced-time.ts'

const broken = service('etcdserverpb.KV', [
  unary('Range', ['RangeRequest', 'RangeResponse'], ['/v3/kv/range'], () => Promise.reject(new TypeError('oops'))),
  // What can't be encoded.
  unary('Put', ['PutRequest', 'PutResponse'], ['/v3/kv/put'], () =>
    Promise.resolve({
      prev_kv: {
        key: 7 as unknown as Uint8Array,
        get value(): Uint8Array {
          throw new TypeError('no value')
        },
      },
    }),
  ),
])

function listening(): { readonly logger: Logger; readonly lines: LogFields[] } {
  const lines: LogFields[] = []
  return { lines, logger: { ...silentLogger, error: (fields) => void lines.push(fields) } }
}

test('by gRPC it is the status Unknown', async () => {
  const { logger, lines } = listening()
  const time = new PacedTime()
  const server = new GrpcServer({
    methods: broken,
    clock: time,
    scheduler: time,
    logger,
    hasLeader: () => true,
    nodeRelease: process.versions.node,
  })
  const transport = wsTransport({ scheduler: time, http2: (socket) => server.connection(socket) })
  const listener = await transport.listen('127.0.0.1:0', () => {})
  const caller = new Caller(listener.address)
  expect(await caller.call('etcdserverpb.KV/Range', 'RangeRequest', {})).toMatchObject({ code: 2, text: 'oops' })
  expect(await caller.call('etcdserverpb.KV/Put', 'PutRequest', {})).toMatchObject({ code: 2, text: 'no value' })
  expect(lines).toMatchObject([
    { method: '/etcdserverpb.KV/Range', reason: 'oops' },
    { method: '/etcdserverpb.KV/Put', reason: 'no value' },
  ])
  caller.close()
  server.close()
  await time.until(listener.close())
})

test('by JSON it is the status 500', async () => {
  const { logger, lines } = listening()
  const server = createServer(jsonGateway(broken, logger)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}/v3/kv/range`, { method: 'POST', body: '{}' })
  expect([response.status, await response.json()]).toEqual([500, { error: 'oops', message: 'oops', code: 2 }])
  expect(lines).toMatchObject([{ method: '/etcdserverpb.KV/Range', reason: 'oops' }])
  server.close()
})
