/**
 * The HTTP/1 routes of a node's own port: what load balancers, orchestrators and Prometheus ask.
 *
 *   /livez    the process answers; restart it when this fails
 *   /readyz   the node can serve; send it traffic while this holds
 *   /health   the same as etcd words it: {"health":"true"}
 *   /v3/...   the JSON form of etcd's API, which others answer
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf } from '../../base/index.ts'
import type { NodeStatus } from '../api/index.ts'

/** What the routes read. */
export interface HttpSources {
  /** Facts of the node; undefined while it is being opened and after it has ended. */
  status(): NodeStatus | undefined
  readonly version: string
  /** The version of etcd's API. */
  readonly etcdVersion: string
  /** Answers requests whose path begins with `/v3/`. */
  readonly etcd: (request: IncomingMessage, response: ServerResponse) => void
  readonly metrics: { readonly contentType: string; render(): Promise<string> }
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly allow?: string
}

type Route = (sources: HttpSources, query: URLSearchParams) => Answer | Promise<Answer>

const json = (status: number, body: unknown): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(body)}\n`,
})

const plain = (status: number, body: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
})

const routes: Readonly<Record<string, Route>> = {
  '/health'(sources) {
    const reason = firstProblem(sources)
    return reason === undefined ? json(200, { health: 'true' }) : json(503, { health: 'false', reason })
  },
  '/livez'(sources) {
    const status = sources.status()
    return status?.role === 'stopped' ? plain(503, 'stopped') : plain(200, 'ok')
  },
  '/readyz'(sources, query) {
    const reason = firstProblem(sources)
    const code = reason === undefined ? 200 : 503
    if (!query.has('verbose')) return plain(code, reason ?? 'ok')
    const lines = checks(sources.status()).map(({ name, problem }) =>
      problem === undefined ? `[+] ${name} ok` : `[-] ${name} failed: ${problem}`,
    )
    return plain(code, [...lines, code === 200 ? 'ready' : 'not ready'].join('\n'))
  },
  async '/metrics'(sources) {
    return { status: 200, type: sources.metrics.contentType, body: await sources.metrics.render() }
  },
  '/version'(sources) {
    const status = sources.status()
    const { version, etcdVersion } = sources
    const etcd = { etcdserver: etcdVersion, etcdcluster: etcdVersion }
    return json(200, { version, name: status?.name ?? '', clusterId: status?.clusterId ?? '', ...etcd })
  },
}

/** Paths that are served. */
export const httpPaths: readonly string[] = Object.keys(routes)

/** The request handler for `openNode({ http })`; never throws. */
export function httpRoutes(sources: HttpSources): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    if (request.url?.startsWith('/v3/') === true) return sources.etcd(request, response)
    void answer(sources, request)
      .catch((error: unknown) => json(500, { error: { code: 'Internal', message: messageOf(error) } }))
      .then((result) => send(request, response, result))
  }
}

async function answer(sources: HttpSources, request: IncomingMessage): Promise<Answer> {
  const [path = '/', search = ''] = (request.url ?? '/').split('?', 2)
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (route === undefined) {
    const message = `no such path; there are ${httpPaths.join(', ')}, and /v3/... of the etcd API`
    return json(404, { error: { code: 'NotFound', message } })
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const message = `${path} answers GET and HEAD only`
    return { ...json(405, { error: { code: 'MethodNotAllowed', message } }), allow: 'GET, HEAD' }
  }
  return route(sources, new URLSearchParams(search))
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body, allow }: Answer): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(allow === undefined ? {} : { allow }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
  request.resume()
}

interface Check {
  readonly name: string
  readonly problem: string | undefined
}

function checks(status: NodeStatus | undefined): readonly Check[] {
  if (status === undefined) return [{ name: 'node', problem: 'not running' }]
  const member = !['bootstrapping', 'joining', 'stopped'].includes(status.role)
  return [
    { name: 'member', problem: member ? undefined : `the node is ${status.role}: ${status.waiting}` },
    { name: 'leader', problem: status.leader === '' ? 'no leader is known' : undefined },
    { name: 'serving', problem: status.ready ? undefined : 'not caught up yet' },
  ]
}

function firstProblem(sources: HttpSources): string | undefined {
  return checks(sources.status()).find(({ problem }) => problem !== undefined)?.problem
}
