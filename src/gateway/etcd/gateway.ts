/** The etcd v3 API of one node: services over its engine, behind gRPC and behind JSON. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from '../../../base/index.ts'
import { authService } from './auth.ts'
import { Backend } from './backend.ts'
import type { BackendOptions } from './backend.ts'
import { clusterService } from './cluster.ts'
import { electionService } from './election.ts'
import { GrpcServer } from './grpc-server.ts'
import { healthService } from './health.ts'
import { jsonGateway } from './json-gateway.ts'
import { kvService } from './kv.ts'
import { leaseService } from './lease.ts'
import { lockService } from './lock.ts'
import { maintenanceService } from './maintenance.ts'
import type { Method } from './methods.ts'
import { watchService } from './watch.ts'

/** What a gateway stands on. */
export interface EtcdGatewayOptions extends BackendOptions {
  /** Hears of errors that nobody expects. */
  readonly logger: Logger
  /** Silence after which watchers that asked for it are told how far they are. Default: ten minutes, as etcd. */
  readonly watchProgressMs?: number
  /** The release of Node, as `20.19.0`: some are known to allow what makes calls cheaper. Default: one that nothing is known of. */
  readonly nodeRelease?: string
}

const defaultWatchProgressMs = 600_000

/** The gateway of one node. */
export interface EtcdGateway {
  /** Takes over a connection that speaks HTTP/2, from its first byte. */
  connection(socket: Socket): void
  /** Answers a request of HTTP/1 whose path begins with `/v3/`. */
  request(request: IncomingMessage, response: ServerResponse): void
  /** Ends every connection of HTTP/2. */
  close(): void
}

/** Makes the gateway of a node that may not be open yet; until it is, calls end with `Unavailable`. */
export function etcdGateway(options: EtcdGatewayOptions): EtcdGateway {
  const backend = new Backend(options)
  const progressMs = options.watchProgressMs ?? defaultWatchProgressMs
  const methods = methodsOf(backend, progressMs)
  const { clock, scheduler, logger, nodeRelease = '' } = options
  const hasLeader = (): boolean => backend.hasLeader
  const server = new GrpcServer({ methods, clock, scheduler, logger, nodeRelease, hasLeader })
  return {
    connection: (socket) => server.connection(socket),
    request: jsonGateway(methods, logger),
    close: () => server.close(),
  }
}

function methodsOf(backend: Backend, progressMs: number): readonly Method[] {
  return [
    ...kvService(backend),
    ...leaseService(backend),
    ...watchService(backend, { progressMs }),
    ...clusterService(backend),
    ...maintenanceService(backend),
    ...authService(backend),
    ...lockService(backend),
    ...electionService(backend),
    ...healthService(backend),
  ]
}
