/** Users, roles and permissions, as in etcd. */
import type { Access, AuthStatus, Permission, Principal } from '../../execution/index.ts'
import type { ReadOptions, RequestOptions } from './engine.ts'

export type { Access, AuthStatus, Permission, Principal }

/** A user as it is shown. */
export interface AuthUser {
  readonly name: string
  /** In byte order. */
  readonly roles: readonly string[]
  /** It can't log in with a password. */
  readonly noPassword: boolean
}

/** A role as it is shown. */
export interface AuthRole {
  readonly name: string
  /** In the order of keys, then of ends. The role `root` has all keys. */
  readonly permissions: readonly Permission[]
}

/** Options of {@link Auth.userAdd}: a password, or word that there is none. */
export interface UserAddOptions extends RequestOptions {
  readonly password?: string | undefined
  readonly noPassword?: boolean | undefined
}

/** What a permission is of, for those who write keys as text. */
export interface PermissionInput {
  readonly access: Access
  readonly key: string | Uint8Array
  /** Not given or empty: the key alone; one zero byte: every key from `key` on; else the first key past the range. */
  readonly rangeEnd?: string | Uint8Array | undefined
}

/**
 * Manages users, roles and permissions. While permissions are in force only root may, but everybody may look at themselves and at
 * their roles. Every call throws what {@link Engine.command} throws, and `UserEmpty`, `PermissionDenied`, `AuthOldRevision`.
 */
export interface Auth {
  /** Puts permissions in force; again, it does nothing. Throws `RootUserNotFound`, `RootRoleNotGranted`. */
  enable(options?: RequestOptions): Promise<void>
  /** Takes them out of force; users, roles and permissions stay, tokens don't. */
  disable(options?: RequestOptions): Promise<void>
  status(options?: ReadOptions): Promise<AuthStatus>
  /** Throws `UserEmpty`, `UserExists`, `InvalidArgument` without a password unless `noPassword`. */
  userAdd(name: string, options: UserAddOptions): Promise<void>
  /** Throws `UserNotFound`, `InvalidAuthManagement` for root while permissions are in force. */
  userDelete(name: string, options?: RequestOptions): Promise<void>
  /** Every token of the user becomes void. Throws `UserNotFound`. */
  userChangePassword(name: string, password: string, options?: RequestOptions): Promise<void>
  /** The role `root` need not exist. Throws `UserNotFound`, `RoleNotFound`. */
  userGrantRole(user: string, role: string, options?: RequestOptions): Promise<void>
  /** Throws `UserNotFound`, `RoleNotGranted`, `InvalidAuthManagement`. */
  userRevokeRole(user: string, role: string, options?: RequestOptions): Promise<void>
  /** Throws `UserNotFound`. */
  userGet(name: string, options?: ReadOptions): Promise<AuthUser>
  /** All names, in byte order. */
  userList(options?: ReadOptions): Promise<readonly string[]>
  /** Throws `RoleEmpty`, `RoleExists`. */
  roleAdd(name: string, options?: RequestOptions): Promise<void>
  /** Takes it from everybody who has it. Throws `RoleNotFound`, `InvalidAuthManagement`. */
  roleDelete(name: string, options?: RequestOptions): Promise<void>
  /** Throws `RoleNotFound`. */
  roleGet(name: string, options?: ReadOptions): Promise<AuthRole>
  /** All names, in byte order. */
  roleList(options?: ReadOptions): Promise<readonly string[]>
  /** Replaces what the role may do with exactly these keys. Throws `RoleNotFound`, `PermissionNotGiven`, `InvalidAuthManagement`. */
  roleGrantPermission(role: string, permission: PermissionInput, options?: RequestOptions): Promise<void>
  /** Throws `RoleNotFound`, `PermissionNotGranted`. */
  roleRevokePermission(
    role: string,
    key: string | Uint8Array,
    rangeEnd?: string | Uint8Array,
    options?: RequestOptions,
  ): Promise<void>
}

/** The auth of a node: it also lets users in. */
export interface NodeAuth extends Auth {
  /** A token for a user with its password. Throws `AuthNotEnabled`, `AuthFailed`, `NoPasswordUser`, `Overloaded`. */
  authenticate(user: string, password: string, options?: RequestOptions): Promise<{ readonly token: string }>
  /**
   * Who a token speaks for: the same object as long as nothing about it changes. Nobody in particular without a token, and while
   * permissions are not in force. Throws `InvalidAuthToken`.
   */
  principalOf(token: string | undefined): Promise<Principal>
  /** Throws `UserEmpty` or `PermissionDenied` unless the principal is root, or permissions are not in force. */
  requireRoot(principal: Principal): void
}
