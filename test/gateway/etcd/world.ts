/** A node in memory with its gateway on an ephemeral port, for gRPC and for JSON. */
import { silentLogger } from '../../../base/index.ts'
import type { NodePosition } from '../../../src/api/index.ts'
import { etcdGateway } from '../../../src/gateway/etcd/index.ts'
import type { EtcdNode } from '../../../src/gateway/etcd/index.ts'
import { wsTransport } from '../../../net/index.ts'
import type { Listener } from '../../../net/index.ts'
import { openNode } from '../../../src/node/index.ts'
import type { Node, NodeOptions } from '../../../src/node/index.ts'
import { nodeCrypto } from '../../../src/storage/index.ts'
import { Caller } from './caller.ts'
import { PacedTime } from './paced-time.ts'

/** Silence after which watchers that asked for it are told how far they are. */
export const watchProgressMs = 5_000

/** Everything of one test file; made by {@link openWorld}. */
export interface World {
  readonly time: PacedTime
  readonly node: Node
  /** `host:port` of the gateway. */
  readonly address: string
  readonly caller: Caller
  /** While true the node says that it knows no leader. */
  leaderless: boolean
  /** While true there is no node behind the gateway. */
  absent: boolean
  /** Posts JSON. */
  post(path: string, body: unknown): Promise<{ readonly status: number; readonly json: unknown }>
  close(): Promise<void>
}

/** Opens a node, a gateway and a connection. */
export async function openWorld(options: NodeOptions = {}): Promise<World> {
  const time = new PacedTime()
  const node = await openNode({ ...options, ports: { clock: time, scheduler: time } })
  await time.until(node.ready())
  const state = { leaderless: false, absent: false }
  const position = (): NodePosition => (state.leaderless ? { ...node.position(), leaderId: 0 } : node.position())
  const { engine, auth } = node
  const seen: EtcdNode = { engine, auth, as: (principal) => node.as(principal), status: () => node.status(), position }
  const gateway = etcdGateway({
    node: () => (state.absent ? undefined : seen),
    ...{ clock: time, scheduler: time, crypto: nodeCrypto, logger: silentLogger, watchProgressMs },
    nodeRelease: process.versions.node,
  })
  const listener = await listen(gateway, time)
  const caller = new Caller(listener.address)
  return Object.assign(state, {
    ...{ time, node, caller, address: listener.address },
    post: async (path: string, body: unknown) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const response = await fetch(`http://${listener.address}${path}`, { method: 'POST', body: text })
      const said = await response.text()
      return { status: response.status, json: said === '' ? undefined : (JSON.parse(said) as unknown) }
    },
    close: async () => {
      caller.close()
      gateway.close()
      const closed = Promise.all([listener.close(), node.close()])
      await time.until(closed)
    },
  })
}

function listen(gateway: ReturnType<typeof etcdGateway>, time: PacedTime): Promise<Listener> {
  return wsTransport({
    scheduler: time,
    http: (request, response) => gateway.request(request, response),
    http2: (socket) => gateway.connection(socket),
  }).listen('127.0.0.1:0', () => {})
}

/** Text as bytes. */
export const bytes = (text: string): Buffer => Buffer.from(text)

/** The end of the range of keys that begin with this. */
export function prefixEndOf(prefix: string): Buffer {
  const end = Buffer.from(prefix)
  end[end.length - 1] = (end.at(-1) as number) + 1
  return end
}
