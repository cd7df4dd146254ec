/**
 * The gRPC server: HTTP/2 connections in, calls of methods out. The framing is small enough to be written here; what it speaks is
 * the gRPC protocol over HTTP/2 without compression.
 */
import { createServer } from 'node:http2'
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { refuse, rpcErrorOf } from './errors.ts'
import { GrpcCall, metadataOf, respondError } from './grpc-call.ts'
import type { CallPorts } from './grpc-call.ts'
import { LeaderWatch } from './leader-watch.ts'
import type { Method } from './methods.ts'
import { RpcError } from './rpc-error.ts'
import { giveTables } from './session-tables.ts'

/** What a {@link GrpcServer} stands on. */
export interface GrpcServerOptions extends CallPorts {
  readonly methods: readonly Method[]
  /** The release of Node. */
  readonly nodeRelease: string
  /** Whether the node knows a leader: calls may insist on it. */
  readonly hasLeader: () => boolean
}

/** Silence after which the system asks whether the other end is still there. */
const keepAliveMs = 30_000
/** Bytes that a connection may send ahead. */
const connectionWindowBytes = 8 << 20
const streamWindowBytes = 1 << 20
/** Memory of one connection for streams and headers, in megabytes; thousands of watches may be on one. */
const sessionMegabytes = 256

/** Serves calls on connections that are handed to it. */
export class GrpcServer {
  private readonly options: GrpcServerOptions
  private readonly methods: ReadonlyMap<string, Method>
  private readonly services: ReadonlySet<string>
  private readonly server: Http2Server
  private readonly sessions = new Set<ServerHttp2Session>()
  private readonly leaderWatch: LeaderWatch

  constructor(options: GrpcServerOptions) {
    this.options = options
    this.methods = new Map(options.methods.map((method) => [method.path, method]))
    this.services = new Set(options.methods.map(({ path }) => path.split('/', 2)[1] ?? ''))
    this.leaderWatch = new LeaderWatch(options)
    this.server = createServer({
      maxSessionMemory: sessionMegabytes,
      settings: { initialWindowSize: streamWindowBytes, maxConcurrentStreams: 100_000 },
    })
    this.server.on('session', (session) => {
      this.sessions.add(session)
      giveTables(session, options.nodeRelease)
      session.on('close', () => this.sessions.delete(session))
      session.on('connect', () => session.setLocalWindowSize(connectionWindowBytes))
    })
    // A connection that breaks the protocol is closed by its session; nobody else is concerned.
    this.server.on('sessionError', () => undefined)
    this.server.on('stream', (stream, headers) => this.take(stream, headers))
  }

  /** Takes a connection over, from its first byte. */
  connection(socket: Socket): void {
    // A caller that vanished without a word must not hold its watches for ever.
    socket.setKeepAlive(true, keepAliveMs)
    this.server.emit('connection', socket)
  }

  /** Ends all connections: calls that are open end as when a server goes away. */
  close(): void {
    this.leaderWatch.close()
    for (const session of this.sessions) {
      session.goaway()
      session.destroy()
    }
  }

  private take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', () => undefined)
    if (!isGrpc(headers)) return refuseHttp(stream, headers)
    try {
      const method = this.methodOf(String(headers[':path']))
      const encoding = headers['grpc-encoding']
      if (encoding !== undefined && encoding !== 'identity') {
        const what = JSON.stringify(encoding)
        throw new RpcError('unimplemented', `grpc: Decompressor is not installed for grpc-encoding ${what}`)
      }
      const wantsLeader = headers['hasleader'] === 'true'
      if (wantsLeader && !this.options.hasLeader()) throw refuse('noLeader')
      const call = new GrpcCall(stream, method, metadataOf(headers), this.options)
      if (wantsLeader && method.handler.kind !== 'unary') this.leaderWatch.add(call)
      call.run()
    } catch (error) {
      respondError(stream, rpcErrorOf(error))
    }
  }

  private methodOf(path: string): Method {
    const method = this.methods.get(path)
    if (method !== undefined) return method
    const [, service = '', name = ''] = path.split('/')
    const known = this.services.has(service)
    throw new RpcError(
      'unimplemented',
      known ? `unknown method ${name} for service ${service}` : `unknown service ${service}`,
    )
  }
}

function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers[':method'] === 'POST' && headers['content-type']?.startsWith('application/grpc') === true
}

/** Other requests of HTTP/2 are not for this port. */
function refuseHttp(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const status = headers[':method'] === 'POST' ? 415 : 405
  stream.respond({ ':status': status, ...(status === 405 ? { allow: 'POST' } : {}) }, { endStream: true })
  stream.resume()
}
