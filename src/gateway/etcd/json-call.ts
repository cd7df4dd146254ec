/** One call of the JSON form: a request of HTTP/1, answered by one object, or by a line for each of a stream. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Logger } from '../../../base/index.ts'
import type { DuplexCall } from './call.ts'
import { logUnexpected, refuse, rpcErrorOf } from './errors.ts'
import { messageBytesMax } from './framing.ts'
import { tokenOf } from './grpc-call.ts'
import { JsonSplitter } from './json-splitter.ts'
import { fromJsonText, toJson } from './json.ts'
import type { Method } from './methods.ts'
import { RpcError, httpStatusOf, rpcCodes } from './rpc-error.ts'

const ownTimeoutMs = 7_000
const unsentBytesMax = 1 << 20
/** Bytes in base64 take a third more. */
const textBytesMax = 1.5 * messageBytesMax

/** A call whose messages are of any kind. */
export class JsonCall implements DuplexCall<unknown, unknown> {
  readonly timeoutMs: number = ownTimeoutMs
  readonly token: string | undefined
  private readonly request: IncomingMessage
  private readonly response: ServerResponse
  private readonly method: Method
  private readonly logger: Logger
  private readonly controller = new AbortController()
  private waiting: (() => void)[] = []
  private isOver = false

  constructor(request: IncomingMessage, response: ServerResponse, method: Method, logger: Logger) {
    this.logger = logger
    this.token = tokenOf(request.headers)
    this.request = request
    this.response = response
    this.method = method
    response.on('drain', () => this.drain())
    response.on('close', () => this.over(refuse('canceled')))
    response.on('error', () => undefined)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** Runs the handler of the method; the call ends with it. */
  run(): void {
    const { handler } = this.method
    if (handler.kind === 'duplex') return this.settle(() => handler.run(this))
    let text = ''
    let count = 0
    this.split(
      (one) => {
        text = one
        count++
      },
      () => {
        if (count > 1) throw new RpcError('invalidArgument', 'one object is expected')
        const message = this.decode(text)
        if (handler.kind === 'stream') this.settle(() => handler.run(message, this))
        else this.settle(async () => this.answer(await handler.run(message, this)))
      },
    )
  }

  private settle(run: () => Promise<void>): void {
    run().then(
      () => this.complete(),
      (error: unknown) => this.failWith(error),
    )
  }

  private decode(text: string): unknown {
    return fromJsonText(this.method.request.name, text)
  }

  receive({ message, end }: { readonly message: (message: unknown) => void; readonly end: () => void }): void {
    this.split((text) => message(this.decode(text)), end)
  }

  private split(take: (text: string) => void, end: () => void): void {
    const splitter = new JsonSplitter(textBytesMax)
    const guarded = (run: () => void): void => {
      if (this.isOver) return
      try {
        run()
      } catch (error) {
        this.failWith(error)
      }
    }
    this.request.on('data', (chunk: Buffer) => guarded(() => splitter.push(chunk, take)))
    this.request.on('end', () =>
      guarded(() => {
        if (splitter.rest !== '')
          throw new RpcError('invalidArgument', 'the body is no JSON object, or ends within one')
        end()
      }),
    )
  }

  send(message: unknown): boolean {
    if (this.isOver) return true
    const { response, method } = this
    if (!response.headersSent) this.head(200)
    response.write(`${JSON.stringify({ result: toJson(method.response.name, message) })}\n`)
    return response.writableLength < unsentBytesMax
  }

  drained(run: () => void): void {
    if (this.isOver || this.response.writableLength < unsentBytesMax) run()
    else this.waiting.push(run)
  }

  private drain(): void {
    const { waiting } = this
    this.waiting = []
    for (const run of waiting) run()
  }

  private head(status: number): void {
    this.response.writeHead(status, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' })
  }

  private answer(message: unknown): void {
    if (this.isOver) return
    this.head(200)
    this.response.write(JSON.stringify(toJson(this.method.response.name, message)))
  }

  private complete(): void {
    if (this.isOver) return
    if (!this.response.headersSent) this.head(200)
    this.response.end()
    this.over(undefined)
  }

  private failWith(error: unknown): void {
    logUnexpected(this.logger, this.method.path, error)
    this.fail(rpcErrorOf(error))
  }

  /** Ends the call with an error: as an answer of its own, or as the last line of a stream. */
  fail({ code, message }: RpcError): void {
    if (this.isOver) return
    const { response } = this
    const status = httpStatusOf[code]
    if (response.headersSent) {
      const error = { grpc_code: rpcCodes[code], http_code: status, message, http_status: STATUS_CODES[status] }
      response.end(`${JSON.stringify({ error })}\n`)
    } else {
      this.head(status)
      response.end(JSON.stringify({ error: message, message, code: rpcCodes[code] }))
    }
    this.over(new RpcError(code, message))
    this.request.resume()
  }

  private over(reason: RpcError | undefined): void {
    if (this.isOver) return
    this.isOver = true
    this.controller.abort(reason ?? new RpcError('ok', 'the call is over'))
    this.drain()
  }
}
