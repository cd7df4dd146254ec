/**
 * A unary gRPC client of the least possible cost over HTTP/2 (RFC 9113), so that the load, which shares the machine with
 * the servers, is not what is measured. All requests of a turn leave in one write; headers are sent literally and always
 * the same; response headers are not decoded, since a call succeeded exactly if its stream carried a message.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { NitroError } from '../../base/index.ts'

const frameHeaderBytes = 9
const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const
const endStream = 1
const ack = 1
const endHeaders = 4
const initialWindow = 65_535
const largeWindow = 1 << 30
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

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
  private readonly headers = new Map<string, Buffer>()
  private nextStream = 1
  private out: Buffer[] = []
  private flushing = false
  /** Bytes of data that may still be sent on the connection; what exceeds them waits. */
  private window = initialWindow
  private readonly waiting: Buffer[] = []
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
    const settings = frame(frameTypes.settings, 0, 0, Buffer.alloc(6))
    settings.writeUInt16BE(4, frameHeaderBytes)
    settings.writeUInt32BE(largeWindow, frameHeaderBytes + 2)
    this.send(preface)
    this.send(settings)
    this.send(windowUpdate(largeWindow))
  }

  /** Calls `/package.Service/Method` and resolves with the answer's message. Rejects with `Unavailable`. */
  call(path: string, message: Uint8Array): Promise<Uint8Array> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    const stream = this.nextStream
    this.nextStream += 2
    this.send(frame(frameTypes.headers, endHeaders, stream, this.headersOf(path)))
    const payload = Buffer.allocUnsafe(5 + message.length)
    payload[0] = 0
    payload.writeUInt32BE(message.length, 1)
    payload.set(message, 5)
    this.waiting.push(frame(frameTypes.data, endStream, stream, payload))
    this.sendWaiting()
    return new Promise((resolve, reject) => void this.calls.set(stream, { message: undefined, resolve, reject }))
  }

  close(): void {
    this.socket.destroy()
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
        if ((flags & ack) === 0) this.send(frame(frameTypes.settings, ack, 0, Buffer.alloc(0)))
        break
      case frameTypes.ping:
        if ((flags & ack) === 0) this.send(frame(frameTypes.ping, ack, 0, bytes.subarray(start, end)))
        break
      case frameTypes.windowUpdate:
        if (stream === 0) this.window += bytes.readUInt32BE(start)
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

  private data(stream: number, payload: Buffer): void {
    const call = this.calls.get(stream)
    if (call !== undefined) call.message = call.message === undefined ? payload : Buffer.concat([call.message, payload])
    this.received += payload.length
    if (this.received < largeWindow / 2) return
    this.send(windowUpdate(this.received))
    this.received = 0
  }

  private settle(stream: number): void {
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
  }
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes[3] = type
  bytes[4] = flags
  bytes.writeUInt32BE(stream, 5)
  bytes.set(payload, frameHeaderBytes)
  return bytes
}

function windowUpdate(bytes: number): Buffer {
  const increment = Buffer.alloc(4)
  increment.writeUInt32BE(bytes)
  return frame(frameTypes.windowUpdate, 0, 0, increment)
}

/** A string literal without Huffman coding, shorter than 127 bytes. */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

function unavailable(message: string): NitroError {
  return new NitroError('Unavailable', `etcd: ${message}`, { executed: 'maybe' })
}
