/**
 * The watches of one client connection, on the serving end. What the hub has for them in a turn leaves in one frame, and events
 * that several watches see are in it once. When too much is unsent the outlet takes no more, and says when it does again.
 */
import { NitroError } from '../../base/index.ts'
import type { Scheduler } from '../../base/index.ts'
import { boundsOf, defaultLimits } from '../../execution/index.ts'
import type { Caller } from '../../execution/index.ts'
import type { EventBuffer, WatchHub, WatchOutlet, WatchSpec } from '../replica/index.ts'
import { frameKinds, readWatchAsks, WatchTellWriter } from '../wire/index.ts'
import type { WatchAsks, WireWatchRequest } from '../wire/index.ts'

/** A frame leaves at this size, before the turn is over. */
const frameBytes = 512 << 10
/** Unsent bytes of the connection at which no more is taken, and below which it is again. */
const roomBytes = 4 << 20
const roomAgainBytes = 2 << 20
const lookAgainMs = 10

/** What an outlet stands on. */
export interface RemoteOutletOptions {
  readonly hub: () => WatchHub | undefined
  readonly scheduler: Scheduler
  /** Who the client is. */
  readonly caller: () => Caller
  /** Sends one message; bounds are the outlet's business. */
  readonly send: (kind: number, payload: Uint8Array) => void
  /** Unsent bytes of the connection. */
  readonly unsentBytes: () => number
}

/** The outlet of a client connection. */
export class RemoteOutlet implements WatchOutlet, WatchAsks {
  private readonly options: RemoteOutletOptions
  private readonly tells = new WatchTellWriter()
  /** Events on their way into the frame, and the watches they are for. */
  private buffer: EventBuffer | undefined
  private ids: number[] = []
  private looking = false
  private gone = false

  constructor(options: RemoteOutletOptions) {
    this.options = options
  }

  /** A frame of the client. Throws `MalformedFrame`. */
  message(payload: Uint8Array): void {
    readWatchAsks(payload, this)
  }

  /** For {@link readWatchAsks}. */
  open(id: number, request: WireWatchRequest): void {
    const hub = this.options.hub()
    if (hub?.has(this, id) === true) throw new NitroError('MalformedFrame', `watch ${id} is open already`)
    const spec = specOf(request)
    if (hub === undefined) {
      this.ended(id, new NitroError('NotBootstrapped', 'this node has no configuration yet'))
      this.flush()
    } else if (spec instanceof NitroError) {
      this.ended(id, spec)
      this.flush()
    } else hub.open(this, id, spec, request.fromRevision, request.creditBytes, this.options.caller())
  }

  /** For {@link readWatchAsks}. */
  close(id: number): void {
    this.options.hub()?.close(this, id)
  }

  /** For {@link readWatchAsks}. */
  credit(id: number, bytes: number): void {
    this.options.hub()?.credit(this, id, bytes)
  }

  get hasRoom(): boolean {
    return this.options.unsentBytes() + this.tells.sizeBytes < roomBytes
  }

  opened(id: number, revision: number): void {
    this.endEvents()
    this.tells.opened(id, revision)
  }

  events(buffer: EventBuffer, id: number): void {
    if (buffer !== this.buffer) {
      this.endEvents()
      this.buffer = buffer
    }
    this.ids.push(id)
  }

  private endEvents(): void {
    const { buffer } = this
    if (buffer === undefined) return
    this.tells.events(this.ids, buffer.more, buffer.through, buffer.bytes)
    this.buffer = undefined
    this.ids = []
    if (this.tells.sizeBytes >= frameBytes) this.sendFrame()
  }

  /** Asked by the client, without a revision, or told by the hub, with one. */
  progress(id: number, revision?: number): void {
    if (revision === undefined) {
      this.options.hub()?.askProgress(this, id)
      return
    }
    this.endEvents()
    this.tells.progress(id, revision)
  }

  progressAll(revision: number, except: readonly number[]): void {
    this.endEvents()
    this.tells.progressAll(revision, except)
  }

  ended(id: number, error: NitroError): void {
    this.endEvents()
    this.tells.ended(id, error)
  }

  flush(): void {
    this.endEvents()
    if (this.tells.sizeBytes > 0) this.sendFrame()
    if (!this.hasRoom) this.look()
  }

  private sendFrame(): void {
    const payload = this.tells.take()
    if (!this.gone) this.options.send(frameKinds.watchEvents, payload)
  }

  private look(): void {
    if (this.looking || this.gone) return
    this.looking = true
    this.options.scheduler.after(lookAgainMs, () => {
      this.looking = false
      if (this.gone) return
      if (this.options.unsentBytes() > roomAgainBytes) this.look()
      else this.options.hub()?.roomAgain(this)
    })
  }

  /** The connection is over. */
  drop(): void {
    this.gone = true
    this.options.hub()?.drop(this)
  }
}

/** What the hub is asked for; an error for keys that can't be. */
export function specOf(request: WireWatchRequest): WatchSpec | NitroError {
  const { range, puts, deletes, emits, previous } = request
  const limit = defaultLimits.keyBytes
  const longest = Math.max(range.start.length, range.end?.length ?? 0)
  if (longest > limit) {
    const details = { bytes: longest, limit }
    return new NitroError('KeyTooLarge', `${longest} bytes; the limit is ${limit}`, { details })
  }
  const [start, end] = boundsOf(range)
  return { start, end, puts, deletes, emits, previous }
}
