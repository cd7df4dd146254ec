/** Who a client is on its connections: it logs in on each before anything else is sent, and again when what was checked is old. */
import { NitroError, isNitroError } from '../../base/index.ts'
import type { Principal, RequestOptions } from '../api/index.ts'
import { decodeReply } from '../wire/index.ts'
import type { CallParams, CallValue } from '../wire/index.ts'
import type { Connection } from './connection.ts'
import type { ClientSettings } from './options.ts'

/** What a client shows of itself. */
export type Credentials = { readonly user: string; readonly password: string } | { readonly token: string }

/** Logging in anew may help against these; nothing has happened when one is answered. */
const loginErrors: ReadonlySet<string> = new Set(['AuthOldRevision', 'InvalidAuthToken', 'UserEmpty'])
/** No other answer to be expected from another node, or later. */
const finalErrors: ReadonlySet<string> = new Set(['AuthFailed', 'NoPasswordUser', 'InvalidAuthToken'])
const attempts = 10

/** Whether a login failed because of what was shown. */
export function isRefusedLogin(error: NitroError): boolean {
  return finalErrors.has(error.code)
}

/** The login of a client. */
export class ClientLogin {
  /** As the node last stamped it; undefined before, and while permissions are not in force. */
  principal: Principal | undefined
  /** What stands for the password from the first login on. */
  token: string | undefined
  private readonly settings: ClientSettings
  private readonly credentials: Credentials
  private renewing: Promise<void> | undefined
  /** The highest auth revision that a refusal told of: a node that lags must not stamp an older one. */
  private reached = 0

  constructor(settings: ClientSettings, credentials: Credentials) {
    this.settings = settings
    this.credentials = credentials
    if ('token' in credentials) this.token = credentials.token
  }

  /** Logs in on a connection. Throws what the node answers, or `ConnectionClosed`, `Timeout`. */
  async on(connection: Connection): Promise<void> {
    if (this.token !== undefined) {
      try {
        return await this.show(connection, this.token)
      } catch (error) {
        if (!isNitroError(error, 'InvalidAuthToken') || 'token' in this.credentials) throw error
        this.token = undefined
      }
    }
    if ('token' in this.credentials) return
    const { user, password } = this.credentials
    try {
      const answer = await this.call(connection, 'auth.authenticate', { user, password })
      this.token = tokenOf(answer)
    } catch (error) {
      // Permissions are not in force: there is nothing to log in to, and nothing is checked.
      if (!isNitroError(error, 'AuthNotEnabled')) throw error
      this.principal = undefined
      return
    }
    await this.show(connection, this.token)
  }

  /**
   * Runs a request; when it is refused because of who asks, logs in anew on the connection there is and runs it again. What changes
   * something is run again only if it certainly did not. Throws what the request throws.
   */
  async request<T>(
    kind: 'read' | 'change',
    options: RequestOptions | undefined,
    current: () => Connection | undefined,
    run: (options: RequestOptions | undefined) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.settings.ports
    const untilMs = clock.monotonicMs() + (options?.timeoutMs ?? this.settings.timeoutMs)
    for (let attempt = 1; ; attempt++) {
      try {
        return await run(
          attempt === 1 ? options : { ...options, timeoutMs: Math.max(1, untilMs - clock.monotonicMs()) },
        )
      } catch (error) {
        const again = isNitroError(error) && loginErrors.has(error.code) && (kind === 'read' || error.executed === 'no')
        if (!again || attempt === attempts || clock.monotonicMs() >= untilMs) throw error
        if (error.code === 'AuthOldRevision')
          this.reached = Math.max(this.reached, Number(error.details['authRevision']) || 0)
        await this.renew(current())
      }
    }
  }

  /** Requests that are refused together log in once. Without a connection, or when it ends, the next one begins with a login. */
  private async renew(connection: Connection | undefined): Promise<void> {
    if (connection === undefined) return
    this.renewing ??= this.on(connection).finally(() => (this.renewing = undefined))
    try {
      await this.renewing
    } catch (error) {
      if (!isNitroError(error) || !error.retryable) throw error
    }
  }

  private async show(connection: Connection, token: string): Promise<void> {
    const { user, authRevision } = Object(
      await this.call(connection, 'auth.login', { token, atLeast: this.reached }),
    ) as CallParams
    if (typeof user !== 'string' || typeof authRevision !== 'number') throw malformed()
    this.principal = user === '' ? undefined : { user, authRevision }
  }

  private call(connection: Connection, method: string, params: CallParams): Promise<CallValue> {
    const { scheduler } = this.settings.ports
    const { timeoutMs } = this.settings
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new NitroError('Timeout', `no answer to ${method}`, { executed: 'no' }))
      const timer = scheduler.after(timeoutMs, late)
      const owner = {
        completed: (_tag: number, payload: Uint8Array): void => {
          timer.cancel()
          const reply = decodeReply(payload)
          if (reply.ok) resolve(reply.value)
          else reject(reply.error)
        },
        failed: (_tag: number, error: NitroError): void => {
          timer.cancel()
          reject(error)
        },
      }
      connection.call(method, params, owner, 0)
    })
  }
}

function tokenOf(answer: CallValue): string {
  const { token } = Object(answer) as CallParams
  if (typeof token !== 'string') throw malformed()
  return token
}

function malformed(): NitroError {
  return new NitroError('MalformedFrame', "the node's answer is no login")
}
