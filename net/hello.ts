/**
 * The handshake's two messages as bytes: hello and refusal. Normative layout: `README.md`.
 *
 * The first frame of each side starts with bytes that never change in any version: format 0, kind, magic, and the
 * range of protocol versions. So even a side from the future is refused with a clear error instead of a decoding
 * failure. A speaker of a newer version may append fields, which older ones skip; nobody else may leave bytes over.
 */
import {
  ByteReader,
  ByteWriter,
  emptyBytes,
  type ErrorCode,
  type ErrorDetails,
  isErrorCode,
  NitroError,
  utf8,
} from '../base/index.ts'

/** Whom the sender is: a member of a cluster (or one that wants to be), or a client. */
export type Role = 'peer' | 'client'
/** What the link is for: votes, heartbeats, reads and acks; appends and snapshots; or client requests. */
export type Channel = 'control' | 'bulk' | 'client'

/** What each side says about itself. */
export interface Hello {
  /** The range of protocol versions this side speaks, 1-255, inclusive. */
  readonly protocolMin: number
  readonly protocolMax: number
  readonly role: Role
  readonly channel: Channel
  /** Empty while the cluster has not formed; at most 64 bytes. */
  readonly clusterId: Uint8Array
  /** The member's or client's name; at most 256 bytes of UTF-8. */
  readonly name: string
  /** 16 bytes for a member, empty for a client. */
  readonly incarnation: Uint8Array
  /** Drawn at each start of the process; 8-16 bytes. */
  readonly startId: Uint8Array
  /** Where this side can be dialed, or empty; at most 512 bytes. */
  readonly address: string
  /** The range of entry formats this side can apply. */
  readonly formatMin: number
  readonly formatMax: number
  /** Names of behaviours this side supports; at most 64 of at most 64 bytes each. */
  readonly flags: readonly string[]
  /** Opaque to net/; at most 32 KiB. */
  readonly extra: Uint8Array
}

/** The protocol versions this build speaks. */
export const protocolVersions = { min: 1, max: 1 } as const

/** First byte of a handshake frame; session frames carry the negotiated version, which is never 0. */
export const handshakeFormat = 0
/** Largest handshake frame. */
export const maxHelloBytes = 64 * 1024

/** Kinds 0-15 belong to net/; what stands above uses 16-255. */
export const frameKinds = { hello: 1, refusal: 2, goodbye: 3 } as const
/** The first kind that is free for messages. */
export const firstFreeKind = 16

const magic = 0x4c53_544e // "NTSL" as little-endian bytes on the wire
const roles: readonly Role[] = ['peer', 'client']
const channels: readonly Channel[] = ['control', 'bulk', 'client']
const lengths = {
  clusterId: 64,
  name: 256,
  incarnation: 16,
  startId: 16,
  address: 512,
  flag: 64,
  extra: 32 * 1024,
}
const flagsMax = 64

/** A handshake frame, decoded as far as this side can. */
export type HandshakeFrame =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'foreign'; readonly protocolMin: number; readonly protocolMax: number }
  | { readonly kind: 'refusal'; readonly error: NitroError }

/** The bytes of a hello frame. Throws `InvalidArgument` when a field is above its limit. */
export function encodeHello(hello: Hello): Uint8Array {
  const out = new ByteWriter(256 + hello.extra.length)
  prefix(out, frameKinds.hello, hello.protocolMin, hello.protocolMax)
  out.u8(roles.indexOf(hello.role))
  out.u8(channels.indexOf(hello.channel))
  out.blob(hello.clusterId)
  out.string(hello.name)
  out.blob(hello.incarnation)
  out.blob(hello.startId)
  out.string(hello.address)
  out.u16(hello.formatMin)
  out.u16(hello.formatMax)
  out.uint(hello.flags.length)
  for (const flag of hello.flags) out.string(flag)
  out.blob(hello.extra)
  const frame = out.take()
  try {
    decodeHandshake(frame, { protocolMin: hello.protocolMin, protocolMax: hello.protocolMax })
  } catch (error) {
    throw new NitroError('InvalidArgument', 'a field of the hello is out of its limits', {
      cause: error,
    })
  }
  return frame
}

/** The bytes of a refusal frame; the sender's range of versions is in it, so that the other side can tell why. */
export function encodeRefusal(error: NitroError, protocolMin: number, protocolMax: number): Uint8Array {
  const out = new ByteWriter()
  prefix(out, frameKinds.refusal, protocolMin, protocolMax)
  writeError(out, error)
  return out.take()
}

