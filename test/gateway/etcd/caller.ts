/** A client of gRPC over one connection of HTTP/2, with nothing hidden: frames, metadata and trailers are the test's. */
import { connect } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { Deframer, frameOf } from '../../../src/gateway/etcd/framing.ts'
import { codecOf } from '../../../src/gateway/etcd/messages.ts'
import { messages } from '../../../src/gateway/etcd/schema/index.ts'
import type { Decoded, Encodable, MessageName } from '../../../src/gateway/etcd/schema/index.ts'

/** How a call ended. */
export interface Outcome {
  readonly code: number
  readonly text: string
}

/** Metadata of a call. */
export type Metadata = Readonly<Record<string, string>>

/** The request and response types of methods whose names follow no rule. */
const responseNames: Readonly<Record<string, MessageName>> = {
  CompactionRequest: 'CompactionResponse',
  LeaderRequest: 'LeaderResponse',
}

type ResponseOf<In extends MessageName> = In extends `${infer Stem}Request`
  ? `${Stem}Response` extends MessageName
    ? `${Stem}Response`
    : never
  : never

function responseOf(request: MessageName): MessageName {
  const name = responseNames[request] ?? request.replace(/Request$/, 'Response')
  if (!Object.hasOwn(messages, name)) throw new Error(`${request} has no response`)
  return name as MessageName
}

/** A call whose messages go and come one by one. */
export class OpenCall<In extends MessageName> {
  readonly stream: ClientHttp2Stream
  /** The call's end. */
  readonly outcome: Promise<Outcome>
  private readonly request: In
  private readonly waiting: Decoded<ResponseOf<In>>[] = []
  private wake: (() => void) | undefined
  private ended = false

  constructor(stream: ClientHttp2Stream, request: In) {
    this.stream = stream
    this.request = request
    const codec = codecOf(responseOf(request))
    const deframer = new Deframer(Number.MAX_SAFE_INTEGER)
    let headers: IncomingHttpHeaders = {}
    stream.on('response', (first) => (headers = first))
    stream.on('trailers', (last) => (headers = { ...headers, ...last }))
    stream.on('data', (chunk: Buffer) =>
      deframer.push(chunk, (bytes) => {
        this.waiting.push(codec.decode(bytes) as Decoded<ResponseOf<In>>)
        this.wake?.()
      }),
    )
    stream.on('error', () => {})
    this.outcome = new Promise((resolve) => {
      stream.once('close', () => {
        this.ended = true
        this.wake?.()
        const code = headers['grpc-status']
        resolve({
          code: code === undefined ? -1 : Number(code),
          text: decodeURIComponent(String(headers['grpc-message'] ?? '')),
        })
      })
    })
  }

  send(message: Encodable<In>): void {
    this.stream.write(frameOf(codecOf(this.request).encode(message)))
  }

  end(): void {
    this.stream.end()
  }

  /** The next response. Rejects when the call ends without one. */
  async next(): Promise<Decoded<ResponseOf<In>>> {
    for (;;) {
      const message = this.waiting.shift()
      if (message !== undefined) return message
      if (this.ended) throw new Error(`the call ended: ${JSON.stringify(await this.outcome)}`)
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
  }

  /** Responses that have come and were not taken. */
  get pending(): number {
    return this.waiting.length
  }

  cancel(): void {
    this.stream.close(8)
  }
}

/** What a call with one response ended with. */
export type Reply<In extends MessageName> = Outcome & { readonly response: Decoded<ResponseOf<In>> | undefined }

/** One connection. */
export class Caller {
  readonly session: ClientHttp2Session

  constructor(address: string) {
    this.session = connect(`http://${address}`)
    this.session.on('error', () => {})
  }

  /** Begins a call of a method, by its service and name. */
  open<In extends MessageName>(path: string, request: In, metadata: Metadata = {}): OpenCall<In> {
    return new OpenCall(this.raw(`/${path}`, metadata), request)
  }

  /** Begins a request with the headers that gRPC asks for. */
  raw(path: string, headers: Metadata = {}): ClientHttp2Stream {
    return this.session.request({
      ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
      ...headers,
    })
  }

  /** Makes a call with one request. */
  async call<In extends MessageName>(
    path: string,
    request: In,
    message: Encodable<In>,
    metadata: Metadata = {},
  ): Promise<Reply<In>> {
    const call = this.open(path, request, metadata)
    call.send(message)
    call.end()
    const outcome = await call.outcome
    return { ...outcome, response: call.pending > 0 ? await call.next() : undefined }
  }

  /** The response of a call that must succeed. */
  async ok<In extends MessageName>(
    path: string,
    request: In,
    message: Encodable<In>,
  ): Promise<Decoded<ResponseOf<In>>> {
    const { code, text, response } = await this.call(path, request, message)
    if (code !== 0 || response === undefined) throw new Error(`${path}: ${code} ${text}`)
    return response
  }

  close(): void {
    this.session.destroy()
  }
}
