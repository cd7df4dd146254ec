/**
 * The bytes of one command, written once by the client and never again: the same bytes travel, lie in the log and are applied.
 *
 *   u8 flags         bit 0: a session header follows; bit 1: then a caller; other bits are unknown
 *   [16 bytes id, uint seq >= 1, uint answeredUpTo < seq]
 *   [blob user, uint auth revision]   who it is for; without a name: the owner of a member's process. Without it: nobody in particular
 *   u8 program       0: latin1 program name, latin1 method name; else a built-in, followed by u8 method
 *   args             all the rest
 */
import { NitroError, assert, latin1, text } from '../base/index.ts'
import type { ByteWriter } from '../base/index.ts'
import { isNamed, writeCaller } from './auth/principal.ts'
import type { Caller } from './auth/principal.ts'
import { maxCommandBytes } from './limits.ts'

/** Bytes of a session id. */
export const sessionIdBytes = 16

/** Bits of a command's first byte. */
const commandFlags = { session: 1, caller: 2 } as const

/** Built-in programs by code. Codes are part of the log format and never reused. */
export const builtins = { kv: 1, session: 2, lease: 3, sync: 4, system: 5, auth: 6 } as const

/** Methods of the kv program by code. */
export const kvMethods = { put: 1, delete: 2, write: 3, remove: 4, txn: 5, compact: 6 } as const

/** Methods of the session program by code. */
export const sessionMethods = { open: 1, close: 2, cancel: 3 } as const

/** Methods of the lease program by code. */
export const leaseMethods = { grant: 1, revoke: 2, keepAlive: 3 } as const

/** Methods of the sync program by code. */
export const syncMethods = { acquire: 1, release: 2, cancel: 3, proclaim: 4, set: 5 } as const

/** Methods of the system program by code. */
export const systemMethods = { activate: 1 } as const

/** Methods of the auth program by code. */
export const authMethods = {
  ...{ enable: 1, disable: 2, userAdd: 3, userDelete: 4, userChangePassword: 5, userGrantRole: 6, userRevokeRole: 7 },
  ...{ roleAdd: 8, roleDelete: 9, roleGrantPermission: 10, roleRevokePermission: 11 },
} as const

const builtinCodes = new Map<string, { readonly program: number; readonly methods: ReadonlyMap<string, number> }>([
  ['kv', { program: builtins.kv, methods: new Map(Object.entries(kvMethods)) }],
  ['session', { program: builtins.session, methods: new Map(Object.entries(sessionMethods)) }],
  ['lease', { program: builtins.lease, methods: new Map(Object.entries(leaseMethods)) }],
  ['sync', { program: builtins.sync, methods: new Map(Object.entries(syncMethods)) }],
  ['system', { program: builtins.system, methods: new Map(Object.entries(systemMethods)) }],
  ['auth', { program: builtins.auth, methods: new Map(Object.entries(authMethods)) }],
])
const methodCounts = [kvMethods, sessionMethods, leaseMethods, syncMethods, systemMethods, authMethods].map(
  (methods) => Object.keys(methods).length,
)

/** Makes a command execute at most once, however often it is sent. */
export interface SessionHeader {
  /** The id of an open session, 16 bytes. */
  readonly session: Uint8Array
  /** This command's number, from 1; one number for one command. */
  readonly seq: number
  /** Every number up to here has been answered: the machine may forget those answers. */
  readonly answeredUpTo: number
}

/** A command as data. */
export interface Command extends Partial<SessionHeader> {
  /** Who it is for. Default: nobody in particular. */
  readonly caller?: Caller | undefined
  /** A built-in's name or the name of a user's program. */
  readonly program: string
  readonly method: string
  /** The program's own encoding; for user programs a canonical value. */
  readonly args: Uint8Array
}

/** Appends a command. Throws `UnknownMethod` for a method that a built-in does not have. */
export function encodeCommand(writer: ByteWriter, command: Command): void {
  const { session, seq, answeredUpTo, caller } = command
  const header = session === undefined ? undefined : { session, seq: seq ?? 0, answeredUpTo: answeredUpTo ?? 0 }
  writeSessionHeader(writer, header, isNamed(caller))
  if (isNamed(caller)) writeCaller(writer, caller)
  const builtin = builtinCodes.get(command.program)
  if (builtin === undefined) {
    writer.u8(0)
    writer.latin1(command.program)
    writer.latin1(command.method)
  } else {
    const method = builtin.methods.get(command.method)
    if (method === undefined) {
      const details = { program: command.program, method: command.method }
      throw new NitroError('UnknownMethod', `${command.program} has no method ${command.method}`, { details })
    }
    writer.u8(builtin.program)
    writer.u8(method)
  }
  writer.raw(command.args)
}

/** Appends flags and session header; every command begins so. `undefined` means without a session; a caller may follow. */
export function writeSessionHeader(writer: ByteWriter, header: SessionHeader | undefined, withCaller = false): void {
  const flags = withCaller ? commandFlags.caller : 0
  if (header === undefined) {
    writer.u8(flags)
    return
  }
  assert(header.session.length === sessionIdBytes, 'session id of 16 bytes')
  assert(header.answeredUpTo < header.seq, () => `number ${header.seq} is among the answered ${header.answeredUpTo}`)
  writer.u8(flags | commandFlags.session)
  writer.raw(header.session)
  writer.uint(header.seq)
  writer.uint(header.answeredUpTo)
}

