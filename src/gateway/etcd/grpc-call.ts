/** One call of gRPC: a stream of HTTP/2 with its metadata, its deadline and its end. */
import { constants } from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { timerMsMax } from '../../../base/index.ts'
import type { Clock, Logger, Scheduler, Timer } from '../../../base/index.ts'
import type { DuplexCall } from './call.ts'
import { logUnexpected, refuse, rpcErrorOf } from './errors.ts'
import { Deframer, frameOf } from './framing.ts'
import type { Method } from './methods.ts'
import { RpcError, encodeRpcMessage, rpcCodes } from './rpc-error.ts'

const contentType = 'application/grpc'
/** Headers and trailers of most answers; etcd sends no date either. */
const answerHeaders = { ':status': 200, 'content-type': contentType }
const answerOptions = { waitForTrailers: true, sendDate: false }
const doneTrailers = { 'grpc-status': '0' }
/** As long as etcd waits for its own quorum, when the caller has given no deadline. */
const ownTimeoutMs = 7_000
/** Unsent bytes at which a call should send no more. */
const unsentBytesMax = 1 << 20

/** What calls stand on. */
export interface CallPorts {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly logger: Logger
}

/** What the headers of a call say. */
export interface CallMetadata {
  /** Milliseconds until its deadline; undefined for none. */
  readonly timeoutMs: number | undefined
  readonly token: string | undefined
}

/** A call whose messages are of any kind. */
export class GrpcCall implements DuplexCall<unknown, unknown> {
  readonly token: string | undefined
  private readonly stream: ServerHttp2Stream
  private readonly method: Method
  private readonly clock: Clock
  private readonly scheduler: Scheduler
  private readonly logger: Logger
  private readonly untilMs: number
  private timer: Timer | undefined
  private controller: AbortController | undefined
  private waiting: (() => void)[] = []
  private watchesClose = false
  private watchesDrain = false
  private isOver = false
  private overReason: RpcError | undefined

  constructor(
    stream: ServerHttp2Stream,
    method: Method,
    { timeoutMs, token }: CallMetadata,
    { clock, scheduler, logger }: CallPorts,
  ) {
    this.token = token
    this.stream = stream
    this.method = method
    this.clock = clock
    this.scheduler = scheduler
    this.logger = logger
    this.untilMs = timeoutMs === undefined ? Infinity : clock.monotonicMs() + timeoutMs
    if (timeoutMs === undefined) return
    this.timer = scheduler.after(timeoutMs, () => this.fail(refuse('deadline')))
    this.watchClose()
  }

  /** Listeners are a good part of what a short call costs: only who wants to know when it ends early is told. */
  private watchClose(): void {
    if (this.watchesClose) return
    this.watchesClose = true
    if (this.stream.closed || this.stream.destroyed) this.closed()
    else this.stream.on('close', () => this.closed())
  }

