/** The Auth service: users, roles, permissions and tokens are the store's own; this is their form in etcd. */
import type { Access, Auth, Permission } from '../../api/index.ts'
import type { Backend } from './backend.ts'
import type { CallContext } from './call.ts'
import { refuse } from './errors.ts'
import { service, unary } from './methods.ts'
import type { Method, Row } from './methods.ts'
import { RpcError } from './rpc-error.ts'
import type { Decoded, Encodable, MessageName } from './schema/index.ts'

const accesses: readonly Access[] = ['read', 'write', 'readwrite']

/** Methods of `etcdserverpb.Auth`. */
export function authService(backend: Backend): readonly Method[] {
  const make = new AuthRows(backend)
  return service('etcdserverpb.Auth', [...make.whole(), ...make.users(), ...make.roles()])
}

/** Names of requests whose response has a header and nothing else. */
type PlainRequest =
  | 'AuthEnableRequest'
  | 'AuthDisableRequest'
  | 'AuthUserAddRequest'
  | 'AuthUserDeleteRequest'
  | 'AuthUserChangePasswordRequest'
  | 'AuthUserGrantRoleRequest'
  | 'AuthUserRevokeRoleRequest'
  | 'AuthRoleAddRequest'
  | 'AuthRoleDeleteRequest'
  | 'AuthRoleGrantPermissionRequest'
  | 'AuthRoleRevokePermissionRequest'

class AuthRows {
  private readonly backend: Backend

  constructor(backend: Backend) {
    this.backend = backend
  }

  whole(): Row[] {
    const { backend } = this
    return [
      this.change('AuthEnable', 'AuthEnableRequest', 'enable', (auth, _request, options) => auth.enable(options)),
      this.change('AuthDisable', 'AuthDisableRequest', 'disable', (auth, _request, options) => auth.disable(options)),
      this.look('AuthStatus', ['AuthStatusRequest', 'AuthStatusResponse'], 'status', (auth, _request, options) =>
        auth.status(options),
      ),
      unary(
        'Authenticate',
        ['AuthenticateRequest', 'AuthenticateResponse'],
        ['/v3/auth/authenticate'],
        async ({ name, password }, { timeoutMs }) => {
          const { token } = await backend.auth.authenticate(name, password, { timeoutMs })
          return { header: backend.header(), token }
        },
      ),
    ]
  }

  users(): Row[] {
    return [
      this.change('UserAdd', 'AuthUserAddRequest', 'user/add', (auth, request, options) => {
        const { name, password, hashedPassword } = request
        if (hashedPassword !== '') throw noHashes()
        const noPassword = request.options?.no_password === true
        return auth.userAdd(name, { ...options, ...(noPassword ? { noPassword } : { password }) })
      }),
      this.look(
        'UserGet',
        ['AuthUserGetRequest', 'AuthUserGetResponse'],
        'user/get',
        async (auth, { name }, options) => {
          const { roles } = await auth.userGet(name, options)
          return { roles }
        },
      ),
      this.look('UserList', ['AuthUserListRequest', 'AuthUserListResponse'], 'user/list', async (auth, _, options) => ({
        users: await auth.userList(options),
      })),
      this.change('UserDelete', 'AuthUserDeleteRequest', 'user/delete', (auth, { name }, options) =>
        auth.userDelete(name, options),
      ),
      this.change('UserChangePassword', 'AuthUserChangePasswordRequest', 'user/changepw', (auth, request, options) => {
        if (request.hashedPassword !== '') throw noHashes()
        return auth.userChangePassword(request.name, request.password, options)
      }),
      this.change('UserGrantRole', 'AuthUserGrantRoleRequest', 'user/grant', (auth, { user, role }, options) =>
        auth.userGrantRole(user, role, options),
      ),
      this.change('UserRevokeRole', 'AuthUserRevokeRoleRequest', 'user/revoke', (auth, { name, role }, options) =>
        auth.userRevokeRole(name, role, options),
      ),
    ]
  }

  roles(): Row[] {
    return [
      this.change('RoleAdd', 'AuthRoleAddRequest', 'role/add', (auth, { name }, options) =>
        auth.roleAdd(name, options),
      ),
      this.look(
        'RoleGet',
        ['AuthRoleGetRequest', 'AuthRoleGetResponse'],
        'role/get',
        async (auth, { role }, options) => {
          const { permissions } = await auth.roleGet(role, options)
          return { perm: permissions.map(permissionOf) }
        },
      ),
      this.look('RoleList', ['AuthRoleListRequest', 'AuthRoleListResponse'], 'role/list', async (auth, _, options) => ({
        roles: await auth.roleList(options),
      })),
      this.change('RoleDelete', 'AuthRoleDeleteRequest', 'role/delete', (auth, { role }, options) =>
        auth.roleDelete(role, options),
      ),
      this.change('RoleGrantPermission', 'AuthRoleGrantPermissionRequest', 'role/grant', (auth, request, options) => {
        const { name, perm } = request
        const access = accesses[perm?.permType ?? 0]
        if (perm === null || access === undefined) throw refuse('permissionNotGiven')
        return auth.roleGrantPermission(name, { access, key: perm.key, rangeEnd: perm.range_end }, options)
      }),
      this.change('RoleRevokePermission', 'AuthRoleRevokePermissionRequest', 'role/revoke', (auth, request, options) =>
        auth.roleRevokePermission(request.role, request.key, request.range_end, options),
      ),
    ]
  }

  /** A method that changes something and answers with a header. */
  private change<In extends PlainRequest>(
    name: string,
    request: In,
    path: string,
    run: (auth: Auth, request: Decoded<In>, options: { readonly timeoutMs: number }) => Promise<void>,
  ): Row {
    const response = request.replace(/Request$/, 'Response') as 'AuthEnableResponse'
    return unary(name, [request, response], [`/v3/auth/${path}`], async (message, call: CallContext) => {
      const { auth } = await this.backend.nodeFor(call)
      await run(auth, message, { timeoutMs: call.timeoutMs })
      return { header: this.backend.header() }
    })
  }

  /** A method that only looks. */
  private look<In extends MessageName, Out extends MessageName>(
    name: string,
    names: readonly [In, Out],
    path: string,
    run: (
      auth: Auth,
      request: Decoded<In>,
      options: { readonly timeoutMs: number },
    ) => Promise<Omit<Encodable<Out>, 'header'>>,
  ): Row {
    return unary(name, names, [`/v3/auth/${path}`], async (message, call: CallContext) => {
      const { auth } = await this.backend.nodeFor(call)
      const answer = await run(auth, message, { timeoutMs: call.timeoutMs })
      return { header: this.backend.header(), ...answer }
    })
  }
}

function permissionOf({ access, key, rangeEnd }: Permission): Encodable<'Permission'> {
  return { permType: accesses.indexOf(access), key, ...(rangeEnd === undefined ? {} : { range_end: rangeEnd }) }
}

/** Passwords are hashed by the node that is asked, by a method of its own. */
function noHashes(): RpcError {
  return new RpcError('unimplemented', 'etcdserver: passwords that are hashed already are not taken')
}
