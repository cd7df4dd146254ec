/** Ends streams that insist on a leader, when there has been none for a while: their callers go to another node. */
import type { Scheduler, Timer } from '../../../base/index.ts'
import { refuse } from './errors.ts'
import type { RpcError } from './rpc-error.ts'

const lookEveryMs = 500
/** Looks without a leader at which streams end; elections are shorter. */
const looksMax = 3

/** A stream that can be ended. */
export interface Endable {
  readonly signal: AbortSignal
  fail(error: RpcError): void
}

/** Looks after the streams of one server. */
export class LeaderWatch {
  private readonly scheduler: Scheduler
  private readonly hasLeader: () => boolean
  private readonly streams = new Set<Endable>()
  private timer: Timer | undefined
  private looks = 0

  constructor({ scheduler, hasLeader }: { readonly scheduler: Scheduler; readonly hasLeader: () => boolean }) {
    this.scheduler = scheduler
    this.hasLeader = hasLeader
  }

  /** Looks after a stream until it is over. */
  add(stream: Endable): void {
    this.streams.add(stream)
    stream.signal.addEventListener('abort', () => this.streams.delete(stream), { once: true })
    this.timer ??= this.scheduler.after(lookEveryMs, this.look)
  }

  private readonly look = (): void => {
    this.timer = undefined
    this.looks = this.hasLeader() ? 0 : this.looks + 1
    if (this.looks >= looksMax) for (const stream of this.streams) stream.fail(refuse('noLeader'))
    if (this.streams.size > 0) this.timer = this.scheduler.after(lookEveryMs, this.look)
    else this.looks = 0
  }

  /** Looks no more. */
  close(): void {
    this.timer?.cancel()
    this.streams.clear()
  }
}