/** Where the parts of a command lie; one object is reused for every command. */
export class CommandHeader {
  /** Start of the session id, or -1 without a session. */
  sessionAt = -1
  seq = 0
  answeredUpTo = 0
  /** Start of the user's name, or -1 if the command does not say who it is for. */
  callerAt = -1
  callerEnd = -1
  authRevision = 0
  /** A built-in's code, or 0: then the names are given by the offsets below. */
  program = 0
  method = 0
  nameAt = 0
  nameEnd = 0
  methodAt = 0
  methodEnd = 0
  argsAt = 0
  argsEnd = 0
}

/**
 * Finds the parts of the command in `bytes[start, end)`, allocating nothing.
 * Throws `MalformedFrame` for bytes that are no command, `UnsupportedFormat` for flags or codes of another version.
 */
export function decodeCommandHeader(bytes: Uint8Array, start: number, end: number, out: CommandHeader): void {
  if (end - start < 3) throw malformed('too short')
  const flags = bytes[start] as number
  if (flags > (commandFlags.session | commandFlags.caller)) throw unsupported(`flags ${flags}`)
  cursor = start + 1
  out.callerAt = -1
  if ((flags & commandFlags.session) === 0) {
    out.sessionAt = -1
  } else {
    out.sessionAt = cursor
    cursor += sessionIdBytes
    out.seq = readUint(bytes, end)
    out.answeredUpTo = readUint(bytes, end)
    if (out.answeredUpTo >= out.seq) throw malformed('its number is among the answered ones')
  }
  if ((flags & commandFlags.caller) !== 0) readCaller(bytes, end, out)
  if (end - cursor < 2) throw malformed('no program')
  out.program = bytes[cursor++] as number
  if (out.program === 0) {
    const nameLength = readUint(bytes, end)
    out.nameAt = cursor
    out.nameEnd = cursor += nameLength
    const methodLength = readUint(bytes, end)
    out.methodAt = cursor
    out.methodEnd = cursor += methodLength
    if (cursor > end) throw malformed('names run past the end')
  } else {
    out.method = bytes[cursor++] as number
    const methods = methodCounts[out.program - 1]
    if (methods === undefined || out.method === 0 || out.method > methods) {
      throw unsupported(`program ${out.program}, method ${out.method}`)
    }
  }
  out.argsAt = cursor
  out.argsEnd = end
}

function readCaller(bytes: Uint8Array, end: number, out: CommandHeader): void {
  const length = readUint(bytes, end)
  out.callerAt = cursor
  out.callerEnd = cursor += length
  if (cursor > end) throw malformed('the user runs past the end')
  out.authRevision = readUint(bytes, end)
}

/** The position of the decoder. A variable of the module, because it never outlives one call and a field would cost. */
let cursor = 0

function readUint(bytes: Uint8Array, end: number): number {
  let value = 0
  let scale = 1
  for (let i = 0; i < 8; i++) {
    if (cursor >= end) throw malformed('cut off')
    const byte = bytes[cursor++] as number
    value += (byte & 0x7f) * scale
    if (byte < 0x80) {
      if (byte === 0 && i > 0) throw malformed('padded integer')
      if (value > Number.MAX_SAFE_INTEGER) throw malformed('integer above 2^53')
      return value
    }
    scale *= 0x80
  }
  throw malformed('integer too long')
}

/**
 * What a node checks before it lets a command into the log, so that no foreign bytes are replicated, and nobody but the leader
 * itself says what is active. Gives its header, which is valid until the next call.
 * Throws `RequestTooLarge`, `MalformedFrame`, `UnsupportedFormat` or `InvalidArgument`.
 */
export function checkCommand(bytes: Uint8Array): CommandHeader {
  if (bytes.length > maxCommandBytes) {
    const details = { bytes: bytes.length, limit: maxCommandBytes }
    throw new NitroError('RequestTooLarge', `a command of ${bytes.length} bytes`, { details })
  }
  decodeCommandHeader(bytes, 0, bytes.length, checked)
  if (checked.program === builtins.system) {
    throw new NitroError('InvalidArgument', 'commands of the system program are proposed by the leader alone')
  }
  return checked
}
const checked = new CommandHeader()

/** A decoded command, for tools and tests; names of built-ins are resolved. Throws as {@link decodeCommandHeader}. */
export function decodeCommand(bytes: Uint8Array): Command {
  const header = new CommandHeader()
  decodeCommandHeader(bytes, 0, bytes.length, header)
  const args = bytes.slice(header.argsAt, header.argsEnd)
  const names =
    header.program === 0
      ? {
          program: latin1(bytes, header.nameAt, header.nameEnd),
          method: latin1(bytes, header.methodAt, header.methodEnd),
        }
      : builtinNames(header.program, header.method)
  const caller = header.callerAt < 0 ? {} : { caller: callerOf(bytes, header) }
  if (header.sessionAt < 0) return { ...caller, ...names, args }
  const session = bytes.slice(header.sessionAt, header.sessionAt + sessionIdBytes)
  return { session, seq: header.seq, answeredUpTo: header.answeredUpTo, ...caller, ...names, args }
}

/** Who a command says it is for; it says so. */
export function callerOf(bytes: Uint8Array, { callerAt, callerEnd, authRevision }: CommandHeader): Caller {
  return callerAt === callerEnd ? 'owner' : { user: text(bytes.subarray(callerAt, callerEnd)), authRevision }
}

function builtinNames(program: number, method: number): { program: string; method: string } {
  for (const [name, builtin] of builtinCodes) {
    if (builtin.program !== program) continue
    for (const [methodName, code] of builtin.methods) if (code === method) return { program: name, method: methodName }
  }
  throw unsupported(`program ${program}, method ${method}`)
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', `command: ${what}`)
}

function unsupported(what: string): NitroError {
  return new NitroError('UnsupportedFormat', `command with ${what}`)
}
