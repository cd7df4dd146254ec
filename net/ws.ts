/**
 * The WebSocket transport: links at `/v1/link`, plain HTTP/1 requests and, told apart by their first bytes, HTTP/2 connections on
 * the same port.
 *
 * Requests that carry an `Origin` header come from web pages and are refused, so that no page a user visits can talk
 * to a node on the loopback address.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { createServer as createSocketServer } from 'node:net'
import type { AddressInfo, Server as SocketServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { messageOf, NitroError, present, type Scheduler } from '../base/index.ts'
import { formatAddress, isLoopback, parseAddress } from './address.ts'
import { Arena } from './outbox.ts'
import { tellApart } from './preface.ts'
import { defaultLinkLimits, type DialOptions, type Link, type Listener, type Transport } from './transport.ts'
import { WsLink, type WsLinkOptions } from './wslink.ts'

/** Answers a plain HTTP/1 request that is not a link. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void

/** Takes over a connection that speaks HTTP/2, from its first byte. It ends with the listener, whatever is done with it. */
export type Http2Handler = (socket: Socket) => void

/** Options of {@link wsTransport}. */
export interface WsTransportOptions {
  readonly scheduler: Scheduler
  /** Allows listening beyond loopback without encryption. */
  readonly insecure?: boolean
  /** Without it every plain request is answered 404. */
  readonly http?: HttpHandler
  /** Without it connections that begin as HTTP/2 are closed. */
  readonly http2?: Http2Handler
  /** Default 8 MiB. */
  readonly maxFrameBytes?: number
  /** Default 32 MiB. */
  readonly maxBufferedBytes?: number
  /** Connections of one listener, links included; further ones are closed at once. Default 16,384. */
  readonly maxConnections?: number
  /** Silence after which a ping is sent; three times this ends the link. Default 5,000. */
  readonly keepaliveMs?: number
  /** Time a connection has to send its whole request head. Default 10,000. */
  readonly headersTimeoutMs?: number
}

/** The path of links. */
export const linkPath = '/v1/link'

/** Time for the closing handshake before the socket is destroyed. */
const closeTimeoutMs = 1_000

/** All links of a process write to the same memory, which is mostly still near. */
const arena = new Arena()

type LinkSettings = Omit<WsLinkOptions, 'masked' | 'remote'>

/** Makes the transport. It holds no resources until it listens or dials. */
export function wsTransport(options: WsTransportOptions): Transport {
  const settings: LinkSettings = {
    limits: {
      maxFrameBytes: options.maxFrameBytes ?? defaultLinkLimits.maxFrameBytes,
      maxBufferedBytes: options.maxBufferedBytes ?? defaultLinkLimits.maxBufferedBytes,
    },
    scheduler: options.scheduler,
    arena,
    keepaliveMs: options.keepaliveMs ?? 5_000,
  }
  return {
    listen: (address, accept) => listen(address, accept, options, settings),
    dial: (address, dialOptions) => dial(address, dialOptions, settings),
  }
}

async function listen(
  address: string,
  accept: (link: Link) => void,
  options: WsTransportOptions,
  settings: LinkSettings,
): Promise<Listener> {
  const { host, port } = parseAddress(address)
  if (options.insecure !== true && !isLoopback(host)) {
    throw new NitroError(
      'InsecureAddress',
      `will not listen on ${address}: links are not encrypted or authenticated yet, so anyone who reaches this ` +
        'address could read and change everything; use a loopback address, or allow it with --insecure on a network ' +
        'you trust',
      { details: { address } },
    )
  }
  const headersTimeoutMs = options.headersTimeoutMs ?? 10_000
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: 3 * headersTimeoutMs,
    connectionsCheckingInterval: Math.max(100, headersTimeoutMs / 4),
    noDelay: true,
  })
  const sockets = new Set<Socket>()
  /** Those that speak HTTP/2. */
  const handed = new Set<Socket>()
  const links = new Set<Link>()
  const { scheduler } = options
  const http2 = options.http2 ?? ((socket) => socket.destroy())
  const door = createSocketServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const http1 = (): boolean => server.emit('connection', socket)
    const other = (): void => {
      handed.add(socket)
      // Only HTTP/1 answers on a connection whose other end has said its last.
      socket.allowHalfOpen = false
      socket.once('close', () => handed.delete(socket))
      http2(socket)
    }
    tellApart(socket, { scheduler, timeoutMs: headersTimeoutMs, http1, http2: other })
  })
  door.maxConnections = options.maxConnections ?? 16_384
  // A server that is only handed connections checks no timeouts, and closes none, until it believes that it listens.
  server.emit('listening')
  server.on('clientError', (_error, socket) => refuse(socket, 400))
  server.on('request', options.http ?? notFound)
  upgrades(server, settings, (link, socket) => {
    links.add(link)
    socket.once('close', () => links.delete(link))
    accept(link)
  })
  try {
    const bound = await bind(door, host, port, address)
    return { address: bound, close: () => shut(door, server, { links, sockets, handed }, scheduler) }
  } catch (error) {
    server.close()
    throw error
  }
}

