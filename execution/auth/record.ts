/**
 * Users and roles, and their stored form, which is also what is hashed.
 *
 *   key    'a', 'u' user | 'r' role, name
 *   value  u8 format 1, then   user: blob credential, uint credential revision, uint n, n x role name
 *                              role: uint n, n x permission
 *          16 bytes: hash of the key and everything before
 *   permission  u8 access, key, range end
 *
 * Names and keys are strings of bytes with their length.
 */
import { ByteReader, ByteWriter, NitroError, fromLatin1, hash128Into, isNitroError, latin1 } from '../../base/index.ts'
import type { Hash128 } from '../../base/index.ts'
import { damaged } from '../record.ts'
import { accessCodes } from './permission.ts'
import type { StoredPermission } from './permission.ts'

/** A user. */
export interface User {
  readonly name: string
  /** What its password is checked against, made outside of the machine; empty for a user without one. */
  readonly credential: Uint8Array
  /** The auth revision at which the user was added, or last given a password: what it was shown before is void. */
  readonly credentialRevision: number
  /** Names of roles, in byte order. */
  readonly roles: readonly string[]
}

/** A role. */
export interface Role {
  readonly name: string
  /** In the order of keys, then of ends; of a range at most one. */
  readonly permissions: readonly StoredPermission[]
}

/** A user or role as it is stored. */
export type AuthRecord = { readonly kind: 'user'; readonly user: User } | { readonly kind: 'role'; readonly role: Role }

const recordFormat = 1
const hashBytes = 16
const tags = { user: 'au', role: 'ar' } as const

/** The key of a stored record, as latin1. */
export function authRecordKey(kind: AuthRecord['kind'], name: string): string {
  return tags[kind] + name
}

/** Whether a stored record is a user's or a role's. */
export function isAuthKey(key: Uint8Array): boolean {
  return key[0] === 0x61
}

/** The stored value of a record. */
export function encodeAuthRecord(key: string, record: AuthRecord): Uint8Array {
  const writer = new ByteWriter(256)
  writer.u8(recordFormat)
  if (record.kind === 'user') writeUser(writer, record.user)
  else writePermissions(writer, record.role.permissions)
  for (const lane of hashOf(key, writer.view())) writer.u32(lane)
  return writer.take()
}

/** The hash that stands at the end of a stored value. */
export function authRecordHash(value: Uint8Array): Hash128 {
  const reader = new ByteReader(value, value.length - hashBytes)
  return Uint32Array.of(reader.u32(), reader.u32(), reader.u32(), reader.u32())
}

/** A record from its stored form. Throws `StateDamaged`, or `UnsupportedFormat` for an intact one of another version. */
export function decodeAuthRecord(keyBytes: Uint8Array, value: Uint8Array): AuthRecord {
  const key = latin1(keyBytes)
  const end = value.length - hashBytes
  if (end < 0) throw damaged('an auth record is too short')
  const actual = hashOf(key, value.subarray(0, end))
  if (authRecordHash(value).some((lane, i) => lane !== actual[i])) throw damaged('an auth record has a wrong checksum')
  try {
    const reader = new ByteReader(value, 0, end)
    const format = reader.u8()
    if (format !== recordFormat) throw new NitroError('UnsupportedFormat', `auth record of format ${format}`)
    const record = readRecord(reader, key)
    reader.finish()
    return record
  } catch (thrown) {
    if (isNitroError(thrown, 'MalformedFrame')) throw damaged(`an auth record: ${thrown.message}`)
    throw thrown
  }
}

/** Appends permissions. */
export function writePermissions(writer: ByteWriter, permissions: readonly StoredPermission[]): void {
  writer.uint(permissions.length)
  for (const permission of permissions) writePermission(writer, permission)
}

/** Reads permissions. Throws `MalformedFrame`. */
export function readPermissions(reader: ByteReader): StoredPermission[] {
  const permissions: StoredPermission[] = []
  for (let left = reader.uint(); left > 0; left--) permissions.push(readPermission(reader))
  return permissions
}

/** Appends a permission. */
export function writePermission(writer: ByteWriter, { access, key, rangeEnd }: StoredPermission): void {
  writer.u8(accessCodes.indexOf(access))
  writer.latin1(key)
  writer.latin1(rangeEnd)
}

/** Reads a permission. Throws `MalformedFrame`. */
export function readPermission(reader: ByteReader): StoredPermission {
  const access = accessCodes[reader.u8()]
  if (access === undefined) throw new NitroError('MalformedFrame', 'a permission of an unknown kind')
  return { access, key: reader.latin1(), rangeEnd: reader.latin1() }
}

function readRecord(reader: ByteReader, key: string): AuthRecord {
  const name = key.slice(tags.user.length)
  if (key.startsWith(tags.role)) return { kind: 'role', role: { name, permissions: readPermissions(reader) } }
  if (!key.startsWith(tags.user)) throw damaged('an auth record under an impossible key')
  const credential = reader.blob().slice()
  const credentialRevision = reader.uint()
  const roles: string[] = []
  for (let left = reader.uint(); left > 0; left--) roles.push(reader.latin1())
  return { kind: 'user', user: { name, credential, credentialRevision, roles } }
}

function writeUser(writer: ByteWriter, { credential, credentialRevision, roles }: User): void {
  writer.blob(credential)
  writer.uint(credentialRevision)
  writer.uint(roles.length)
  for (const role of roles) writer.latin1(role)
}

function hashOf(key: string, content: Uint8Array): Hash128 {
  const whole = new Uint8Array(key.length + content.length)
  whole.set(fromLatin1(key), 0)
  whole.set(content, key.length)
  const hash = new Uint32Array(4)
  hash128Into(hash, 0, whole, 0, whole.length)
  return hash
}
