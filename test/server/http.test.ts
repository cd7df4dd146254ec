import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { NodeStatus } from '../../src/api/index.ts'
import { loadDaemon } from '../../src/server/index.ts'
import { nodeStatus } from './fixtures.ts'

const { httpRoutes, prometheusMetrics } = await loadDaemon()
const metrics = prometheusMetrics()
let status: NodeStatus | undefined
let server: Server
let base: string

beforeAll(async () => {
  const etcd = (request: IncomingMessage, response: ServerResponse): void =>
    void response.end(`etcd ${request.method} ${request.url}`)
  server = createServer(httpRoutes({ status: () => status, version: '1.2.3', etcdVersion: '3.5.0', etcd, metrics }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.close()
  metrics.close()
})

async function ask(path: string, init?: RequestInit): Promise<{ status: number; body: string; headers: Headers }> {
  const response = await fetch(base + path, init)
  return { status: response.status, body: await response.text(), headers: response.headers }
}

test('a ready node is healthy, live and ready', async () => {
  status = nodeStatus()
  expect(await ask('/health')).toMatchObject({ status: 200, body: '{"health":"true"}\n' })
  expect(await ask('/livez')).toMatchObject({ status: 200, body: 'ok\n' })
  expect(await ask('/readyz')).toMatchObject({ status: 200, body: 'ok\n' })
  expect(await ask('/readyz?verbose')).toMatchObject({
    status: 200,
    body: '[+] member ok\n[+] leader ok\n[+] serving ok\nready\n',
  })
})

test('a node without a leader is live but not ready, and says why', async () => {
  status = nodeStatus({ role: 'candidate', leader: '', ready: false })
  expect(await ask('/livez')).toMatchObject({ status: 200 })
  expect(await ask('/readyz')).toMatchObject({ status: 503, body: 'no leader is known\n' })
  expect(await ask('/health')).toMatchObject({
    status: 503,
    body: '{"health":"false","reason":"no leader is known"}\n',
  })
  expect((await ask('/readyz?verbose')).body).toBe(
    '[+] member ok\n[-] leader failed: no leader is known\n[-] serving failed: not caught up yet\nnot ready\n',
  )
})

test('a node that is still being opened is live but not ready', async () => {
  status = undefined
  expect(await ask('/livez')).toMatchObject({ status: 200 })
  expect(await ask('/readyz')).toMatchObject({ status: 503, body: 'not running\n' })
})

test('a stopped node is not live', async () => {
  status = nodeStatus({ role: 'stopped' })
  expect(await ask('/livez')).toMatchObject({ status: 503 })
})

test('metrics are served as Prometheus text', async () => {
  status = nodeStatus()
  const { status: code, body, headers } = await ask('/metrics')
  expect(code).toBe(200)
  expect(headers.get('content-type')).toContain('text/plain')
  expect(body).toContain('# TYPE nitrostate_server_has_leader gauge')
})

test('version names the code, the node and the cluster', async () => {
  status = nodeStatus()
  expect(JSON.parse((await ask('/version')).body)).toEqual({
    version: '1.2.3',
    name: 'n1',
    clusterId: 'c'.repeat(64),
    etcdserver: '3.5.0',
    etcdcluster: '3.5.0',
  })
})

test('HEAD answers like GET without a body', async () => {
  status = nodeStatus()
  const { status: code, body, headers } = await ask('/health', { method: 'HEAD' })
  expect([code, body, headers.get('content-length')]).toEqual([200, '', '18'])
})

test('other paths and methods are refused as JSON', async () => {
  const missing = await ask('/nothing')
  expect(missing.status).toBe(404)
  expect(JSON.parse(missing.body)).toMatchObject({ error: { code: 'NotFound' } })
  expect((await ask('/constructor')).status).toBe(404)
  const wrong = await ask('/health', { method: 'POST', body: 'x'.repeat(100_000) })
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  expect(JSON.parse(wrong.body)).toMatchObject({ error: { code: 'MethodNotAllowed' } })
})

test('what begins with /v3/ is the business of the etcd API, whatever its method', async () => {
  expect((await ask('/v3/kv/put', { method: 'POST', body: '{}' })).body).toBe('etcd POST /v3/kv/put')
  expect((await ask('/v3/nothing')).body).toBe('etcd GET /v3/nothing')
})
