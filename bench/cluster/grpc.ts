/**
 * A gRPC client of the least possible cost over HTTP/2 (RFC 9113), so that the load, which shares the machine with
 * the servers, is not what is measured. All requests of a turn leave in one write; headers are sent literally and always
 * the same; response headers are not decoded, since a call succeeded exactly if its stream carried a message.
 * Streams that stay open are in `grpc-stream.ts`.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { NitroError } from '../../base/index.ts'
import { frameOf } from '../../src/gateway/etcd/framing.ts'
import { GrpcStream } from './grpc-stream.ts'
import type { StreamListener } from './grpc-stream.ts'
import {
  ack,
  endHeaders,
  endStream,
  frame,
  frameHeaderBytes,
  frameTypes,
  initialWindow,
  initialWindowSetting,
  largeWindow,
  literal,
  preface,
  settingBytes,
  windowUpdate,
} from './http2-frames.ts'

interface Call {
  message: Buffer | undefined
  readonly resolve: (message: Uint8Array) => void
  readonly reject: (error: Error) => void
}

/** One connection. */
export class GrpcConnection {
  private readonly socket: Socket
  private readonly authority: string
  private readonly calls = new Map<number, Call>()
  private readonly streams = new Map<number, GrpcStream>()
  private readonly headers = new Map<string, Buffer>()
  private nextStream = 1
  private out: Buffer[] = []
  private flushing = false
  /** Bytes of data that may still be sent on the connection; what exceeds them waits. */
  private window = initialWindow
  private readonly waiting: Buffer[] = []
  /** What the server takes at first on a new stream. */
  private streamWindow = initialWindow
  private received = 0
  private rest: Buffer = Buffer.alloc(0)
  private failure: NitroError | undefined

