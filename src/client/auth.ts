/** The Auth interface over calls: passwords go to the node, which makes credentials of them. */
import { NitroError, utf8 } from '../../base/index.ts'
import type { Access, Auth, AuthRole, AuthStatus, AuthUser, Permission, RequestOptions } from '../api/index.ts'
import type { CallParams, CallValue } from '../wire/index.ts'

/** Calls of one client, as who it is. */
export interface AuthCalls {
  read(method: string, params: CallParams, options: RequestOptions | undefined): Promise<CallValue>
  change(method: string, params: CallParams, options: RequestOptions | undefined): Promise<CallValue>
}

/** Makes the Auth of a client. */
export function createAuth(calls: AuthCalls): Auth {
  const change = async (method: string, params: CallParams, options: RequestOptions | undefined): Promise<void> => {
    await calls.change(`auth.${method}`, params, options)
  }
  const read = async (method: string, params: CallParams, options: RequestOptions | undefined): Promise<CallParams> =>
    Object(await calls.read(`auth.${method}`, params, options)) as CallParams
  const names = async (method: string, options: RequestOptions | undefined): Promise<readonly string[]> =>
    stringsOf(await calls.read(`auth.${method}`, {}, options))
  return {
    enable: (options) => change('enable', {}, options),
    disable: (options) => change('disable', {}, options),
    async status(options): Promise<AuthStatus> {
      const { enabled, authRevision } = await read('status', {}, options)
      if (typeof enabled !== 'boolean' || typeof authRevision !== 'number') throw malformed('status')
      return { enabled, authRevision }
    },
    userAdd: (name, { password, noPassword, ...options }) => change('userAdd', { name, password, noPassword }, options),
    userDelete: (name, options) => change('userDelete', { name }, options),
    userChangePassword: (name, password, options) => change('userChangePassword', { name, password }, options),
    userGrantRole: (name, role, options) => change('userGrantRole', { name, role }, options),
    userRevokeRole: (name, role, options) => change('userRevokeRole', { name, role }, options),
    async userGet(name, options): Promise<AuthUser> {
      const { roles, noPassword } = await read('userGet', { name }, options)
      if (typeof noPassword !== 'boolean') throw malformed('user')
      return { name, roles: stringsOf(roles), noPassword }
    },
    userList: (options) => names('userList', options),
    roleAdd: (name, options) => change('roleAdd', { name }, options),
    roleDelete: (name, options) => change('roleDelete', { name }, options),
    async roleGet(name, options): Promise<AuthRole> {
      const { permissions } = await read('roleGet', { name }, options)
      if (!Array.isArray(permissions)) throw malformed('role')
      return { name, permissions: (permissions as readonly CallValue[]).map(permissionOf) }
    },
    roleList: (options) => names('roleList', options),
    async roleGrantPermission(name, permission, options) {
      // Callers without types may give none.
      if ((permission as unknown) === undefined) throw new NitroError('PermissionNotGiven', 'no permission was given')
      const { access, key, rangeEnd } = permission
      await change('roleGrantPermission', { name, access, key: bytesOf(key), rangeEnd: bytesOf(rangeEnd) }, options)
    },
    roleRevokePermission: (name, key, rangeEnd, options) =>
      change('roleRevokePermission', { name, key: bytesOf(key), rangeEnd: bytesOf(rangeEnd) }, options),
  }
}

function bytesOf(input: string | Uint8Array | undefined): Uint8Array {
  return typeof input === 'string' ? utf8(input) : (input ?? new Uint8Array())
}

function stringsOf(value: CallValue): readonly string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
  throw malformed('list of names')
}

const accesses: readonly string[] = ['read', 'write', 'readwrite'] satisfies Access[]

function permissionOf(value: CallValue): Permission {
  const { access, key, rangeEnd } = Object(value) as CallParams
  if (typeof access !== 'string' || !accesses.includes(access) || !(key instanceof Uint8Array)) {
    throw malformed('permission')
  }
  const end = rangeEnd instanceof Uint8Array ? { rangeEnd: new Uint8Array(rangeEnd) } : {}
  return { access: access as Access, key: new Uint8Array(key), ...end }
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', `the node's answer has no valid ${what}`)
}
