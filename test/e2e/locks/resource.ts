/**
 * A resource outside the cluster, as a process: it can't ask the cluster who holds a lock, but it can compare. A write is
 * accepted if its token is at least the highest seen for that lock.
 *
 *   POST /LOCK/TOKEN   200 accepted, 409 refused
 *   GET /              what came, in order, as JSON
 *
 * Its first line of output is its address. It ends with its standard input.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Seen } from './messages.ts'

const highest = new Map<string, number>()
const seen: Seen[] = []

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(JSON.stringify(seen))
    return
  }
  const [, name = '', digits = ''] = (request.url ?? '').split('/')
  const [lock, token] = [decodeURIComponent(name), Number(digits)]
  const accepted = token >= (highest.get(lock) ?? 0)
  if (accepted) highest.set(lock, token)
  seen.push({ lock, token, accepted })
  response.writeHead(accepted ? 200 : 409)
  response.end()
})
// Those who write are stopped for seconds; their connections are to be there when they go on.
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.stdin.resume()
process.stdin.once('end', () => process.exit(0))
