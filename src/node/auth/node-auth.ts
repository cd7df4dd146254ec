/** The auth of a node: management through the log, and what only a node can do, which is to let users in. */
import { NitroError, emptyBytes, latin1, utf8 } from '../../../base/index.ts'
import type { Random, Secrets } from '../../../base/index.ts'
import { anonymous } from '../../../execution/index.ts'
import type { Machine, Principal } from '../../../execution/index.ts'
import type { Auth, Engine, NodeAuth, RequestOptions } from '../../api/index.ts'
import type { Replica } from '../../replica/index.ts'
import { EngineAuth } from '../../store/index.ts'
import type { CredentialMaker } from '../../store/index.ts'
import { Passwords } from './passwords.ts'
import { readToken, signToken } from './tokens.ts'
import type { TokenClaims } from './tokens.ts'

/** What a node's auth stands on. */
export interface NodeAuthOptions {
  readonly replica: Replica
  /** The engine of the owner. */
  readonly engine: Engine
  readonly secrets: Secrets
  readonly random: Random
  /** How long a token counts, in milliseconds of log time. */
  readonly tokenTtlMs: number
  /** The engine of somebody else. */
  readonly engineFor: (principal: Principal) => Engine
}

const signingKeyBytes = 32
/** Tokens whose signatures were checked and need not be again. */
const knownTokensMax = 10_000
/** How long members believe each other what they pass on. */
const memberTokenMs = 60_000

interface KnownToken {
  readonly claims: TokenClaims
  principal: Principal
}

/** See {@link NodeAuth}. */
export class LocalAuth extends EngineAuth implements NodeAuth {
  private readonly options: NodeAuthOptions
  private readonly owner: Engine
  private readonly passwords: Passwords
  /** For those who manage users on behalf of somebody. */
  readonly credentials: CredentialMaker
  private known = new Map<string, KnownToken>()
  /** What the known tokens were signed with. */
  private knownKey: Uint8Array = emptyBytes

  constructor(options: NodeAuthOptions) {
    const passwords = new Passwords(options.secrets, options.random)
    const maker: CredentialMaker = {
      credential: (password) => passwords.credential(password),
      signingKey: () => options.random.bytes(signingKeyBytes),
      // The leader has answered; a follower is a little later, and the next request may come here.
      applied: (revision, given) => this.reach(revision, given),
    }
    super(options.engine, maker)
    this.options = options
    this.owner = options.engine
    this.passwords = passwords
    this.credentials = maker
  }

  async authenticate(user: string, password: string, options?: RequestOptions): Promise<{ readonly token: string }> {
    for (;;) {
      await this.catchUp(options)
      const { auth } = this.machine()
      if (!auth.enabled) throw new NitroError('AuthNotEnabled', 'permissions are not in force')
      const { revision } = auth
      const known = auth.users.get(nameOf(user))
      if (known?.credential.length === 0) throw new NitroError('NoPasswordUser', 'the user has no password')
      const isRight = await this.passwords.matches(known?.credential, password)
      const now = this.machine().auth
      // Whatever changed meanwhile may have been this password.
      if (now.revision !== revision || !now.enabled) continue
      if (!isRight) throw new NitroError('AuthFailed', 'unknown user or wrong password')
      const endMs = this.logTime() + this.options.tokenTtlMs
      return { token: signToken(this.options.secrets, now.signingKey, { user, authRevision: revision, endMs }) }
    }
  }

  /** `atLeast` is an auth revision that is known to have been reached: this node catches up with it first. */
  async principalOf(token: string | undefined, atLeast = 0): Promise<Principal> {
    if (token === undefined || token === '') return anonymous
    const { auth } = this.machine()
    // Made where more was known: here it will be after a barrier. Nobody has a token while permissions are not in force.
    const isBehind = !auth.enabled || Math.max(this.claimsOf(token)?.authRevision ?? 0, atLeast) > auth.revision
    if (isBehind) await this.catchUp(undefined)
    return this.principalNow(token)
  }