function upgrades(server: Server, settings: LinkSettings, accept: (link: Link, socket: Socket) => void): void {
  const wsServer = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: settings.limits.maxFrameBytes,
    ...{ closeTimeout: closeTimeoutMs },
  })
  wsServer.on('wsClientError', (_error, socket) => refuse(socket, 400))
  server.on('upgrade', (request, duplex, head) => {
    const socket = duplex as Socket
    // Until `ws` takes the socket over, a reset must not become an uncaught error.
    const ignore = (): void => {}
    socket.on('error', ignore)
    if (request.url !== linkPath) return refuse(socket, 404)
    if (request.headers.origin !== undefined) return refuse(socket, 403)
    wsServer.handleUpgrade(request, socket, head, (ws) => {
      socket.off('error', ignore)
      const remote = formatAddress(socket.remoteAddress ?? '?', socket.remotePort ?? 0)
      accept(new WsLink(ws, socket, { ...settings, masked: false, remote }), socket)
    })
  })
}

function bind(server: SocketServer, host: string, port: number, address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // Stays attached: once bound, a failed accept (no file descriptors left) must not become an uncaught error.
    server.on('error', (error: NodeJS.ErrnoException) => {
      const details = { address }
      reject(
        error.code === 'EADDRINUSE'
          ? new NitroError('AddressInUse', `${address} is already in use`, {
              details,
              cause: error,
            })
          : new NitroError('Unavailable', `cannot listen on ${address}: ${error.message}`, {
              details,
              cause: error,
            }),
      )
    })
    server.listen({ host, port }, () => {
      const { port: bound } = server.address() as AddressInfo
      resolve(formatAddress(host, bound))
    })
  })
}

/** Says goodbye to every link, waits for the sockets to end, and destroys what is left. */
function shut(
  door: SocketServer,
  server: Server,
  { links, sockets, handed }: { links: Set<Link>; sockets: Set<Socket>; handed: Set<Socket> },
  scheduler: Scheduler,
): Promise<void> {
  return new Promise((resolve) => {
    const force = scheduler.after(closeTimeoutMs, () => {
      for (const socket of sockets) socket.destroy()
    })
    door.close(() => {
      force.cancel()
      resolve()
    })
    // It stops checking timeouts; that it never listened is no news.
    server.close(() => undefined)
    for (const socket of handed) socket.destroy()
    for (const link of links) link.close(new NitroError('ConnectionClosed', 'the other side shut down'))
    server.closeAllConnections()
  })
}

function dial(address: string, options: DialOptions, settings: LinkSettings): Promise<Link> {
  return new Promise((resolve, reject) => {
    parseAddress(address)
    const { signal } = options
    const cancelled = (): NitroError => new NitroError('Cancelled', `dialing ${address} was cancelled`)
    if (signal?.aborted === true) return reject(cancelled())
    const ws = new WebSocket(`ws://${address}${linkPath}`, {
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: settings.limits.maxFrameBytes,
      generateMask: zeroMask,
      ...{ closeTimeout: closeTimeoutMs },
    })
    let socket: Socket | undefined
    const give = (error: NitroError): void => {
      settle()
      reject(error)
      ws.on('error', () => {})
      ws.terminate()
    }
    const unavailable = (why: string, cause?: Error): NitroError =>
      new NitroError('Unavailable', `cannot reach ${address}: ${why}`, {
        details: { address },
        cause,
      })
    const timer = settings.scheduler.after(options.timeoutMs, () => {
      give(unavailable(`no answer within ${options.timeoutMs} ms`))
    })
    const abort = (): void => give(cancelled())
    const fail = (error: Error): void => give(unavailable(messageOf(error), error))
    const settle = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', abort)
      ws.off('error', fail)
    }
    signal?.addEventListener('abort', abort, { once: true })
    ws.once('upgrade', (response) => {
      socket = response.socket
    })
    ws.on('error', fail)
    ws.once('open', () => {
      settle()
      resolve(
        new WsLink(ws, present(socket, 'socket of the upgrade'), {
          ...settings,
          masked: true,
          remote: address,
        }),
      )
    })
  })
}

/** See {@link Outbox}: the key zero leaves the payload as it is. */
function zeroMask(key: Buffer): void {
  key.fill(0)
}

function notFound(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404).end()
}

/** Answers on a raw socket and ends it. */
function refuse(socket: Duplex, status: number): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => {
    socket.destroy()
  })
}
