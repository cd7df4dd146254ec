/**
 * Users, roles and permissions, and whether they are in force. All of it is replicated state; the rules are etcd's.
 *
 * Every change takes an auth revision, except putting permissions in force. A caller was identified at one auth revision and counts
 * for no later one, so a node that lags can't let somebody in whom the log has shut out.
 */
import { NitroError, addHash, assert, emptyBytes, fromLatin1, latin1, subtractHash, text } from '../../base/index.ts'
import type { Hash128, KvChange } from '../../base/index.ts'
import { damaged } from '../record.ts'
import { authLimits } from './limits.ts'
import { accessFrom, isRange } from './permission.ts'
import type { StoredPermission, UserAccess } from './permission.ts'
import { authRecordHash, authRecordKey, decodeAuthRecord, encodeAuthRecord } from './record.ts'
import type { AuthRecord, Role, User } from './record.ts'

/** The user, and the role, that may do everything. */
export const root = 'root'

/** A name as text, for people. */
export function shownName(name: string): string {
  return text(fromLatin1(name))
}

/** What is kept of it in the metadata. */
export interface AuthStanding {
  readonly enabled: boolean
  readonly revision: number
  /** What tokens are signed with; another one each time permissions are put in force. Empty while they are not. */
  readonly signingKey: Uint8Array
  readonly recordCount: number
  readonly recordSum: Hash128
}

/** The auth state of a machine. Names are latin1 of their bytes. */
export class Auth {
  enabled = false
  /** Rises with every change of users, roles and permissions. */
  revision = 1
  signingKey: Uint8Array = emptyBytes
  readonly users = new Map<string, User>()
  readonly roles = new Map<string, Role>()
  private readonly stored = new Map<string, Uint8Array>()
  private readonly sum: Hash128 = new Uint32Array(4)
  private readonly access = new Map<string, UserAccess>()
  private dirty = new Set<string>()

  /** Undefined as long as nothing ever changed: such a state is written and hashed as if there were no users at all. */
  get standing(): AuthStanding | undefined {
    const { enabled, revision, signingKey, stored, sum } = this
    if (revision === 1) return undefined
    return { enabled, revision, signingKey, recordCount: stored.size, recordSum: sum }
  }

  /** Puts permissions in force; again, it changes nothing. Throws `RootUserNotFound`, `RootRoleNotGranted`. */
  enable(signingKey: Uint8Array): void {
    if (this.enabled) return
    const user = this.users.get(root)
    if (user === undefined) throw new NitroError('RootUserNotFound', 'there is no user root')
    if (!user.roles.includes(root)) throw new NitroError('RootRoleNotGranted', 'root does not have the role root')
    this.enabled = true
    this.signingKey = signingKey.slice()
  }

  /** Takes permissions out of force; they and all users stay. */
  disable(): void {
    if (!this.enabled) return
    this.enabled = false
    this.signingKey = emptyBytes
    this.changed()
  }

  /** An empty credential is a user without a password. Throws `UserEmpty`, `UserExists`, `LimitExceeded`. */
  addUser(name: string, credential: Uint8Array): void {
    if (name === '') throw new NitroError('UserEmpty', 'a user has a name')
    checkLength(name)
    if (this.users.has(name)) throw new NitroError('UserExists', 'there is such a user', named(name))
    checkCount('authUsers', this.users.size + 1, authLimits.users)
    this.putUser({ name, credential: credential.slice(), credentialRevision: this.revision + 1, roles: [] })
    this.changed()
  }

  /** Throws `InvalidAuthManagement`, `UserNotFound`. */
  deleteUser(name: string): void {
    if (this.enabled && name === root) throw lockout('the user root stays while permissions are in force')
    this.user(name)
    this.users.delete(name)
    this.store('user', name, undefined)
    this.changed()
  }

  /** Of a user without a password only the tokens become void, as in etcd. Throws `UserNotFound`. */
  changePassword(name: string, credential: Uint8Array): void {
    const user = this.user(name)
    const next = user.credential.length === 0 ? emptyBytes : credential.slice()
    this.putUser({ ...user, credential: next, credentialRevision: this.revision + 1 })
    this.changed()
  }

  /** The role root need not exist; one that the user has changes nothing. Throws `UserNotFound`, `RoleNotFound`, `LimitExceeded`. */
  grantRole(name: string, role: string): void {
    const user = this.user(name)
    if (role !== root) this.role(role)
    if (user.roles.includes(role)) return
    checkCount('authRolesOfUser', user.roles.length + 1, authLimits.rolesOfUser)
    this.putUser({ ...user, roles: [...user.roles, role].sort() })
    this.changed()
  }

  /** Throws `InvalidAuthManagement`, `UserNotFound`, `RoleNotGranted`. */
  revokeRole(name: string, role: string): void {
    if (this.enabled && name === root && role === root)
      throw lockout('root keeps its role while permissions are in force')
    const user = this.user(name)
    if (!user.roles.includes(role)) throw new NitroError('RoleNotGranted', 'the user does not have it', named(role))
    this.putUser({ ...user, roles: user.roles.filter((one) => one !== role) })
    this.changed()
  }

  /** Throws `RoleEmpty`, `RoleExists`, `LimitExceeded`. */
  addRole(name: string): void {
    if (name === '') throw new NitroError('RoleEmpty', 'a role has a name')
    checkLength(name)
    if (this.roles.has(name)) throw new NitroError('RoleExists', 'there is such a role', named(name))
    checkCount('authRoles', this.roles.size + 1, authLimits.roles)
    this.putRole({ name, permissions: [] })
    this.changed()
  }

