/** One end of a link of the memory network, with the queue of what travels to the other end. */
import { type Clock, concatBytes, NitroError, present, type Scheduler } from '../base/index.ts'
import { Inbox } from './inbox.ts'
import type { Link, LinkHandlers, LinkLimits } from './transport.ts'

/** The state of one direction between two hosts; shared by all links on it. */
export interface Route {
  delayMinMs: number
  delayMaxMs: number
  lossRate: number
  blocked: 'cut' | 'blackhole' | undefined
  /** Counts changes of `blocked`. */
  epoch: number
}

/** What a link needs from its network. */
export interface MemoryLinkOptions {
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly limits: LinkLimits
  /** The host of this end. */
  readonly host: string
  readonly remote: string
  /** From this end to the other. */
  readonly route: Route
  /** Draws how long a frame that is not lost is on its way. */
  readonly delayMs: (route: Route) => number
  /** Draws whether a frame is lost that is sent now. */
  readonly isLost: (route: Route) => boolean
}

/** After so long a lost frame is sent again, after twice as long the next time. */
export const retransmitMs = 200

/** In flight: a frame, or the end of the link. */
type Item = {
  atMs: number
  /** What is waited for is not the frame but its sender, who waits so long before sending it again; 0 once it is on its way. */
  retryMs: number
} & ({ readonly frame: Uint8Array } | { readonly frame: undefined; readonly error: NitroError | undefined })

/** The memory link. */
export class MemoryLink implements Link {
  readonly host: string
  readonly remote: string
  bufferedBytes = 0
  private readonly options: MemoryLinkOptions
  private readonly inbox: Inbox
  private peer: MemoryLink | undefined
  private forget: (() => void) | undefined
  /** In flight to the peer, in order: nothing arrives before what was sent before it. */
  private queue: Item[] = []
  private moving = false
  private lastAtMs = 0
  private refused = false
  private closed = false
  /** This end's process is gone: it hears nothing. */
  private dead = false

  constructor(options: MemoryLinkOptions) {
    this.options = options
    this.host = options.host
    this.remote = options.remote
    this.inbox = new Inbox(options.scheduler)
  }

  /** The other end's host. */
  get peerHost(): string {
    return present(this.peer, 'the other end').host
  }

  /** Wires the two ends; `forget` runs when this end is over. */
  join(peer: MemoryLink, forget: () => void): void {
    this.peer = peer
    this.forget = forget
  }

  start(handlers: LinkHandlers): void {
    this.inbox.start(handlers)
    this.peer?.wake()
  }

  pause(): void {
    this.inbox.pause()
  }

  resume(): void {
    this.inbox.resume()
    this.peer?.wake()
  }

  send(frame: Uint8Array): boolean {
    if (this.closed || this.dead) return false
    const { limits } = this.options
    if (frame.length > limits.maxFrameBytes) {
      const message = `a frame of ${frame.length} bytes is above the limit of ${limits.maxFrameBytes}`
      this.close(new NitroError('FrameTooLarge', message))
      return false
    }
    if (this.bufferedBytes + frame.length > limits.maxBufferedBytes) {
      this.refused = true
      return false
    }
    this.bufferedBytes += frame.length
    this.enqueue({ ...this.departure(), frame })
    return true
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    return this.send(concatBytes(parts))
  }

  sendCopy(parts: readonly Uint8Array[]): boolean {
    return this.send(concatBytes(parts))
  }

  /** Frames are on their way when they are sent. */
  flush(): void {}

  close(error?: NitroError): void {
    if (this.closed || this.dead) return
    this.enqueue({ ...this.departure(), frame: undefined, error })
    this.end(error, true)
  }

  /** Both ends lose the connection now; what is in flight is lost. */
  break(error: NitroError): void {
    this.queue = []
    this.end(error, false)
  }

  /** This end's process dies; `keep` chooses how much of what is in flight still arrives. */
  die(keep: (queued: number) => number): void {
    if (this.dead) return
    this.dead = true
    this.inbox.silence()
    this.forget?.()
    if (this.closed) return
    this.closed = true
    this.queue.length = keep(this.queue.length)
    const error = new NitroError('ConnectionClosed', `${this.host} reset the connection`)
    this.enqueue({ ...this.departure(), frame: undefined, error })
  }

  /** Moves what can be delivered: the route opened, or the peer listens again. */
  wake(): void {
    if (this.moving || this.stuck()) return
    const head = this.queue[0]
    if (head === undefined) return
    this.moving = true
    const delayMs = head.atMs - this.options.clock.monotonicMs()
    if (delayMs > 0) this.options.scheduler.after(delayMs, this.move)
    else this.options.scheduler.endOfTurn(this.move)
  }

  /** Moves what can be delivered in both directions. */
  wakePair(): void {
    this.wake()
    this.peer?.wake()
  }

  private readonly move = (): void => {
    const nowMs = this.options.clock.monotonicMs()
    // The head's time has come by the timer's word; the clock may read a fraction less.
    let due = true
    let at = 0
    while (due && at < this.queue.length && !this.stuck()) {
      const item = this.queue[at] as Item
      if (item.retryMs > 0 && this.lostAgain(item, nowMs)) break
      this.arrive(item)
      at++
      due = (this.queue[at]?.atMs ?? Infinity) <= nowMs
    }
    this.queue.splice(0, at)
    this.moving = false
    if (this.refused && this.bufferedBytes <= this.options.limits.maxBufferedBytes / 2) {
      this.refused = false
      this.inbox.drained()
    }
    this.wake()
  }

  private arrive(item: Item): void {
    const peer = present(this.peer, 'the other end')
    if (item.frame === undefined) {
      peer.end(item.error, false)
    } else {
      this.bufferedBytes -= item.frame.length
      // Copied on arrival, not on sending: a sender that changes its bytes afterwards is found out here.
      if (!peer.closed) peer.inbox.push(new Uint8Array(item.frame))
    }
  }

  private stuck(): boolean {
    const { route } = this.options
    if (route.blocked !== undefined) return true
    const peer = present(this.peer, 'the other end')
    return peer.inbox.closedToFrames && !peer.closed && this.queue[0]?.frame !== undefined
  }

  private enqueue(item: Item): void {
    this.queue.push(item)
    this.wake()
  }

  private departure(): { readonly atMs: number; readonly retryMs: number } {
    const { clock, route, delayMs, isLost } = this.options
    const retryMs = isLost(route) ? retransmitMs : 0
    this.lastAtMs = Math.max(this.lastAtMs, clock.monotonicMs() + delayMs(route) + retryMs)
    return { atMs: this.lastAtMs, retryMs }
  }

  /** It is sent again now, by the route as it is now. */
  private lostAgain(item: Item, nowMs: number): boolean {
    const { route, isLost } = this.options
    if (!isLost(route)) return false
    item.retryMs *= 2
    item.atMs = nowMs + item.retryMs
    return true
  }

  private end(error: NitroError | undefined, drop: boolean): void {
    if (this.closed || this.dead) return
    this.closed = true
    this.forget?.()
    this.inbox.end(error, drop)
  }
}
