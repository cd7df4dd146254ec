/** Methods as data: what is called how, by gRPC and by JSON, and what runs then. */
import type { CallContext, DuplexCall, StreamCall } from './call.ts'
import { codecOf } from './messages.ts'
import type { MessageCodec } from './messages.ts'
import type { Decoded, Encodable, MessageName } from './schema/index.ts'

/** What runs for a call; kinds differ in who streams. */
export type Handler<In, Out> =
  | { readonly kind: 'unary'; readonly run: (request: In, context: CallContext) => Promise<Out> }
  | { readonly kind: 'stream'; readonly run: (request: In, call: StreamCall<Out>) => Promise<void> }
  | { readonly kind: 'duplex'; readonly run: (call: DuplexCall<In, Out>) => Promise<void> }

/** A method whose messages are of any kind. */
export interface Method {
  /** `/package.Service/Method`. */
  readonly path: string
  readonly request: MessageCodec<unknown, unknown>
  readonly response: MessageCodec<unknown, unknown>
  /** Paths of the JSON form. */
  readonly http: readonly string[]
  readonly handler: Handler<unknown, unknown>
}

/** A row of a service. */
export type Row = (service: string) => Method

function row<In extends MessageName, Out extends MessageName>(
  name: string,
  request: In,
  response: Out,
  http: readonly string[],
  handler: Handler<Decoded<In>, Encodable<Out>>,
): Row {
  return (service) => ({
    path: `/${service}/${name}`,
    request: codecOf(request) as MessageCodec<unknown, unknown>,
    response: codecOf(response) as MessageCodec<unknown, unknown>,
    http,
    handler: handler as Handler<unknown, unknown>,
  })
}

/** A method with one request and one response. */
export function unary<In extends MessageName, Out extends MessageName>(
  name: string,
  [request, response]: readonly [In, Out],
  http: readonly string[],
  run: (request: Decoded<In>, context: CallContext) => Promise<Encodable<Out>>,
): Row {
  return row(name, request, response, http, { kind: 'unary', run })
}

/** A method with one request and a stream of responses. */
export function stream<In extends MessageName, Out extends MessageName>(
  name: string,
  [request, response]: readonly [In, Out],
  http: readonly string[],
  run: (request: Decoded<In>, call: StreamCall<Encodable<Out>>) => Promise<void>,
): Row {
  return row(name, request, response, http, { kind: 'stream', run })
}

/** A method with streams both ways. */
export function duplex<In extends MessageName, Out extends MessageName>(
  name: string,
  [request, response]: readonly [In, Out],
  http: readonly string[],
  run: (call: DuplexCall<Decoded<In>, Encodable<Out>>) => Promise<void>,
): Row {
  return row(name, request, response, http, { kind: 'duplex', run })
}

/** The methods of a service. */
export function service(name: string, rows: readonly Row[]): readonly Method[] {
  return rows.map((make) => make(name))
}
