/**
 * Arguments and results of the auth program.
 *
 *   enable                blob signing key                             disable               nothing
 *   userAdd               blob user, blob credential (empty: none)     userDelete            blob user
 *   userChangePassword    blob user, blob credential                   roleAdd, roleDelete   blob role
 *   userGrantRole, userRevokeRole      blob user, blob role
 *   roleGrantPermission   blob role, permission                        roleRevokePermission  blob role, blob key, blob range end
 *     all                                                              -> uint auth revision
 *
 *   status    nothing                                                  -> u8 enabled, uint auth revision
 *   userGet   blob user                                                -> u8 has a password, uint n, n x blob role
 *   roleGet   blob role                                                -> uint n, n x permission
 *   userList, roleList   nothing                                       -> uint n, n x blob name
 *
 *   permission   u8 access (0 read, 1 write, 2 both), blob key, blob range end
 */
import { ByteReader, ByteWriter, NitroError, emptyBytes, fromLatin1, latin1, text, utf8 } from '../../base/index.ts'
import { accessCodes } from './permission.ts'
import type { Access } from './permission.ts'
import { readPermissions, writePermission } from './record.ts'

/** A permission as callers give and get it. */
export interface Permission {
  readonly access: Access
  readonly key: Uint8Array
  /** Not given, or empty: the key alone; one zero byte: every key from `key` on; else the first key past the range. */
  readonly rangeEnd?: Uint8Array | undefined
}

/** The answer of auth.status. */
export interface AuthStatus {
  /** Whether permissions are in force. */
  readonly enabled: boolean
  readonly authRevision: number
}

/** The answer of auth.userGet. */
export interface UserInfo {
  readonly noPassword: boolean
  /** In byte order. */
  readonly roles: readonly string[]
}

/** Arguments that are names and other bytes. */
export function encodeAuthArgs(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const writer = new ByteWriter(64)
  for (const part of parts) writer.blob(typeof part === 'string' ? utf8(part) : part)
  return writer.take()
}

/** Arguments of auth.roleGrantPermission. Throws `InvalidArgument`. */
export function encodeGrantPermissionArgs(
  role: string,
  { access, key, rangeEnd = emptyBytes }: Permission,
): Uint8Array {
  if (!accessCodes.includes(access)) {
    throw new NitroError('InvalidArgument', `access is ${JSON.stringify(access)}; it must be ${accessCodes.join(', ')}`)
  }
  const writer = new ByteWriter(64)
  writer.blob(utf8(role))
  writePermission(writer, { access, key: latin1(key), rangeEnd: latin1(rangeEnd) })
  return writer.take()
}

/** The payload of every command's result: the auth revision after it. */
export function decodeAuthRevision(payload: Uint8Array): number {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  reader.finish()
  return revision
}

/** The payload of auth.status. */
export function decodeAuthStatus(payload: Uint8Array): AuthStatus {
  const reader = new ByteReader(payload)
  const status = { enabled: reader.u8() !== 0, authRevision: reader.uint() }
  reader.finish()
  return status
}

/** The payload of auth.userGet. */
export function decodeUserInfo(payload: Uint8Array): UserInfo {
  const reader = new ByteReader(payload)
  const info = { noPassword: reader.u8() === 0, roles: readNames(reader) }
  reader.finish()
  return info
}

/** The payload of auth.userList and auth.roleList. */
export function decodeNames(payload: Uint8Array): readonly string[] {
  const reader = new ByteReader(payload)
  const names = readNames(reader)
  reader.finish()
  return names
}

/** The payload of auth.roleGet. */
export function decodePermissions(payload: Uint8Array): readonly Permission[] {
  const reader = new ByteReader(payload)
  const permissions = readPermissions(reader)
  reader.finish()
  return permissions.map(({ access, key, rangeEnd }) => ({
    access,
    key: fromLatin1(key),
    ...(rangeEnd === '' ? {} : { rangeEnd: fromLatin1(rangeEnd) }),
  }))
}

function readNames(reader: ByteReader): string[] {
  const names: string[] = []
  for (let left = reader.uint(); left > 0; left--) names.push(text(reader.blob()))
  return names
}