  get timeoutMs(): number {
    if (this.untilMs === Infinity) return ownTimeoutMs
    return Math.max(1, Math.min(ownTimeoutMs, this.untilMs - this.clock.monotonicMs()))
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.watchClose()
      this.controller = new AbortController()
      if (this.overReason !== undefined) this.controller.abort(this.overReason)
    }
    return this.controller.signal
  }

  /** Runs the handler of the method; the call ends with it. */
  run(): void {
    const { handler } = this.method
    if (handler.kind !== 'unary') this.watchClose()
    switch (handler.kind) {
      case 'unary':
        this.single((request) => {
          handler.run(request, this).then(
            (response) => this.answer(response),
            (error: unknown) => this.failWith(error),
          )
        })
        break
      case 'stream':
        this.single((request) => this.settle(handler.run(request, this)))
        break
      case 'duplex':
        this.settle(handler.run(this))
    }
  }

  private settle(running: Promise<void>): void {
    running.then(
      () => this.complete(),
      (error: unknown) => this.failWith(error),
    )
  }

  /** Waits for the one request of a call. */
  private single(take: (request: unknown) => void): void {
    let request: unknown
    let count = 0
    this.receive({
      message: (message) => {
        request = message
        count++
      },
      end: () => {
        if (count === 1) take(request)
        else this.fail(new RpcError('internal', `grpc: a call with one request came with ${count}`))
      },
    })
  }

  receive({ message, end }: { readonly message: (message: unknown) => void; readonly end: () => void }): void {
    const deframer = new Deframer()
    const { stream, method } = this
    stream.on('data', (chunk: Buffer) => {
      if (this.isOver) return
      try {
        deframer.push(chunk, (bytes) => {
          if (!this.isOver) message(decode(method, bytes))
        })
      } catch (error) {
        this.failWith(error)
      }
    })
    stream.on('end', () => {
      if (this.isOver) return
      if (deframer.heldBytes > 0) this.fail(new RpcError('internal', 'grpc: the stream ended within a message'))
      else end()
    })
  }

  /** A stream is gone for a moment before it says so. */
  private get isGone(): boolean {
    return this.isOver || this.stream.closed || this.stream.destroyed
  }

  send(message: unknown): boolean {
    if (this.isGone) return true
    this.open()
    this.stream.write(frameOf(this.method.response.encode(message)))
    return this.stream.writableLength < unsentBytesMax
  }

  drained(run: () => void): void {
    if (this.isOver || this.stream.writableLength < unsentBytesMax) return run()
    this.waiting.push(run)
    if (this.watchesDrain) return
    this.watchesDrain = true
    this.stream.on('drain', () => this.drain())
  }

  private drain(): void {
    const { waiting } = this
    this.waiting = []
    for (const run of waiting) run()
  }

  /** Sends the headers of an answer that has messages. Behind its end the caller is told that nothing more is read. */
  private open(): void {
    const { stream } = this
    if (stream.headersSent) return
    stream.respond(answerHeaders, answerOptions)
    stream.on('wantTrailers', () => {
      if (stream.closed || stream.destroyed) return
      const error = this.overReason
      stream.sendTrailers(
        error === undefined || error.code === 'ok'
          ? doneTrailers
          : { 'grpc-status': String(rpcCodes[error.code]), 'grpc-message': encodeRpcMessage(error.message) },
      )
      if (!stream.readableEnded) this.scheduler.endOfTurn(() => stream.close(constants.NGHTTP2_NO_ERROR))
    })
  }

  private answer(response: unknown): void {
    if (this.isGone) return
    let frame: Buffer
    try {
      frame = frameOf(this.method.response.encode(response))
    } catch (error) {
      return this.failWith(error)
    }
    this.open()
    this.over(undefined)
    this.stream.end(frame)
  }

  private complete(): void {
    if (this.isGone) return
    this.open()
    this.over(undefined)
    this.stream.end()
  }

  private failWith(error: unknown): void {
    logUnexpected(this.logger, this.method.path, error)
    this.fail(rpcErrorOf(error))
  }

  /** Ends the call with an error. */
  fail(error: RpcError): void {
    if (this.isOver) return
    this.over(error)
    const { stream } = this
    if (stream.closed || stream.destroyed) return
    if (stream.headersSent) stream.end()
    else respondError(stream, error)
    // Nobody reads what the caller may still send.
    stream.resume()
  }

  private over(reason: RpcError | undefined): void {
    this.isOver = true
    this.overReason = reason ?? done
    this.timer?.cancel()
    this.controller?.abort(this.overReason)
    this.drain()
  }

  private closed(): void {
    if (!this.isOver) this.over(refuse('canceled'))
  }
}
const done = new RpcError('ok', 'the call is over')

function decode(method: Method, bytes: Buffer): unknown {
  try {
    return method.request.decode(bytes)
  } catch (error) {
    throw new RpcError('internal', `grpc: error unmarshalling request: ${rpcErrorOf(error).message}`)
  }
}

/** Answers a call that has no message with its error alone. */
export function respondError(stream: ServerHttp2Stream, error: RpcError): void {
  if (stream.destroyed || stream.closed) return
  stream.respond(
    {
      ':status': 200,
      'content-type': contentType,
      'grpc-status': String(rpcCodes[error.code]),
      'grpc-message': encodeRpcMessage(error.message),
    },
    { endStream: true },
  )
  // What the caller still sends is not wanted; this tells it so, and costs it nothing that it has been told.
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
}

const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** What the headers say of a call. Throws RpcError. */
export function metadataOf(headers: IncomingHttpHeaders): CallMetadata {
  return { timeoutMs: timeoutOf(headers), token: tokenOf(headers) }
}

/** The caller's token: as clients of gRPC send it, or as it comes with HTTP. */
export function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const token = headers['token'] ?? headers.authorization
  return Array.isArray(token) ? token[0] : token
}

function timeoutOf(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['grpc-timeout']
  if (value === undefined) return undefined
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(value)) ?? []
  if (digits === undefined) throw new RpcError('internal', `malformed grpc-timeout: ${String(value)}`)
  return Math.min(timerMsMax, Number(digits) * (units[unit] as number))
}
