/**
 * The sockets of a simulated process: what the network delivers enters through the process's scheduler, in order.
 */
import { concatBytes } from '../../base/index.ts'
import type { NitroError } from '../../base/index.ts'
import type { Link, LinkHandlers, Transport } from '../../net/index.ts'
import { frameKinds } from '../wire/index.ts'
import type { Life } from './process.ts'
import type { SeededRandom } from './random.ts'
import type { Trace } from './trace.ts'

/** Where a socket writes down what it delivers. */
export interface SocketLog {
  readonly name: string
  readonly trace: Trace
  nowMs(): number
}

/**
 * What becomes of Raft's messages on their way out. Links deliver in order and once, but the core promises to bear less,
 * and only if it does may a transport without such promises take their place.
 */
export interface Mischief {
  readonly random: SeededRandom
  /** How often a message is sent twice, and how often it is held back for up to `heldMs`, so that others overtake it. */
  readonly twiceRate: number
  readonly heldRate: number
  readonly heldMs: number
}

/** A transport whose callbacks and promises belong to one life of a process. */
export function socketTransport(
  network: Transport,
  life: Life,
  log: SocketLog,
  mischief: () => Mischief | undefined = () => undefined,
): Transport {
  const socket = (link: Link): Link => new Socket(link, life, log, mischief)
  return {
    listen: (address, accept) => network.listen(address, (link) => life.enter('accept', 0, () => accept(socket(link)))),
    dial: (address, options) =>
      new Promise((resolve, reject) => {
        network.dial(address, options).then(
          (link) => life.enter('dialed', 0, () => resolve(socket(link))),
          (error: unknown) => life.enter('dial failed', 0, () => reject(error)),
        )
      }),
  }
}

type Delivery = Uint8Array | 'drain' | { readonly error: NitroError | undefined }

/** One end of a link as its process sees it. */
class Socket implements Link {
  readonly remote: string
  private readonly link: Link
  private readonly life: Life
  private readonly log: SocketLog
  private readonly mischief: () => Mischief | undefined
  private queue: Delivery[] = []
  private planned = false
  private paused = false
  private closed = false

  constructor(link: Link, life: Life, log: SocketLog, mischief: () => Mischief | undefined) {
    this.mischief = mischief
    this.link = link
    this.life = life
    this.log = log
    this.remote = link.remote
  }

  get bufferedBytes(): number {
    return this.link.bufferedBytes
  }

  start(handlers: LinkHandlers): void {
    const take = (delivery: Delivery): void => {
      this.queue.push(delivery)
      this.deliverLater(handlers)
    }
    this.resumed = () => this.deliverLater(handlers)
    this.link.start({
      frame: take,
      drain: () => take('drain'),
      close: (error) => take({ error }),
    })
  }
  private resumed: () => void = () => undefined

  private deliverLater(handlers: LinkHandlers): void {
    if (this.planned || this.queue.length === 0) return
    this.planned = true
    this.life.enter('socket', 0, () => {
      this.planned = false
      this.deliver(handlers)
    })
  }

  /** Frames wait during a pause, unless the end of the link is behind them. */
  private deliver(handlers: LinkHandlers): void {
    const { queue, log } = this
    const ending = queue.some((one) => !(one instanceof Uint8Array) && one !== 'drain')
    while (queue.length > 0 && (!this.paused || ending)) {
      const next = queue.shift() as Delivery
      if (next === 'drain') handlers.drain?.()
      else if (!(next instanceof Uint8Array)) handlers.close(next.error)
      else if (!this.closed) {
        log.trace.add(log.nowMs(), log.name, 'frame', next)
        handlers.frame(next)
      }
    }
  }

  send(frame: Uint8Array): boolean {
    return this.link.send(frame)
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    const mischief = this.mischief()
    if (mischief === undefined || parts[0]?.[1] !== frameKinds.raft) return this.link.sendParts(parts)
    const { random, twiceRate, heldRate, heldMs } = mischief
    const frame = concatBytes(parts)
    const again = (): void =>
      this.life.enter('held', random.between(0, heldMs), () => {
        if (!this.closed) this.link.send(frame)
      })
    if (random.chance(twiceRate)) again()
    if (!random.chance(heldRate)) return this.link.send(frame)
    again()
    return true
  }

  sendCopy(parts: readonly Uint8Array[]): boolean {
    return this.link.sendCopy(parts)
  }

  flush(): void {
    this.link.flush()
  }

  pause(): void {
    this.paused = true
    this.link.pause()
  }

  resume(): void {
    this.paused = false
    this.link.resume()
    this.resumed()
  }

  close(error?: NitroError): void {
    this.closed = true
    this.link.close(error)
  }
}
