/** Keeps one session to one address alive: dials again after every loss, with growing, random pauses. */
import {
  assert,
  fraction,
  isNitroError,
  messageOf,
  type NitroError,
  type Random,
  type Scheduler,
  type Timer,
} from '../base/index.ts'
import { connectSession } from './handshake.ts'
import type { Hello } from './hello.ts'
import type { Session } from './session.ts'
import type { Transport } from './transport.ts'

/** Options of a {@link Dialer}. */
export interface DialerOptions {
  readonly transport: Transport
  readonly scheduler: Scheduler
  readonly random: Random
  /** The first address, `host:port`. */
  readonly address: string
  /** Our hello, asked for at each attempt, because bootstrap facts change. */
  hello(): Hello
  /** Says why the other side is not who was expected, if so. */
  verify(theirs: Hello): NitroError | undefined
  /** A session is up. It must be started here, or its end is never noticed. */
  up(session: Session): void
  /** The session that was up has ended. */
  down(error: NitroError | undefined): void
  /**
   * An attempt failed. `permanent` is true for refusals that dialing again will not change by itself
   * (see {@link isPermanentRefusal}); they are retried after `slowRetryMs`.
   */
  refused(error: NitroError, permanent: boolean): void
  /** Time for the connection, and again for the handshake. Default 2,000. */
  readonly timeoutMs?: number
  /** Bound of the first pause; it doubles with each failure. Default 50. */
  readonly backoffMinMs?: number
  /** Highest bound of a pause. Too low floods a node that is coming back; too high delays its return. Default 2,000. */
  readonly backoffMaxMs?: number
  /** Pause after a permanent refusal. Default 10,000. */
  readonly slowRetryMs?: number
}

const permanentCodes: ReadonlySet<string> = new Set([
  'WrongCluster',
  'DuplicateName',
  'IdentityLost',
  'UnsupportedVersion',
  'UnsupportedFormat',
  'MemberUnknown',
  'MemberExists',
  'Removed',
  'InvalidArgument',
])

/** Whether an attempt failed for a reason that only an operator, or a change of configuration, can remove. */
export function isPermanentRefusal(error: NitroError): boolean {
  return permanentCodes.has(error.code)
}

/** Dials until stopped. Full jitter: each pause is uniform in [0, bound), so that nodes do not dial in step. */
export class Dialer {
  private readonly options: DialerOptions
  private currentAddress: string
  private currentSession: Session | undefined
  private failures = 0
  private timer: Timer | undefined
  private attempt: AbortController | undefined
  private stopped = true

  constructor(options: DialerOptions) {
    this.options = options
    this.currentAddress = options.address
  }

  /** Where it dials. */
  get address(): string {
    return this.currentAddress
  }

  /** The session that is up, if any. */
  get session(): Session | undefined {
    return this.currentSession
  }

  /** Begins. Callbacks come later, never from inside this call. */
  start(): void {
    assert(this.stopped, 'a dialer is started once')
    this.stopped = false
    this.dialAfter(0)
  }

  /** Dials another address from now on. A session that is up to the old one is closed. */
  setAddress(address: string): void {
    if (address === this.currentAddress) return
    this.currentAddress = address
    this.failures = 0
    if (this.stopped) return
    const session = this.currentSession
    if (session !== undefined) session.close()
    else this.dialAfter(0)
  }

  /** Ends for good: gives up an attempt, closes the session (its `close` still comes, `down` too). */
  stop(): void {
    this.stopped = true
    this.timer?.cancel()
    this.attempt?.abort()
    this.currentSession?.close()
  }

  private dialAfter(delayMs: number): void {
    this.timer?.cancel()
    this.attempt?.abort()
    this.timer = this.options.scheduler.after(delayMs, () => void this.dial())
  }

  private async dial(): Promise<void> {
    const { transport, scheduler, timeoutMs = 2_000 } = this.options
    const attempt = new AbortController()
    this.attempt = attempt
    let session: Session
    try {
      const link = await transport.dial(this.currentAddress, { timeoutMs, signal: attempt.signal })
      if (attempt.signal.aborted) return link.close()
      session = await connectSession(link, this.options.hello(), {
        scheduler,
        timeoutMs,
        verify: (theirs) => this.options.verify(theirs),
      })
    } catch (thrown) {
      if (attempt.signal.aborted) return
      // It is over: to abort it when the next one begins would cost more than the attempt.
      this.attempt = undefined
      this.failed(asNitroError(thrown))
      return
    }
    if (attempt.signal.aborted) return session.close()
    this.connected(session)
  }

  private connected(session: Session): void {
    this.attempt = undefined
    this.currentSession = session
    // A session that dies young does not count as success, or a peer that crashes on arrival would be dialed in a loop.
    const settled = this.options.scheduler.after(this.options.backoffMaxMs ?? 2_000, () => {
      this.failures = 0
    })
    session.onClose((error) => {
      settled.cancel()
      this.currentSession = undefined
      this.options.down(error)
      if (!this.stopped) this.dialAfter(this.pause())
    })
    this.options.up(session)
  }

  private failed(error: NitroError): void {
    const permanent = isPermanentRefusal(error)
    this.dialAfter(permanent ? (this.options.slowRetryMs ?? 10_000) : this.pause())
    this.options.refused(error, permanent)
  }

  private pause(): number {
    const { random, backoffMinMs = 50, backoffMaxMs = 2_000 } = this.options
    const bound = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(this.failures, 30))
    this.failures++
    return fraction(random) * bound
  }
}

/** Only errors for the world are retried; anything else is a bug and must surface. */
function asNitroError(thrown: unknown): NitroError {
  if (isNitroError(thrown)) return thrown
  throw thrown instanceof Error ? thrown : new Error(messageOf(thrown))
}
