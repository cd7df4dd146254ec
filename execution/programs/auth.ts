/** The built-in auth program: its commands and queries. Who may call them was checked before. */
import { ByteReader, ByteWriter, NitroError } from '../../base/index.ts'
import type { Auth } from '../auth/auth.ts'
import { root } from '../auth/auth.ts'
import { authLimits } from '../auth/limits.ts'
import { rootPermission } from '../auth/permission.ts'
import { readPermission, writePermissions } from '../auth/record.ts'
import { authMethods } from '../command.ts'
import type { MachineLimits } from '../limits.ts'
import { okStatus } from '../result.ts'

/** Applies an auth method with the arguments in `bytes[at, end)` and returns its result. */
export function runAuth(
  auth: Auth,
  limits: MachineLimits,
  method: number,
  bytes: Uint8Array,
  at: number,
  end: number,
): Uint8Array {
  const change = readChange(auth, limits, method, new ByteReader(bytes, at, end))
  change()
  const writer = begin()
  writer.uint(auth.revision)
  return writer.take()
}

/** Reads all arguments, then gives the change. Throws `MalformedFrame`, `KeyTooLarge`, `InvalidArgument`. */
function readChange(auth: Auth, limits: MachineLimits, method: number, reader: ByteReader): () => void {
  if (method === authMethods.enable) {
    const key = reader.blob()
    return done(reader, () => auth.enable(key))
  }
  if (method === authMethods.disable) return done(reader, () => auth.disable())
  const name = reader.latin1()
  switch (method) {
    case authMethods.userAdd: {
      const credential = readCredential(reader)
      return done(reader, () => auth.addUser(name, credential))
    }
    case authMethods.userDelete:
      return done(reader, () => auth.deleteUser(name))
    case authMethods.userChangePassword: {
      const credential = readCredential(reader)
      return done(reader, () => auth.changePassword(name, credential))
    }
    case authMethods.userGrantRole: {
      const role = reader.latin1()
      return done(reader, () => auth.grantRole(name, role))
    }
    case authMethods.userRevokeRole: {
      const role = reader.latin1()
      return done(reader, () => auth.revokeRole(name, role))
    }
    case authMethods.roleAdd:
      return done(reader, () => auth.addRole(name))
    case authMethods.roleDelete:
      return done(reader, () => auth.deleteRole(name))
    case authMethods.roleGrantPermission: {
      const permission = readPermission(reader)
      for (const key of [permission.key, permission.rangeEnd]) checkKey(key, limits)
      return done(reader, () => auth.grantPermission(name, permission))
    }
    default: {
      const range = { key: reader.latin1(), rangeEnd: reader.latin1() }
      return done(reader, () => auth.revokePermission(name, range))
    }
  }
}

function done(reader: ByteReader, change: () => void): () => void {
  reader.finish()
  return change
}

/** Answers a query of the auth program; undefined when it has none of this name. Throws `UserNotFound`, `RoleNotFound`. */
export function queryAuth(auth: Auth, method: string, args: Uint8Array): Uint8Array | undefined {
  const reader = new ByteReader(args)
  const writer = begin()
  if (method === 'status') {
    writer.u8(auth.enabled ? 1 : 0)
    writer.uint(auth.revision)
  } else if (method === 'userList') writeNames(writer, [...auth.users.keys()].sort())
  else if (method === 'roleList') writeNames(writer, [...auth.roles.keys()].sort())
  else if (method === 'userGet') {
    const { credential, roles } = auth.user(reader.latin1())
    writer.u8(credential.length > 0 ? 1 : 0)
    writeNames(writer, roles)
  } else if (method === 'roleGet') {
    const { name, permissions } = auth.role(reader.latin1())
    writePermissions(writer, name === root ? [rootPermission] : permissions)
  } else return undefined
  reader.finish()
  return writer.take()
}

function readCredential(reader: ByteReader): Uint8Array {
  const credential = reader.blob()
  if (credential.length <= authLimits.credentialBytes) return credential
  throw new NitroError('InvalidArgument', `a credential of ${credential.length} bytes`)
}

function checkKey({ length: bytes }: string, { keyBytes: limit }: MachineLimits): void {
  if (bytes <= limit) return
  throw new NitroError('KeyTooLarge', `${bytes} bytes; the limit is ${limit}`, { details: { bytes, limit } })
}

function writeNames(writer: ByteWriter, names: readonly string[]): void {
  writer.uint(names.length)
  for (const name of names) writer.latin1(name)
}

function begin(): ByteWriter {
  const writer = new ByteWriter(64)
  writer.u8(okStatus)
  return writer
}
