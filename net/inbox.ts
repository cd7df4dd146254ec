/**
 * The receiving half of a link: holds frames back before `start` and during `pause`, and tells the end exactly once,
 * after the last frame, never from inside a call of the owner.
 */
import { assert, type NitroError, type Scheduler } from '../base/index.ts'
import type { LinkHandlers } from './transport.ts'

/** Orders what a link delivers. */
export class Inbox {
  private readonly scheduler: Scheduler
  private handlers: LinkHandlers | undefined
  private held: Uint8Array[] = []
  private paused = false
  /** A drain has been scheduled; until it ran, new frames queue behind. */
  private draining = false
  private ending: { readonly error: NitroError | undefined } | undefined
  private told = false
  private silent = false

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler
  }

  /** Whether the network should not be read: nobody listens, or the owner asked for a pause. */
  get closedToFrames(): boolean {
    return this.handlers === undefined || this.paused
  }

  start(handlers: LinkHandlers): void {
    assert(this.handlers === undefined, 'a link is started once')
    this.handlers = handlers
    this.drainLater()
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.drainLater()
  }

  /** A frame came from the network. */
  push(frame: Uint8Array): void {
    if (this.ending !== undefined || this.silent) return
    if (this.handlers === undefined || this.paused || this.draining) this.held.push(frame)
    else this.handlers.frame(frame)
  }

  /** The link is over. Frames that are held go first, even during a pause, unless `drop`. Later calls do nothing. */
  end(error: NitroError | undefined, drop = false): void {
    if (drop) this.held = []
    if (this.ending !== undefined) return
    this.ending = { error }
    this.drainLater()
  }

  /** There is room to send again. */
  drained(): void {
    if (this.ending === undefined && !this.silent) this.handlers?.drain?.()
  }

  /** The owner is gone: nothing is delivered any more. */
  silence(): void {
    this.silent = true
    this.held = []
  }

  private drainLater(): void {
    if (this.draining || this.handlers === undefined) return
    this.draining = true
    this.scheduler.endOfTurn(() => this.drain())
  }

  private drain(): void {
    const handlers = this.handlers
    if (handlers === undefined || this.silent) return
    let at = 0
    while (at < this.held.length && (!this.paused || this.ending !== undefined)) {
      const frame = this.held[at++] as Uint8Array
      handlers.frame(frame)
    }
    this.held = this.held.slice(at)
    this.draining = false
    if (this.ending !== undefined && !this.told && this.held.length === 0) {
      this.told = true
      handlers.close(this.ending.error)
    }
  }
}
