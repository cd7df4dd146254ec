/** gRPC itself: what is no call, what is malformed, deadlines, cancellations, and a node that is not there. */
import { once } from 'node:events'
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { frameOf } from '../../../src/gateway/etcd/framing.ts'
import { codecOf } from '../../../src/gateway/etcd/messages.ts'
import { Caller } from './caller.ts'
import { bytes, openWorld } from './world.ts'
import type { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const rangePath = '/etcdserverpb.KV/Range'
const request = codecOf('RangeRequest').encode({ key: bytes('k') })

/** Everything that a call was answered with, headers and trailers as one. */
async function answer(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  let all: IncomingHttpHeaders = {}
  stream.on('response', (headers) => (all = { ...all, ...headers }))
  stream.on('trailers', (headers) => (all = { ...all, ...headers }))
  stream.on('error', () => {})
  stream.resume()
  await once(stream, 'close')
  return all
}

function send(body: Uint8Array, headers: Record<string, string> = {}, path = rangePath): Promise<IncomingHttpHeaders> {
  const stream = world.caller.raw(path, headers)
  stream.end(body)
  return answer(stream)
}

describe('a call is refused', () => {
  test.each<[string, string, number, string]>([
    ['of a service that is not there', '/etcdserverpb.Nothing/Range', 12, 'unknown service etcdserverpb.Nothing'],
    [
      'of a method that is not there',
      '/etcdserverpb.KV/Nothing',
      12,
      'unknown method Nothing for service etcdserverpb.KV',
    ],
    ['of no method at all', '/', 12, 'unknown service%20'],
    ['of what objects inherit', '/constructor', 12, 'unknown service constructor'],
  ])('%s', async (_what, path, code, text) => {
    expect(await send(frameOf(request), {}, path)).toMatchObject({
      ...{ ':status': 200, 'content-type': 'application/grpc' },
      ...{ 'grpc-status': String(code), 'grpc-message': text },
    })
  })

  test.each<[string, Uint8Array, number, RegExp]>([
    ['without a message', Buffer.alloc(0), 13, /a call with one request came with 0/],
    ['with two messages', Buffer.concat([frameOf(request), frameOf(request)]), 13, /came with 2/],
    ['that ends within a message', frameOf(request).subarray(0, 6), 13, /ended within a message/],
    ['whose message is no message', frameOf(Uint8Array.of(0x0a, 0x7f, 0x01)), 13, /error unmarshalling request/],
    ['that is compressed', Uint8Array.of(1, 0, 0, 0, 0), 12, /Decompressor is not installed/],
    ['of an unknown form', Uint8Array.of(9, 0, 0, 0, 0), 13, /unexpected payload format 9/],
    ['that is too long', Uint8Array.of(0, 0x7f, 0xff, 0xff, 0xff), 8, /larger than max \(2147483647 vs\. 2097152\)/],
  ])('%s', async (_what, body, code, text) => {
    const headers = await send(body)
    expect(headers['grpc-status']).toBe(String(code))
    expect(decodeURIComponent(String(headers['grpc-message']))).toMatch(text)
  })

  test('with an encoding that is not spoken, or a deadline that is none', async () => {
    expect(await send(frameOf(request), { 'grpc-encoding': 'gzip' })).toMatchObject({ 'grpc-status': '12' })
    expect(await send(frameOf(request), { 'grpc-encoding': 'identity' })).toMatchObject({ 'grpc-status': '0' })
    const malformed = { 'grpc-status': '13', 'grpc-message': 'malformed grpc-timeout: soon' }
    expect(await send(frameOf(request), { 'grpc-timeout': 'soon' })).toMatchObject(malformed)
  })

  test('while there is no node behind the port', async () => {
    world.absent = true
    const headers = await send(frameOf(request))
    world.absent = false
    expect(headers).toMatchObject({ 'grpc-status': '14', 'grpc-message': 'etcdserver: no leader' })
  })

  test('that insists on a leader while there is none', async () => {
    world.leaderless = true
    const headers = await send(frameOf(request), { hasleader: 'true' })
    world.leaderless = false
    expect(headers).toMatchObject({ 'grpc-status': '14', 'grpc-message': 'etcdserver: no leader' })
  })
})

test('what is no gRPC is told so by HTTP', async () => {
  expect(await send(frameOf(request), { 'content-type': 'text/plain' })).toMatchObject({ ':status': 415 })
  const stream = world.caller.session.request({ ':method': 'GET', ':path': rangePath })
  expect(await answer(stream)).toMatchObject({ ':status': 405, allow: 'POST' })
})

test('a message in many frames of HTTP/2 is one message', async () => {
  const stream = world.caller.raw(rangePath)
  const answered = answer(stream)
  for (const byte of frameOf(request)) stream.write(Uint8Array.of(byte))
  stream.end()
  expect(await answered).toMatchObject({ 'grpc-status': '0' })
})

describe('a deadline', () => {
  test('ends a call that waits, in the words of etcd', async () => {
    const holder = await world.caller.ok('etcdserverpb.Lease/LeaseGrant', 'LeaseGrantRequest', { TTL: 60 })
    await world.caller.ok('v3lockpb.Lock/Lock', 'LockRequest', { name: bytes('busy'), lease: holder.ID })
    const waiter = await world.caller.ok('etcdserverpb.Lease/LeaseGrant', 'LeaseGrantRequest', { TTL: 60 })
    const call = world.caller.call(
      ...(['v3lockpb.Lock/Lock', 'LockRequest'] as const),
      { name: bytes('busy'), lease: waiter.ID },
      { 'grpc-timeout': '500m' },
    )
    const queued = async (): Promise<number> =>
      (
        await world.caller.ok('etcdserverpb.KV/Range', 'RangeRequest', {
          key: bytes('busy/'),
          range_end: bytes('busy0'),
        })
      ).count
    while ((await queued()) < 2) await world.time.pass(1)
    await world.time.pass(600)
    expect(await call).toMatchObject({ code: 4, text: 'context deadline exceeded' })
    // Who gave up stands in nobody's way.
    while ((await queued()) > 1) await world.time.pass(1)
    expect(await queued()).toBe(1)
  })

  test.each(['1H', '1M', '10S', '9999m', '99999999u', '99999999n'])('of %s is one', async (timeout) => {
    expect(await send(frameOf(request), { 'grpc-timeout': timeout })).toMatchObject({ 'grpc-status': '0' })
  })
})

test('connections that break off, or speak nonsense after the preface, concern nobody else', async () => {
  const [host = '', port] = world.address.split(':')
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
  for (const nonsense of ['', 'x'.repeat(100), '\0\0\x04\x08\0\0\0\0\0\0\0\0\0', '\xff'.repeat(1000)]) {
    const socket = connect(Number(port), host)
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.end(Buffer.from(`${preface}${nonsense}`, 'latin1'))
    socket.resume()
    await once(socket, 'close')
  }
  const broken = new Caller(world.address)
  const calls = Array.from({ length: 50 }, (_none, i) =>
    broken.call('etcdserverpb.KV/Put', 'PutRequest', { key: bytes(`broken/${i}`), value: bytes('x') }),
  )
  await once(broken.session, 'connect')
  broken.close()
  await Promise.all(calls)
  expect(await send(frameOf(request))).toMatchObject({ 'grpc-status': '0' })
})

test('a caller that cancels a watch ends it on the node', async () => {
  const metrics = (): number => world.node.status().revision
  const call = world.caller.open('etcdserverpb.Watch/Watch', 'WatchRequest')
  call.send({ create_request: { key: bytes('cancelled') } })
  await call.next()
  call.cancel()
  expect((await call.outcome).code).toBe(-1)
  await world.caller.ok('etcdserverpb.KV/Put', 'PutRequest', { key: bytes('cancelled'), value: bytes('x') })
  expect(call.pending).toBe(0)
  expect(metrics()).toBeGreaterThan(0)
})

test('calls of one connection do not wait for each other, and a broken connection breaks no other', async () => {
  const other = new Caller(world.address)
  const call = other.open('etcdserverpb.Watch/Watch', 'WatchRequest')
  call.send({ create_request: { key: bytes('other') } })
  await call.next()
  const many = await Promise.all(
    Array.from({ length: 200 }, (_none, i) =>
      world.caller.ok('etcdserverpb.KV/Put', 'PutRequest', { key: bytes(`many/${i}`), value: bytes('x') }),
    ),
  )
  expect(new Set(many.map(({ header }) => header?.revision)).size).toBe(200)
  other.close()
  expect((await world.caller.ok('etcdserverpb.KV/Range', 'RangeRequest', { key: bytes('many/0') })).count).toBe(1)
})
