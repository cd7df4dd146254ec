/** Management of users, roles and permissions over any engine. Passwords are made credentials before anything is sent. */
import { NitroError, emptyBytes, utf8 } from '../../base/index.ts'
import {
  decodeAuthRevision,
  decodeAuthStatus,
  decodeNames,
  decodePermissions,
  decodeUserInfo,
  encodeAuthArgs,
  encodeGrantPermissionArgs,
} from '../../execution/codec.ts'
import type {
  Auth,
  AuthRole,
  AuthStatus,
  AuthUser,
  Engine,
  PermissionInput,
  ReadOptions,
  RequestOptions,
  UserAddOptions,
} from '../api/index.ts'
import { owned } from './entry.ts'

/** What turns passwords into credentials, and makes keys. */
export interface CredentialMaker {
  credential(password: string): Promise<Uint8Array>
  /** Unpredictable bytes to sign tokens with. */
  signingKey(): Uint8Array
  /**
   * A change was applied, and took the state to this auth revision. Resolves when whoever made it can go on as if it had been applied
   * here.
   */
  applied(authRevision: number, options: RequestOptions | undefined): Promise<void>
}

type Names = readonly (string | Uint8Array)[]

/** The auth interface of an engine. */
export class EngineAuth implements Auth {
  private readonly engine: Engine
  private readonly maker: CredentialMaker

  constructor(engine: Engine, maker: CredentialMaker) {
    this.engine = engine
    this.maker = maker
  }

  enable(options?: RequestOptions): Promise<void> {
    return this.change('enable', [this.maker.signingKey()], options)
  }

  disable(options?: RequestOptions): Promise<void> {
    return this.change('disable', [], options)
  }

  async status(options?: ReadOptions): Promise<AuthStatus> {
    return decodeAuthStatus(await this.engine.query('auth', 'status', emptyBytes, options))
  }

  async userAdd(name: string, options: UserAddOptions): Promise<void> {
    const { password, noPassword = false } = options
    if (password === undefined && !noPassword) {
      throw new NitroError('InvalidArgument', 'password is missing; a user without one is added with noPassword')
    }
    checkName(name)
    const credential = noPassword ? emptyBytes : await this.maker.credential(checkPassword(password))
    return this.change('userAdd', [name, credential], options)
  }

  userDelete(name: string, options?: RequestOptions): Promise<void> {
    return this.change('userDelete', [name], options)
  }

  async userChangePassword(name: string, password: string, options?: RequestOptions): Promise<void> {
    checkName(name)
    return this.change('userChangePassword', [name, await this.maker.credential(checkPassword(password))], options)
  }

  userGrantRole(user: string, role: string, options?: RequestOptions): Promise<void> {
    return this.change('userGrantRole', [user, role], options)
  }

  userRevokeRole(user: string, role: string, options?: RequestOptions): Promise<void> {
    return this.change('userRevokeRole', [user, role], options)
  }

  async userGet(name: string, options?: ReadOptions): Promise<AuthUser> {
    return { name, ...decodeUserInfo(await this.query('userGet', name, options)) }
  }

  async userList(options?: ReadOptions): Promise<readonly string[]> {
    return decodeNames(await this.engine.query('auth', 'userList', emptyBytes, options))
  }

  roleAdd(name: string, options?: RequestOptions): Promise<void> {
    return this.change('roleAdd', [name], options)
  }

  roleDelete(name: string, options?: RequestOptions): Promise<void> {
    return this.change('roleDelete', [name], options)
  }

  async roleGet(name: string, options?: ReadOptions): Promise<AuthRole> {
    return { name, permissions: decodePermissions(owned(await this.query('roleGet', name, options))) }
  }

  async roleList(options?: ReadOptions): Promise<readonly string[]> {
    return decodeNames(await this.engine.query('auth', 'roleList', emptyBytes, options))
  }

  async roleGrantPermission(role: string, permission: PermissionInput, options?: RequestOptions): Promise<void> {
    checkName(role)
    // Callers without types, and those who pass on what others sent, may have none.
    if ((permission as PermissionInput | undefined) === undefined) {
      throw new NitroError('PermissionNotGiven', 'no permission was given')
    }
    const { access, key, rangeEnd = '' } = permission
    const args = encodeGrantPermissionArgs(role, { access, key: bytesOf(key), rangeEnd: bytesOf(rangeEnd) })
    await this.send('roleGrantPermission', args, options)
  }

  roleRevokePermission(
    role: string,
    key: string | Uint8Array,
    rangeEnd: string | Uint8Array = '',
    options?: RequestOptions,
  ): Promise<void> {
    return this.change('roleRevokePermission', [role, bytesOf(key), bytesOf(rangeEnd)], options)
  }

  private async change(method: string, args: Names, options: RequestOptions | undefined): Promise<void> {
    for (const arg of args) if (!(arg instanceof Uint8Array)) checkName(arg)
    await this.send(method, encodeAuthArgs(args), options)
  }

  private async send(method: string, args: Uint8Array, options: RequestOptions | undefined): Promise<void> {
    const revision = decodeAuthRevision(await this.engine.command('auth', method, args, options))
    await this.maker.applied(revision, options)
  }

  private async query(method: string, name: string, options: ReadOptions | undefined): Promise<Uint8Array> {
    checkName(name)
    return this.engine.query('auth', method, encodeAuthArgs([name]), options)
  }
}

function checkName(name: string): void {
  if (typeof name !== 'string') throw new NitroError('InvalidArgument', `a name is a string, not ${typeof name}`)
}

function checkPassword(password: string | undefined): string {
  if (typeof password === 'string') return password
  throw new NitroError('InvalidArgument', `a password is a string, not ${typeof password}`)
}

function bytesOf(input: string | Uint8Array): Uint8Array {
  if (typeof input === 'string') return utf8(input)
  if (input instanceof Uint8Array) return input
  throw new NitroError('InvalidArgument', `a key is a string or a Uint8Array, not ${typeof input}`)
}