  /** Takes the role from everybody who has it. Throws `InvalidAuthManagement`, `RoleNotFound`. */
  deleteRole(name: string): void {
    if (this.enabled && name === root) throw lockout('the role root stays while permissions are in force')
    this.role(name)
    this.roles.delete(name)
    this.store('role', name, undefined)
    for (const user of [...this.users.values()]) {
      if (user.roles.includes(name)) this.putUser({ ...user, roles: user.roles.filter((one) => one !== name) })
    }
    this.changed()
  }

  /** Replaces what the role may do with exactly this range. Throws `InvalidAuthManagement`, `RoleNotFound`, `LimitExceeded`. */
  grantPermission(name: string, permission: StoredPermission): void {
    if (!isRange(permission)) throw new NitroError('InvalidAuthManagement', 'the permission is of no keys')
    const role = this.role(name)
    const others = role.permissions.filter((one) => !isSameRange(one, permission))
    checkCount('authPermissionsOfRole', others.length + 1, authLimits.permissionsOfRole)
    this.putRole({ name, permissions: [...others, permission].sort(byRange) })
    this.changed()
  }

  /** Throws `RoleNotFound`, `PermissionNotGranted`. */
  revokePermission(name: string, range: Pick<StoredPermission, 'key' | 'rangeEnd'>): void {
    const role = this.role(name)
    const others = role.permissions.filter((one) => !isSameRange(one, range))
    if (others.length === role.permissions.length) {
      throw new NitroError('PermissionNotGranted', 'the role does not have it', named(name))
    }
    this.putRole({ name, permissions: others })
    this.changed()
  }

  /** Throws `UserNotFound`. */
  user(name: string): User {
    const user = this.users.get(name)
    if (user === undefined) throw new NitroError('UserNotFound', 'there is no such user', named(name))
    return user
  }

  /** Throws `RoleNotFound`. */
  role(name: string): Role {
    const role = this.roles.get(name)
    if (role === undefined) throw new NitroError('RoleNotFound', 'there is no such role', named(name))
    return role
  }

  /** What a user may do, from all its roles; undefined when there is no such user. Kept until something changes. */
  accessOf(name: string): UserAccess | undefined {
    const known = this.access.get(name)
    if (known !== undefined) return known
    const user = this.users.get(name)
    if (user === undefined) return undefined
    const permissions = user.roles.flatMap((role) => this.roles.get(role)?.permissions ?? [])
    const access = accessFrom(permissions, user.roles.includes(root))
    this.access.set(name, access)
    return access
  }

  /** What to store so that the disk has every change since the last call. */
  seal(): KvChange[] {
    const changes = [...this.dirty].map((key) => ({ key: fromLatin1(key), value: this.stored.get(key) }))
    this.dirty = new Set()
    return changes
  }

  /** Takes a stored record in. Throws `StateDamaged`, `UnsupportedFormat`. */
  load(key: Uint8Array, value: Uint8Array): void {
    const record = decodeAuthRecord(key, value)
    if (record.kind === 'user') this.users.set(record.user.name, record.user)
    else this.roles.set(record.role.name, record.role)
    this.stored.set(latin1(key), value.slice())
    addHash(this.sum, authRecordHash(value))
  }

  /** All records are there: goes on with what the metadata says. Throws `StateDamaged`. */
  finishLoad(standing: AuthStanding | undefined): void {
    if (this.stored.size !== (standing?.recordCount ?? 0)) throw damaged(`${this.stored.size} users and roles`)
    if (standing === undefined) return
    if (this.sum.some((lane, i) => lane !== standing.recordSum[i])) throw damaged('users and roles have a wrong hash')
    this.enabled = standing.enabled
    this.revision = standing.revision
    this.signingKey = standing.signingKey
  }

  private changed(): void {
    this.revision++
    this.access.clear()
  }

  private putUser(user: User): void {
    this.users.set(user.name, user)
    this.store('user', user.name, { kind: 'user', user })
  }

  private putRole(role: Role): void {
    this.roles.set(role.name, role)
    this.store('role', role.name, { kind: 'role', role })
  }

  private store(kind: AuthRecord['kind'], name: string, record: AuthRecord | undefined): void {
    const key = authRecordKey(kind, name)
    const before = this.stored.get(key)
    if (before !== undefined) subtractHash(this.sum, authRecordHash(before))
    this.dirty.add(key)
    if (record === undefined) {
      assert(before !== undefined, 'what is deleted was stored')
      this.stored.delete(key)
      return
    }
    const value = encodeAuthRecord(key, record)
    addHash(this.sum, authRecordHash(value))
    this.stored.set(key, value)
  }
}

function isSameRange(a: Pick<StoredPermission, 'key' | 'rangeEnd'>, b: typeof a): boolean {
  return a.key === b.key && a.rangeEnd === b.rangeEnd
}

function byRange(a: StoredPermission, b: StoredPermission): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1
  return a.rangeEnd < b.rangeEnd ? -1 : 1
}

function checkLength({ length: bytes }: string): void {
  const limit = authLimits.nameBytes
  if (bytes > limit) {
    throw new NitroError('KeyTooLarge', `a name of ${bytes} bytes; the limit is ${limit}`, {
      details: { bytes, limit },
    })
  }
}

function checkCount(name: string, count: number, limit: number): void {
  if (count > limit) throw new NitroError('LimitExceeded', `${name}: at most ${limit}`, { details: { name, limit } })
}

function named(name: string): { readonly details: { readonly name: string } } {
  return { details: { name: shownName(name) } }
}

function lockout(why: string): NitroError {
  return new NitroError('InvalidAuthManagement', why)
}
