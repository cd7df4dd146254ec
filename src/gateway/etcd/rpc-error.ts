/** Outcomes of calls as gRPC names them, and how they travel. */

/** Status codes. */
export const rpcCodes = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const

/** Name of a status code. */
export type RpcCode = keyof typeof rpcCodes

/** A call ends with this. */
export class RpcError extends Error {
  readonly code: RpcCode

  constructor(code: RpcCode, message: string) {
    super(message)
    this.name = 'RpcError'
    this.code = code
  }
}

/** An error as a client of gRPC in Go prints it; etcd tells some errors within messages so. */
export function printed({ code, message }: RpcError): string {
  const name = code === 'cancelled' ? 'Canceled' : `${code.slice(0, 1).toUpperCase()}${code.slice(1)}`
  return `rpc error: code = ${name} desc = ${message}`
}

/** The status of HTTP that stands for a code in the JSON form. */
export const httpStatusOf: Readonly<Record<RpcCode, number>> = {
  ok: 200,
  cancelled: 408,
  unknown: 500,
  invalidArgument: 400,
  deadlineExceeded: 504,
  notFound: 404,
  alreadyExists: 409,
  permissionDenied: 403,
  resourceExhausted: 429,
  failedPrecondition: 412,
  aborted: 409,
  outOfRange: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  dataLoss: 500,
  unauthenticated: 401,
}

/**
 * A message as `grpc-message` carries it: percent-encoded UTF-8, with what is printable left as it is. Spaces at its ends are encoded,
 * too: HTTP/2 drops a field that has some.
 */
export function encodeRpcMessage(message: string): string {
  if (/^(?:[!-$&-~](?:[ -$&-~]*[!-$&-~])?)?$/.test(message)) return message
  const bytes = Buffer.from(message)
  let out = ''
  for (const [at, byte] of bytes.entries()) {
    const isEdge = at === 0 || at === bytes.length - 1
    const plain = byte <= 0x7e && byte >= (isEdge ? 0x21 : 0x20) && byte !== 0x25
    out += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}
