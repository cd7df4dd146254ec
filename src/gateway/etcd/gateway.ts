/** The etcd v3 API of one node: services over its engine, behind gRPC. */
import type { Socket } from 'node:net'
import { Backend } from './backend.ts'
import type { BackendOptions } from './backend.ts'
import { GrpcServer } from './grpc-server.ts'
import { kvService } from './kv.ts'

/** What a gateway stands on. */
export type EtcdGatewayOptions = BackendOptions

/** The gateway of one node. */
export interface EtcdGateway {
  /** Takes over a connection that speaks HTTP/2, from its first byte. */
  connection(socket: Socket): void
  /** Ends every connection. */
  close(): void
}

/** Makes the gateway of a node that may not be open yet; until it is, calls end with `Unavailable`. */
export function etcdGateway(options: EtcdGatewayOptions): EtcdGateway {
  const backend = new Backend(options)
  const methods = [...kvService(backend)]
  const { clock, scheduler } = options
  const server = new GrpcServer({ methods, clock, scheduler, hasLeader: () => backend.hasLeader })
  return {
    connection: (socket) => server.connection(socket),
    close: () => server.close(),
  }
}
