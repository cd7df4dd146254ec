/**
 * Sending a snapshot to one peer: a window of chunks in flight, repeated from where the receiver says after a broken link.
 *
 * The view is frozen when the sending starts, so the state goes on changing meanwhile; the log from its index on is kept
 * until the receiver has caught up (`heldIndex`).
 */
import { messageOf } from '../../base/index.ts'
import type { KvSnapshot, Logger } from '../../base/index.ts'
import { encodeChunk, encodeControl } from './snapshot-frames.ts'
import type { SnapshotControl } from './snapshot-frames.ts'

const windowChunks = 16
const idleMs = 30_000
/** What the receiver said may be lost while its other link is down: it is asked again after so much silence. */
const remindMs = 3_000

/** What a sending needs. */
export interface SendingOptions {
  readonly id: number
  readonly to: number
  readonly index: number
  readonly repair: boolean
  /** The raft message that the receiver steps when it has everything; empty for a repair. */
  readonly message: Uint8Array
  readonly view: KvSnapshot
  readonly chunks: AsyncIterator<Uint8Array, unknown>
  readonly logger: Logger
  readonly nowMs: () => number
  /** Sends on the bulk link; false when it is down or full. */
  readonly sendControl: (payload: Uint8Array) => boolean
  readonly sendChunk: (payload: Uint8Array) => boolean
  /** It can't be read any further. */
  readonly failed: (error: unknown) => void
  readonly finished: (ok: boolean) => void
}

/** One snapshot on its way to one peer. */
export class Sending {
  readonly options: SendingOptions
  private readonly window = new Map<number, Uint8Array>()
  private begun = false
  private generated = 0
  private sent = 0
  private exhausted = false
  private pumping = false
  private over = false
  /** When the receiver was heard of last, and when it was reminded last. */
  private lastMs: number
  private remindedMs: number

  constructor(options: SendingOptions) {
    this.options = options
    this.lastMs = options.nowMs()
    this.remindedMs = this.lastMs
    this.pump()
  }

  /** Goes on sending as far as window and link allow. */
  pump(): void {
    if (this.pumping || this.over) return
    this.pumping = true
    this.run().then(
      () => (this.pumping = false),
      (error: unknown) => {
        this.options.logger.error({ reason: messageOf(error), to: this.options.to }, 'snapshot not sent')
        this.finish(false)
        this.options.failed(error)
      },
    )
  }

  private async run(): Promise<void> {
    const { id, sendChunk } = this.options
    while (!this.over) {
      if (!this.begun) {
        if (!this.tellBegin()) return
        this.begun = true
        this.sent = this.first
      }
      const ready = this.window.get(this.sent)
      if (ready !== undefined) {
        if (!sendChunk(encodeChunk(id, this.sent, ready))) return
        this.sent++
        continue
      }
      if (this.exhausted || this.window.size >= windowChunks) return
      const next = await this.options.chunks.next()
      if (next.done === true) this.exhausted = true
      else this.window.set(this.generated++, next.value)
    }
  }

  private tellBegin(): boolean {
    const { id, repair, message, sendControl } = this.options
    return sendControl(encodeControl({ type: 'begin', id, repair, first: this.first, message }))
  }

  /** The receiver has everything below `next`, and perhaps asks for a repetition from there. */
  want(control: Extract<SnapshotControl, { type: 'want' }>): void {
    this.lastMs = this.options.nowMs()
    for (const number of this.window.keys()) if (number < control.next) this.window.delete(number)
    if (control.resume) this.sent = Math.min(this.sent, control.next)
    this.pump()
  }

  /** Number of the first chunk that was not acknowledged. */
  private get first(): number {
    return this.generated - this.window.size
  }

  /**
   * The link is back: the receiver is reminded of what it was about to get, and gets all of the window once more, since
   * nobody knows what was lost with the link. A process that was started since refuses unless that is the beginning.
   */
  linkUp(): void {
    this.begun = false
    this.pump()
  }

  /** Once a tick. */
  tick(): void {
    const nowMs = this.options.nowMs()
    if (nowMs - this.lastMs > idleMs) {
      this.finish(false)
      return
    }
    // It answers with what it wants next, or that it has everything.
    if (this.begun && nowMs - Math.max(this.lastMs, this.remindedMs) > remindMs && this.tellBegin()) {
      this.remindedMs = nowMs
    }
    this.pump()
  }

  /** Ends it, by the receiver's word or because it makes no sense any more. */
  finish(ok: boolean): void {
    if (this.over) return
    this.over = true
    this.window.clear()
    this.options.view.close().catch((error: unknown) => {
      this.options.logger.warn({ reason: messageOf(error) }, 'snapshot view not closed')
    })
    this.options.finished(ok)
  }
}