  /** As {@link principalOf}, of what this node knows now. */
  principalNow(token: string | undefined): Principal {
    const { auth } = this.machine()
    if (!auth.enabled || token === undefined || token === '') return anonymous
    const claims = this.claimsOf(token)
    if (claims === undefined || claims.user === '' || claims.endMs <= this.logTime()) throw invalidToken()
    const user = auth.users.get(nameOf(claims.user))
    if (user === undefined || user.credentialRevision > claims.authRevision) throw invalidToken()
    const known = this.known.get(token) as KnownToken
    if (known.principal.authRevision !== auth.revision) {
      known.principal = { user: claims.user, authRevision: auth.revision }
    }
    return known.principal
  }

  /** Management on behalf of somebody. */
  for(principal: Principal): Auth {
    return new EngineAuth(this.options.engineFor(principal), this.credentials)
  }

  requireRoot({ user, authRevision }: Principal): void {
    const { gate } = this.machine()
    gate.root({ isOwner: false, name: nameOf(user), authRevision })
  }

  /** The same user at the auth revision that this node knows, as long as its password is the same. */
  renewed(principal: Principal): Principal {
    const auth = this.options.replica.group?.applier.machine?.auth
    if (auth?.enabled !== true) return anonymous
    if (principal.user === '' || principal.authRevision === auth.revision) return principal
    const user = auth.users.get(nameOf(principal.user))
    if (user === undefined || user.credentialRevision > principal.authRevision) return principal
    return { user: principal.user, authRevision: auth.revision }
  }

  /** Whether permissions are in force, as far as this node knows. */
  get enabled(): boolean {
    return this.options.replica.group?.applier.machine?.auth.enabled === true
  }

  /** What tells another member that this one has checked what it passes on; undefined while there is nothing to check. */
  memberToken(): string | undefined {
    if (!this.enabled) return undefined
    const { signingKey, revision } = this.machine().auth
    const endMs = this.logTime() + memberTokenMs
    return signToken(this.options.secrets, signingKey, { user: '', authRevision: revision, endMs })
  }

  /** Whether a token is a member's. */
  isMember(token: string): boolean {
    const claims = this.enabled ? this.claimsOf(token) : undefined
    return claims !== undefined && claims.user === '' && claims.endMs > this.logTime()
  }

  /** What a token says, if it was signed with the key of now. */
  private claimsOf(token: string): TokenClaims | undefined {
    const { signingKey } = this.machine().auth
    if (this.knownKey !== signingKey || this.known.size >= knownTokensMax) {
      this.known = new Map()
      this.knownKey = signingKey
    }
    const known = this.known.get(token)
    if (known !== undefined) return known.claims
    const claims = readToken(this.options.secrets, signingKey, token)
    if (claims !== undefined) {
      this.known.set(token, { claims, principal: { user: claims.user, authRevision: claims.authRevision } })
    }
    return claims
  }

  /** Waits until this node has applied everything up to an auth revision. What enables takes none, so it is always waited for. */
  async reach(authRevision: number, options?: RequestOptions): Promise<void> {
    const auth = this.options.replica.group?.applier.machine?.auth
    if (auth === undefined || !auth.enabled || auth.revision < authRevision) await this.catchUp(options)
  }

  private async catchUp(options: RequestOptions | undefined): Promise<void> {
    await this.owner.query('auth', 'status', emptyBytes, options)
  }

  private machine(): Machine {
    const { group } = this.options.replica
    const machine = group?.applier.machine
    if (machine !== undefined) return machine
    throw group === undefined
      ? this.options.replica.notThereYet()
      : new NitroError('Unavailable', 'this node is repairing its state')
  }

  private logTime(): number {
    return this.options.replica.group?.logClock.now() ?? 0
  }
}

function nameOf(user: string): string {
  return latin1(utf8(user))
}

function invalidToken(): NitroError {
  return new NitroError('InvalidAuthToken', 'the token is not valid, or no longer')
}
