/** Who is at the other end of a client's connection, and what such a one may ask. */
import { NitroError } from '../../../base/index.ts'
import { CommandHeader, anonymous, callerOf, decodeCommandHeader } from '../../../execution/index.ts'
import type { Principal } from '../../../execution/index.ts'
import type { CallParams, CallValue } from '../../wire/index.ts'
import { callAuth } from './auth-calls.ts'
import { needsRoot } from './guarded-admin.ts'
import type { LocalAuth } from './node-auth.ts'

const callPrefix = 'auth.'
/** The bit of a command's first byte that says that a caller follows. */
const callerBit = 2

/** Whether a call is about users and logging in. */
export function isAuthCall(method: string): boolean {
  return method.startsWith(callPrefix)
}

/** The login of one connection. */
export class ConnectionLogin {
  /** Who the client is: nobody in particular until it has logged in. */
  principal: Principal = anonymous
  private readonly auth: LocalAuth
  /** Used again for each command. */
  private readonly header = new CommandHeader()

  constructor(auth: LocalAuth) {
    this.auth = auth
  }

  /**
   * Why a command can't be taken from this connection: it says that it is for somebody else, or as of an auth revision that this
   * node does not know. One that was encoded before the last change may come.
   */
  refusal(command: Uint8Array): NitroError | undefined {
    if (((command[0] ?? 0) & callerBit) === 0) return undefined
    const { header } = this
    try {
      decodeCommandHeader(command, 0, command.length, header)
    } catch (error) {
      return error as NitroError
    }
    const caller = callerOf(command, header)
    const { user, authRevision } = this.current
    if (caller === 'owner' || caller.user !== user) {
      return new NitroError('InvalidAuthToken', 'the connection is not logged in as that user')
    }
    if (caller.authRevision <= authRevision) return undefined
    // It was stamped by a member that is further; this one can't say yet whether that is true.
    return new NitroError('Unavailable', `this node has not reached auth revision ${caller.authRevision}`)
  }

  /**
   * Throws `UserEmpty` or `PermissionDenied` unless the client, the user of a token that comes with the call, or the member that
   * passes on what it was asked, may call this.
   */
  check(method: string, { token }: CallParams): void {
    if (!this.auth.enabled || !needsRoot(method)) return
    if (typeof token !== 'string') return this.auth.requireRoot(this.principal)
    if (!this.auth.isMember(token)) this.auth.requireRoot(this.auth.principalNow(token))
  }

  /** The principal as of now, for queries. */
  get current(): Principal {
    return this.auth.enabled ? this.auth.renewed(this.principal) : this.principal
  }

  /** Answers a call about users, or logs in. Throws what {@link LocalAuth} throws. */
  async call(method: string, params: CallParams): Promise<CallValue> {
    const name = method.slice(callPrefix.length)
    if (name === 'authenticate') {
      const { user, password } = params
      if (typeof user !== 'string' || typeof password !== 'string') {
        throw new NitroError('InvalidArgument', 'a user and a password are needed')
      }
      const { token } = await this.auth.authenticate(user, password)
      return { token }
    }
    if (name === 'login') {
      const { token, atLeast } = params
      const revision = typeof atLeast === 'number' ? atLeast : 0
      this.principal = typeof token === 'string' ? await this.auth.principalOf(token, revision) : anonymous
      return { ...this.principal }
    }
    return callAuth(this.auth, this.principal, name, params)
  }
}
