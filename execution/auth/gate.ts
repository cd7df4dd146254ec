/**
 * Who may do what. Everything is allowed while permissions are not in force, and to the owner of a process always; otherwise a caller
 * must be a user, identified at the current auth revision, whose roles cover all keys in question.
 *
 * Errors and their order are etcd's: no user, an old revision, an unknown user or a missing permission.
 */
import { NitroError, fromLatin1 } from '../../base/index.ts'
import type { Leases } from '../leases.ts'
import type { State } from '../state.ts'
import { shownName } from './auth.ts'
import type { Auth } from './auth.ts'
import { reservedPermissionKey } from './names.ts'
import type { UserAccess } from './permission.ts'
import { knownCaller } from './principal.ts'
import type { Caller, KnownCaller } from './principal.ts'

/** What is asked for. */
export type Wish = 'read' | 'write'

/** Decides for one machine. */
export class Gate {
  readonly auth: Auth
  private readonly state: State
  private readonly leases: Leases

  constructor(auth: Auth, state: State, leases: Leases) {
    this.auth = auth
    this.state = state
    this.leases = leases
  }

  /** Another number whenever permissions are, or whether they are in force. */
  get version(): number {
    return 2 * this.auth.revision + (this.auth.enabled ? 1 : 0)
  }

  /** Throws unless all keys from `start` to before `end` may be read, or written. `UserEmpty`, `AuthOldRevision`, `PermissionDenied`. */
  range(caller: KnownCaller, wish: Wish, start: string, end: string | undefined): void {
    const access = this.accessOf(caller)
    if (access === undefined || covers(access, wish, start, end)) return
    const details = { user: shownName(caller.name), access: wish, key: fromLatin1(start) }
    throw new NitroError('PermissionDenied', 'no role of the user allows it', { details })
  }

  /** The same for one key. */
  key(caller: KnownCaller, wish: Wish, key: string): void {
    this.range(caller, wish, key, `${key}\0`)
  }

  /** Throws unless every key of a lease may be written; of a lease that is not there, everything may. */
  lease(caller: KnownCaller, wish: Wish, id: number): void {
    if (id === 0 || this.leases.find(id) === undefined) return
    if (this.isRoot(caller)) return
    for (const key of this.state.leaseKeys.sorted(id)) {
      // What the sync program keeps with a lease for itself is nobody's key.
      if (!key.startsWith('\0x')) this.key(caller, wish, key)
    }
  }

  /** Throws unless the caller is a user at all. `UserEmpty`, `AuthOldRevision`, `PermissionDenied`. */
  user(caller: KnownCaller): void {
    this.accessOf(caller)
  }

  /** Throws unless the caller has the role root; like etcd, whenever it was identified. `UserEmpty`, `PermissionDenied`. */
  root(caller: KnownCaller): void {
    const { enabled, users } = this.auth
    if (!enabled || this.isRoot(caller)) return
    if (caller.name === '') throw userEmpty()
    const details = { user: shownName(caller.name), known: users.has(caller.name) }
    throw new NitroError('PermissionDenied', 'only root may do this', { details })
  }

  /**
   * Why a watch may not be open, or undefined. A watch lives longer than an auth revision: it goes on as long as its user keeps
   * its password and may read the keys.
   */
  watch(caller: Caller, start: string, end: string | undefined): NitroError | undefined {
    const { auth } = this
    if (!auth.enabled || caller === 'owner') return undefined
    const known = knownCaller(caller)
    if (known.name === '') return userEmpty()
    const user = auth.users.get(known.name)
    if (user !== undefined && user.credentialRevision > known.authRevision) return oldRevision(auth.revision)
    const access = auth.accessOf(known.name)
    if (access !== undefined && covers(access, 'read', start, end)) return undefined
    const details = { user: shownName(known.name), access: 'read', key: fromLatin1(start) }
    return new NitroError('PermissionDenied', 'no role of the user allows it', { details })
  }

  /** Whether everything is allowed. */
  isRoot({ isOwner, name }: KnownCaller): boolean {
    return isOwner || !this.auth.enabled || this.auth.accessOf(name)?.root === true
  }

  /** What a caller may do; undefined for everything. */
  private accessOf({ isOwner, name, authRevision }: KnownCaller): UserAccess | undefined {
    const { auth } = this
    if (isOwner || !auth.enabled) return undefined
    if (name === '') throw userEmpty()
    if (authRevision < auth.revision) throw oldRevision(auth.revision)
    const access = auth.accessOf(name)
    if (access !== undefined) return access
    throw new NitroError('PermissionDenied', 'there is no such user', { details: { user: shownName(name) } })
  }
}

function covers(access: UserAccess, wish: Wish, start: string, end: string | undefined): boolean {
  if (access.root || access[wish].covers(start, end)) return true
  const key = reservedPermissionKey(start, end)
  return key !== undefined && access[wish].covers(key, `${key}\0`)
}

function userEmpty(): NitroError {
  return new NitroError('UserEmpty', 'permissions are in force, and the request names no user')
}

function oldRevision(revision: number): NitroError {
  const message = `users or permissions have changed since; the auth revision is ${revision}`
  return new NitroError('AuthOldRevision', message, { details: { authRevision: revision } })
}