  /** Connects to `host:port`, plain text. */
  static open(address: string): Promise<GrpcConnection> {
    const [host = '', port] = address.split(':')
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(port), noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new GrpcConnection(socket, address))
      })
    })
  }

  private constructor(socket: Socket, authority: string) {
    this.socket = socket
    this.authority = authority
    socket.on('data', (chunk) => this.receive(chunk))
    socket.on('error', (error) => this.fail(error.message))
    socket.on('close', () => this.fail('the connection was closed'))
    // a large window for each stream (setting 4) and for the connection: the server never waits for this client
    const settings = frame(frameTypes.settings, 0, 0, Buffer.alloc(settingBytes))
    settings.writeUInt16BE(initialWindowSetting, frameHeaderBytes)
    settings.writeUInt32BE(largeWindow, frameHeaderBytes + 2)
    this.send(preface)
    this.send(settings)
    this.send(windowUpdate(largeWindow))
  }

  /** Calls `/package.Service/Method` and resolves with the answer's message. Rejects with `Unavailable`. */
  call(path: string, message: Uint8Array): Promise<Uint8Array> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    const stream = this.begin(path)
    this.waiting.push(frame(frameTypes.data, endStream, stream, frameOf(message)))
    this.sendWaiting()
    return new Promise((resolve, reject) => void this.calls.set(stream, { message: undefined, resolve, reject }))
  }

  /** Opens `/package.Service/Method` in both directions. Throws `Unavailable`. */
  stream(path: string, listener: StreamListener): GrpcStream {
    if (this.failure !== undefined) throw this.failure
    const id = this.begin(path)
    const stream = new GrpcStream(listener, this.streamWindow, (payload) => {
      this.waiting.push(frame(frameTypes.data, 0, id, payload))
      this.sendWaiting()
    })
    this.streams.set(id, stream)
    return stream
  }

  /** Ends everything; streams are not told. */
  close(): void {
    this.streams.clear()
    this.socket.destroy()
  }

  private begin(path: string): number {
    const stream = this.nextStream
    this.nextStream += 2
    this.send(frame(frameTypes.headers, endHeaders, stream, this.headersOf(path)))
    return stream
  }

  /** HPACK (RFC 7541): static table entries, and literals that are not indexed. */
  private headersOf(path: string): Buffer {
    let block = this.headers.get(path)
    if (block === undefined) {
      block = Buffer.concat([
        Buffer.from([0x83, 0x86, 0x04]),
        literal(path),
        Buffer.from([0x01]),
        literal(this.authority),
        Buffer.from([0x0f, 0x10]),
        literal('application/grpc'),
        Buffer.from([0x00]),
        literal('te'),
        literal('trailers'),
      ])
      this.headers.set(path, block)
    }
    return block
  }

  private sendWaiting(): void {
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      const bytes = next.length - frameHeaderBytes
      if (bytes > this.window) return
      this.window -= bytes
      this.waiting.shift()
      this.send(next)
    }
  }

  private send(bytes: Buffer): void {
    this.out.push(bytes)
    if (this.flushing) return
    this.flushing = true
    setImmediate(() => {
      this.flushing = false
      const out = this.out
      this.out = []
      this.socket.write(out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out))
    })
  }

  private receive(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    let at = 0
    while (bytes.length - at >= frameHeaderBytes) {
      const length = bytes.readUIntBE(at, 3)
      const end = at + frameHeaderBytes + length
      if (end > bytes.length) break
      this.handle(bytes, at, end)
      at = end
    }
    this.rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at))
  }

  private handle(bytes: Buffer, at: number, end: number): void {
    const type = bytes[at + 3] as number
    const flags = bytes[at + 4] as number
    const stream = bytes.readUInt32BE(at + 5)
    const start = at + frameHeaderBytes
    switch (type) {
      case frameTypes.data:
        this.data(stream, bytes.subarray(start, end))
        break
      case frameTypes.settings:
        if ((flags & ack) === 0) this.agree(bytes.subarray(start, end))
        break
      case frameTypes.ping:
        if ((flags & ack) === 0) this.send(frame(frameTypes.ping, ack, 0, bytes.subarray(start, end)))
        break
      case frameTypes.windowUpdate:
        if (stream === 0) this.window += bytes.readUInt32BE(start)
        else this.streams.get(stream)?.widen(bytes.readUInt32BE(start))
        this.sendWaiting()
        break
      case frameTypes.reset:
        this.settle(stream)
        break
      case frameTypes.goAway:
        this.fail('the server says goodbye')
        break
      default:
    }
    if ((type === frameTypes.headers || type === frameTypes.data) && (flags & endStream) !== 0) this.settle(stream)
  }

  /** Takes the server's settings. */
  private agree(settings: Buffer): void {
    for (let at = 0; at + settingBytes <= settings.length; at += settingBytes) {
      if (settings.readUInt16BE(at) !== initialWindowSetting) continue
      const window = settings.readUInt32BE(at + 2)
      for (const stream of this.streams.values()) stream.widen(window - this.streamWindow)
      this.streamWindow = window
    }
    this.send(frame(frameTypes.settings, ack, 0, Buffer.alloc(0)))
  }

  private data(stream: number, payload: Buffer): void {
    const call = this.calls.get(stream)
    if (call !== undefined) call.message = call.message === undefined ? payload : Buffer.concat([call.message, payload])
    else this.streams.get(stream)?.receive(payload)
    this.received += payload.length
    if (this.received < largeWindow / 2) return
    this.send(windowUpdate(this.received))
    this.received = 0
  }

  private settle(stream: number): void {
    this.streams.get(stream)?.end(unavailable('the stream ended'))
    this.streams.delete(stream)
    const call = this.calls.get(stream)
    if (call === undefined) return
    this.calls.delete(stream)
    if (call.message === undefined) call.reject(unavailable('the call failed'))
    else call.resolve(call.message.subarray(5))
  }

  private fail(why: string): void {
    this.failure ??= unavailable(why)
    for (const { reject } of this.calls.values()) reject(this.failure)
    this.calls.clear()
    for (const stream of this.streams.values()) stream.end(this.failure)
    this.streams.clear()
  }
}

function unavailable(message: string): NitroError {
  return new NitroError('Unavailable', `etcd: ${message}`, { executed: 'maybe' })
}
