/** Management of users as clients call it: passwords come here to be made credentials, and leave for the log as such. */
import { NitroError } from '../../../base/index.ts'
import type { Access, Auth, Principal } from '../../api/index.ts'
import type { CallParams, CallValue } from '../../wire/index.ts'
import type { LocalAuth } from './node-auth.ts'

/** Runs a call on behalf of a principal. Throws what {@link Auth} throws, and `UnknownMethod`. */
export async function callAuth(
  local: LocalAuth,
  principal: Principal,
  method: string,
  params: CallParams,
): Promise<CallValue> {
  const auth: Auth = local.for(principal)
  const options = { timeoutMs: typeof params['timeoutMs'] === 'number' ? params['timeoutMs'] : undefined }
  const name = (): string => textOf(params, 'name')
  switch (method) {
    case 'enable':
      return done(auth.enable(options))
    case 'disable':
      return done(auth.disable(options))
    case 'status':
      return { ...(await auth.status(options)) }
    case 'userAdd': {
      const noPassword = params['noPassword'] === true
      const password = noPassword ? undefined : textOf(params, 'password')
      return done(auth.userAdd(name(), { ...options, noPassword, password }))
    }
    case 'userDelete':
      return done(auth.userDelete(name(), options))
    case 'userChangePassword':
      return done(auth.userChangePassword(name(), textOf(params, 'password'), options))
    case 'userGrantRole':
      return done(auth.userGrantRole(name(), textOf(params, 'role'), options))
    case 'userRevokeRole':
      return done(auth.userRevokeRole(name(), textOf(params, 'role'), options))
    case 'userGet':
      return { ...(await auth.userGet(name(), options)) }
    case 'userList':
      return auth.userList(options)
    case 'roleAdd':
      return done(auth.roleAdd(name(), options))
    case 'roleDelete':
      return done(auth.roleDelete(name(), options))
    case 'roleGet': {
      const { permissions } = await auth.roleGet(name(), options)
      return { name: name(), permissions: permissions.map((one) => ({ ...one })) }
    }
    case 'roleList':
      return auth.roleList(options)
    case 'roleGrantPermission': {
      const permission = { ...rangeOf(params), access: textOf(params, 'access') as Access }
      return done(auth.roleGrantPermission(name(), permission, options))
    }
    case 'roleRevokePermission': {
      const { key, rangeEnd } = rangeOf(params)
      return done(auth.roleRevokePermission(name(), key, rangeEnd, options))
    }
    default:
      throw new NitroError('UnknownMethod', `there is no call auth.${method}`)
  }
}

async function done(change: Promise<void>): Promise<null> {
  await change
  return null
}

function textOf(params: CallParams, field: string): string {
  const value = params[field]
  if (typeof value === 'string') return value
  throw new NitroError('InvalidArgument', `${field} must be a string`)
}

function rangeOf(params: CallParams): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
  const { key, rangeEnd } = params
  if (!(key instanceof Uint8Array)) throw new NitroError('InvalidArgument', 'key must be bytes')
  return { key, rangeEnd: rangeEnd instanceof Uint8Array ? rangeEnd : new Uint8Array() }
}
