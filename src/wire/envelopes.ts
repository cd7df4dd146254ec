/**
 * Envelopes: calls, their replies, and streams. Rare and small next to commands, so they are msgpack maps; every shape
 * is checked by hand, and nothing but plain data is let in. Nothing of this is persisted, hashed or replicated.
 *
 *   call    {id, method, params}                client -> node
 *   reply   {id, ok: true, value} | {id, ok: false, error}
 *   stream  {id, seq, data?, end?, error?}      node -> client; `seq` counts from 0 without gaps, the last one has `end`
 */
import { Packr } from 'msgpackr'
import { isNitroError, messageOf, NitroError } from '../../base/index.ts'
import { decodeError, encodeError } from './errors.ts'
import { checkMsgpack } from './msgpack-check.ts'

/** What calls take and give: plain data. Undefined fields arrive as null. */
export type CallValue =
  | null
  | undefined
  | boolean
  | number
  | string
  | Uint8Array
  | readonly CallValue[]
  | { readonly [key: string]: CallValue }

/** Named arguments of a call. */
export type CallParams = { readonly [key: string]: CallValue }

/** A request to a node's control interface. */
export interface Call {
  /** Chosen by the caller, unique among its calls under way. */
  readonly id: number
  readonly method: string
  readonly params: CallParams
}

/** The end of a call. */
export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: CallValue }
  | { readonly id: number; readonly ok: false; readonly error: NitroError }

/** A piece of a streamed answer. */
export interface StreamChunk {
  readonly id: number
  readonly seq: number
  readonly data?: Uint8Array | undefined
  /** The last piece; with `error` when the stream broke off. */
  readonly end?: boolean | undefined
  readonly error?: NitroError | undefined
}

const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true, variableMapSize: true, int64AsType: 'number' })

/** The bytes of a call. */
export function encodeCall(call: Call): Uint8Array {
  return packr.pack({ id: call.id, method: call.method, params: call.params })
}

/** Reads a call. Throws `MalformedFrame`. */
export function decodeCall(payload: Uint8Array): Call {
  const { id, method, params } = unpackMap(payload)
  if (typeof method !== 'string' || !isMap(params)) throw malformed('call')
  return { id: checkCount(id, 'call id'), method, params }
}

/** The bytes of a reply. */
export function encodeReply(reply: Reply): Uint8Array {
  if (reply.ok) return packr.pack({ id: reply.id, ok: true, value: reply.value })
  return packr.pack({ id: reply.id, ok: false, error: encodeError(reply.error) })
}

/** Reads a reply. Throws `MalformedFrame`. */
export function decodeReply(payload: Uint8Array): Reply {
  const { id: rawId, ok, value, error } = unpackMap(payload)
  const id = checkCount(rawId, 'reply id')
  if (ok === true) return { id, ok, value }
  if (ok === false) return { id, ok, error: decodeError(error) }
  throw malformed('reply')
}

/** The bytes of a stream chunk. */
export function encodeStreamChunk(chunk: StreamChunk): Uint8Array {
  const { id, seq, data, end, error } = chunk
  return packr.pack({
    id,
    seq,
    ...(data === undefined ? undefined : { data }),
    ...(end === true ? { end } : undefined),
    ...(error === undefined ? undefined : { error: encodeError(error) }),
  })
}

/** Reads a stream chunk. Throws `MalformedFrame`. */
export function decodeStreamChunk(payload: Uint8Array): StreamChunk {
  const map = unpackMap(payload)
  const id = checkCount(map['id'], 'stream id')
  const seq = checkCount(map['seq'], 'stream position')
  const { data, end, error } = map
  if (data !== undefined && !(data instanceof Uint8Array)) throw malformed('stream data')
  if (end !== undefined && end !== true) throw malformed('stream end')
  if (error !== undefined && end !== true) throw malformed('stream error before the end')
  return { id, seq, data, end, error: error === undefined ? undefined : decodeError(error) }
}

function unpackMap(payload: Uint8Array): CallParams {
  checkMsgpack(payload)
  let value: unknown
  try {
    value = packr.unpack(payload)
  } catch (error) {
    throw isNitroError(error) ? error : malformed(messageOf(error))
  }
  if (!isMap(value as CallValue)) throw malformed('envelope')
  return value as CallParams
}

function isMap(value: CallValue): value is CallParams {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

function checkCount(value: CallValue, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw malformed(what)
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', `malformed ${what}`)
}
