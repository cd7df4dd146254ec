/** The JSON form of the API: `POST /v3/...` with the request as an object. The methods are those of gRPC. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '../../../base/index.ts'
import { JsonCall } from './json-call.ts'
import type { Method } from './methods.ts'
import { RpcError, rpcCodes } from './rpc-error.ts'

/** Answers a request whose path begins with `/v3/`. */
export type JsonGateway = (request: IncomingMessage, response: ServerResponse) => void

/** Makes the handler. A request from a web page is refused: no page that a user visits may talk to a node. */
export function jsonGateway(methods: readonly Method[], logger: Logger): JsonGateway {
  const byPath = new Map<string, Method>()
  for (const method of methods) for (const path of method.http) byPath.set(path, method)
  return (request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?', 1)
    const method = byPath.get(path)
    if (method === undefined) return refuseRequest(request, response, 404, new RpcError('notFound', 'Not Found'))
    if (request.headers.origin !== undefined) {
      return refuseRequest(
        request,
        response,
        403,
        new RpcError('permissionDenied', 'requests from web pages are refused'),
      )
    }
    if (request.method !== 'POST') {
      return refuseRequest(request, response, 405, new RpcError('unimplemented', 'Method Not Allowed'))
    }
    new JsonCall(request, response, method, logger).run()
  }
}

function refuseRequest(request: IncomingMessage, response: ServerResponse, status: number, error: RpcError): void {
  const call = JSON.stringify({ error: error.message, message: error.message, code: rpcCodes[error.code] })
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(call),
    ...(status === 405 ? { allow: 'POST' } : {}),
  })
  response.end(call)
  request.resume()
}