/** Decodes a handshake frame for a side that speaks `mine`. Throws `MalformedFrame` or `FrameTooLarge`. */
export function decodeHandshake(
  frame: Uint8Array,
  mine: { readonly protocolMin: number; readonly protocolMax: number },
): HandshakeFrame {
  if (frame.length > maxHelloBytes) {
    throw new NitroError('FrameTooLarge', `a handshake frame of ${frame.length} bytes is above ${maxHelloBytes}`)
  }
  const input = new ByteReader(frame)
  if (input.u8() !== handshakeFormat) throw malformed('the first frame is not a handshake')
  const kind = input.u8()
  if (input.u32() !== magic) throw malformed('the magic bytes are wrong')
  const protocolMin = input.u8()
  const protocolMax = input.u8()
  if (protocolMin < 1 || protocolMax < protocolMin) throw malformed('the range of versions is empty')
  if (kind === frameKinds.refusal) return { kind: 'refusal', error: readError(input) }
  if (kind !== frameKinds.hello) throw malformed(`kind ${kind} is not part of the handshake`)
  if (protocolMin > mine.protocolMax || protocolMax < mine.protocolMin) {
    return { kind: 'foreign', protocolMin, protocolMax }
  }
  const hello: Hello = {
    protocolMin,
    protocolMax,
    role: oneOf(roles, input.u8(), 'role'),
    channel: oneOf(channels, input.u8(), 'channel'),
    clusterId: new Uint8Array(bounded(input, lengths.clusterId, 'cluster id')),
    name: boundedText(input, lengths.name, 'name'),
    incarnation: new Uint8Array(bounded(input, lengths.incarnation, 'incarnation')),
    startId: new Uint8Array(bounded(input, lengths.startId, 'start id')),
    address: boundedText(input, lengths.address, 'address'),
    formatMin: input.u16(),
    formatMax: input.u16(),
    flags: readFlags(input),
    extra: new Uint8Array(bounded(input, lengths.extra, 'extra')),
  }
  if (hello.incarnation.length !== 16 && hello.incarnation.length !== 0) throw malformed('incarnation is not 16 bytes')
  if (hello.startId.length < 8) throw malformed('start id is shorter than 8 bytes')
  if (hello.formatMax < hello.formatMin) throw malformed('the range of formats is empty')
  if (protocolMax <= mine.protocolMax) input.finish()
  return { kind: 'hello', hello }
}

function prefix(out: ByteWriter, kind: number, protocolMin: number, protocolMax: number): void {
  out.u8(handshakeFormat)
  out.u8(kind)
  out.u32(magic)
  out.u8(protocolMin)
  out.u8(protocolMax)
}

function readFlags(input: ByteReader): string[] {
  const count = input.uint()
  if (count > flagsMax) throw malformed(`${count} flags`)
  return Array.from({ length: count }, () => boundedText(input, lengths.flag, 'flag'))
}

function bounded(input: ByteReader, max: number, what: string): Uint8Array {
  const bytes = input.blob()
  if (bytes.length > max) throw malformed(`${what} of ${bytes.length} bytes`)
  return bytes
}

function boundedText(input: ByteReader, max: number, what: string): string {
  const value = input.string()
  if (utf8(value).length > max) throw malformed(`${what} is too long`)
  return value
}

function oneOf<T>(table: readonly T[], at: number, what: string): T {
  const value = table[at]
  if (value === undefined) throw malformed(`${what} ${at} is unknown`)
  return value
}

const messageMaxBytes = 2048
const detailsMax = 32
/** Details that do not fit are left out. */
const detailsMaxChars = 8192

/** Writes an error as it travels in refusals and goodbyes: code, message, retryable, executed, details. */
export function writeError(out: ByteWriter, error: NitroError): void {
  out.string(error.code)
  out.string(error.message.slice(0, messageMaxBytes / 4))
  out.u8(error.retryable ? 1 : 0)
  out.u8(outcomes.indexOf(error.executed))
  let room = detailsMaxChars
  const details = Object.entries(error.details)
    .slice(0, detailsMax)
    .map(([key, value]) => [key, JSON.stringify(value)] as const)
    .filter(([key, json]) => {
      const fits = key.length + json.length <= room
      if (fits) room -= key.length + json.length
      return fits
    })
  out.uint(details.length)
  for (const [key, json] of details) {
    out.string(key)
    out.string(json)
  }
}

const outcomes = ['no', 'maybe', 'yes'] as const

/** Reads what {@link writeError} wrote. A code of a later version becomes `ConnectionClosed` with the code in details. */
export function readError(input: ByteReader): NitroError {
  const code = input.string()
  const message = boundedText(input, messageMaxBytes, 'error message')
  const retryable = input.u8() === 1
  const executed = oneOf(outcomes, input.u8(), 'outcome')
  const count = input.uint()
  if (count > detailsMax) throw malformed(`${count} details`)
  const details = Object.fromEntries(Array.from({ length: count }, () => [input.string(), detail(input.string())]))
  input.finish()
  const known: ErrorCode = isErrorCode(code) ? code : 'ConnectionClosed'
  return new NitroError(known, message, {
    retryable,
    executed,
    details: known === code ? details : { ...details, code },
  })
}

function detail(json: string): ErrorDetails[string] {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw malformed('a detail is not JSON')
  }
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as string
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw malformed('a detail has a type that does not travel')
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', `malformed handshake: ${what}`)
}

/** The highest version both ranges hold, or undefined. */
export function commonVersion(
  a: { readonly protocolMin: number; readonly protocolMax: number },
  b: { readonly protocolMin: number; readonly protocolMax: number },
): number | undefined {
  const version = Math.min(a.protocolMax, b.protocolMax)
  return version >= Math.max(a.protocolMin, b.protocolMin) ? version : undefined
}

/** A hello for the parts a caller does not care about: a client without cluster, address, flags or extra bytes. */
export function clientHello(name: string, startId: Uint8Array): Hello {
  return {
    protocolMin: protocolVersions.min,
    protocolMax: protocolVersions.max,
    role: 'client',
    channel: 'client',
    clusterId: emptyBytes,
    name,
    incarnation: emptyBytes,
    startId,
    address: '',
    formatMin: 1,
    formatMax: 1,
    flags: [],
    extra: emptyBytes,
  }
}
