/**
 * A grant in the hands of its holder. What it says of itself is computed at the call, by the holder's clock: it is lost when its
 * session is, or when it was held for as long as it may be; and once it has said so it never says otherwise.
 */
import { NitroError, timerMsMax } from '../../base/index.ts'
import type { Timer } from '../../base/index.ts'
import type { SyncResource } from '../../execution/codec.ts'
import type { Condition, Hold, HoldState, RequestOptions } from '../api/index.ts'
import { text } from './names.ts'
import type { SyncPorts } from './ports.ts'
import type { SharedSession } from './shared-session.ts'

/** What a grant is made of. */
export interface GrantFacts {
  readonly resource: SyncResource
  readonly token: number
  /** The revision at which it was enqueued. */
  readonly sequence: number
  readonly shared: SharedSession
  /** By the monotonic clock here; Infinity for none. */
  readonly holdUntilMs: number
  /** Gives it back in the cluster. Throws `NotHeld` and what the engine throws. */
  readonly release: (options: RequestOptions) => Promise<void>
  /** Sees to it that nothing is left in the cluster, however long it takes. */
  readonly abandon: () => void
}

/** One grant. */
export class Grant implements Hold {
  readonly name: Uint8Array
  readonly token: number
  readonly sequence: number
  readonly resource: SyncResource
  protected readonly ports: SyncPorts
  private readonly facts: GrantFacts
  private readonly controller = new AbortController()
  private readonly leave: () => void
  private ended: 'lost' | 'released' | undefined
  private timer: Timer | undefined
  private releasing: Promise<void> | undefined

  constructor(ports: SyncPorts, facts: GrantFacts) {
    this.ports = ports
    this.facts = facts
    this.resource = facts.resource
    this.name = facts.resource.name
    this.token = facts.token
    this.sequence = facts.sequence
    this.leave = facts.shared.use((reason) => this.end('lost', this.lostError('its session is over', reason)))
    this.watchHold()
  }

  get lease(): number {
    return this.facts.shared.session.lease
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  get state(): HoldState {
    if (this.ended !== undefined) return this.ended
    const { state } = this.facts.shared.session
    const isLive = state === 'held' || state === 'uncertain'
    if (isLive && this.ports.clock.monotonicMs() < this.facts.holdUntilMs) return state
    // Said once, it holds. The signal follows with a timer.
    this.ended = 'lost'
    return 'lost'
  }

  throwIfLost(): void {
    const { state } = this
    if (state === 'held' || state === 'uncertain') return
    throw this.signal.aborted ? this.signal.reason : this.lostError('its time was up', undefined)
  }

  guard(): Condition {
    return { target: 'held', grant: { ...this.resource, token: this.token } }
  }

  /** Ends it here, once. */
  end(as: 'lost' | 'released', reason: unknown): void {
    if (this.signal.aborted) return
    this.ended ??= as
    this.timer?.cancel()
    this.controller.abort(reason)
    if (as === 'lost') this.leave()
  }

  /** It is known to be over in the cluster. */
  gone(cause: unknown): void {
    this.end('lost', this.lostError('the cluster has ended it', cause))
  }

  /** Gives it back, once. */
  give(options: RequestOptions = {}): Promise<void> {
    this.releasing ??= this.release(options)
    return this.releasing
  }

  private async release(options: RequestOptions): Promise<void> {
    const { state } = this
    if (state === 'lost') {
      this.end('lost', this.lostError('its time was up', undefined))
      this.facts.abandon()
      throw new NitroError('NotHeld', `the grant of token ${this.token} was lost`, { details: { token: this.token } })
    }
    const message = `the grant of token ${this.token} was given back`
    this.end('released', new NitroError('NotHeld', message, { details: { token: this.token } }))
    try {
      await this.facts.release(options)
    } finally {
      this.leave()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.give().catch(() => undefined)
  }

  private watchHold(): void {
    const { holdUntilMs } = this.facts
    if (holdUntilMs === Infinity) return
    const leftMs = holdUntilMs - this.ports.clock.monotonicMs()
    if (leftMs <= 0) this.end('lost', this.lostError('it was held for as long as it may be', undefined))
    else this.timer = this.ports.scheduler.after(Math.min(leftMs, timerMsMax), () => this.watchHold())
  }

  private lostError(why: string, cause: unknown): NitroError {
    const message = `${text(this.name)} is no longer held under token ${this.token}: ${why}`
    return new NitroError('LockLost', message, { details: { token: this.token }, cause })
  }
}
