/**
 * Watches that outlive connections and nodes.
 *
 * A watch is the next revision it has not delivered. When an attempt ends for a reason that can pass, another one begins from
 * that revision, on whatever node there is. Rules:
 *  - Only whole revisions are delivered. Pieces of one that were not whole when the attempt ended are dropped, and come again.
 *  - The cursor moves by what was delivered and by progress only; what an older or slower node says can't move it back.
 *  - What the owner holds and has not consumed counts against the credit of the next attempt, too.
 */
import { isNitroError, NitroError } from '../../base/index.ts'
import type { Random, Scheduler, Timer } from '../../base/index.ts'
import type { Caller, DecodedRevision } from '../../execution/codec.ts'
import type { WatchDelivery, WatchHandle, WatchListener, WatchRequest } from '../api/index.ts'
import { Backoff } from './alarm.ts'
import { worthRepeating } from './requests.ts'
import type { WatchChannel, WatchChunk, WatchPort, WatchSink } from './watch-channel.ts'

/** A watch, and who it is for: undefined for whoever the channel is. */
type WatchFor = WatchRequest & { readonly caller?: Caller | undefined }

/** The largest single revision that is put together for a watch; above, it ends with `RequestTooLarge`. */
const revisionBytesMax = 64 << 20

/** What a {@link WatchSession} stands on. */
export interface WatchSessionOptions {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly channel: WatchChannel
}

/** All watches of one client or node. */
export class WatchSession {
  readonly scheduler: Scheduler
  readonly channel: WatchChannel
  private readonly backoff: Backoff
  private readonly live = new Set<ResumingWatch>()
  private waiting: ResumingWatch[] = []
  private retryTimer: Timer | undefined
  private closed = false

  constructor({ scheduler, random, channel }: WatchSessionOptions) {
    this.scheduler = scheduler
    this.channel = channel
    this.backoff = new Backoff(random)
  }

  /** Open watches. */
  get size(): number {
    return this.live.size
  }

  /** Begins a watch; it is opened at the end of this turn. */
  watch(request: WatchFor, listener: WatchListener): WatchHandle {
    const watch = new ResumingWatch(this, request, listener)
    this.live.add(watch)
    this.scheduler.endOfTurn(() => {
      if (this.closed) watch.fail(closed())
      else watch.attempt()
    })
    return watch
  }

  /** For {@link ResumingWatch} only: another attempt after a while. */
  retry(watch: ResumingWatch): void {
    this.waiting.push(watch)
    this.retryTimer ??= this.scheduler.after(this.backoff.nextMs(), () => this.attemptAll())
  }

  private attemptAll(): void {
    this.retryTimer?.cancel()
    this.retryTimer = undefined
    const waiting = this.waiting
    this.waiting = []
    for (const watch of waiting) watch.attempt()
  }

  /** There is a node to ask: whoever waits for one goes on now. */
  retryNow(): void {
    this.backoff.reset()
    if (this.retryTimer !== undefined) this.attemptAll()
  }

  /** For {@link ResumingWatch} only: an attempt went well. */
  wentWell(): void {
    this.backoff.reset()
  }

  /** For {@link ResumingWatch} only: it is over. */
  over(watch: ResumingWatch): void {
    this.live.delete(watch)
  }

  /** Ends all watches with `Closed`. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.retryTimer?.cancel()
    for (const watch of this.live) watch.fail(closed())
  }
}

function closed(): NitroError {
  return new NitroError('Closed', 'the engine is closed')
}

/** Several chunks that hold one revision together. */
class Joined implements WatchDelivery {
  readonly sizeBytes: number
  private readonly chunks: readonly WatchChunk[]

  /** `sizeBytes` is what the owner has to consume; the other chunks have been accounted for. */
  constructor(chunks: readonly WatchChunk[], sizeBytes: number) {
    this.chunks = chunks
    this.sizeBytes = sizeBytes
  }

  revisions(): readonly DecodedRevision[] {
    const out: DecodedRevision[] = []
    for (const { revision, events } of this.chunks.flatMap((chunk) => chunk.revisions())) {
      const last = out.at(-1)
      // The chunk's own revisions are shared with other watches and stay as they are.
      if (last?.revision === revision) out[out.length - 1] = { revision, events: [...last.events, ...events] }
      else out.push({ revision, events })
    }
    return out
  }
}

class ResumingWatch implements WatchHandle, WatchSink {
  private readonly session: WatchSession
  private readonly request: WatchFor
  private readonly listener: WatchListener
  private port: WatchPort | undefined
  /** The first revision that was not delivered; 0 until the watch was opened for the first time. */
  private next: number
  private announced = false
  /** Chunks whose last revision is not whole. */
  private held: WatchChunk[] = []
  private heldBytes = 0
  /** Delivered and not consumed. */
  private unusedBytes = 0
  /** Consumed, and the node does not know. */
  private untoldBytes = 0
  private asked = false
  private silence: Timer | undefined
  private ending = false

  constructor(session: WatchSession, request: WatchFor, listener: WatchListener) {
    this.session = session
    this.request = request
    this.listener = listener
    this.next = request.fromRevision
  }

  /** Tries to open the watch where it goes on. */
  attempt(): void {
    if (this.ending) return
    const { request } = this
    this.untoldBytes = 0
    const creditBytes = Math.max(0, request.creditBytes - this.unusedBytes)
    const port = this.session.channel.watch({ ...request, fromRevision: this.next, creditBytes }, this)
    if (isNitroError(port)) return this.ended(port)
    this.port = port
    if (this.asked) port.progress()
  }

  opened(revision: number): void {
    this.session.wentWell()
    if (this.next === 0) this.next = revision + 1
    if (this.announced) return
    this.announced = true
    this.listen()
    this.listener.opened(revision)
  }

  chunk(chunk: WatchChunk): void {
    if (chunk.more) {
      this.hold(chunk)
      return
    }
    const { held } = this
    const delivery = held.length === 0 ? chunk : new Joined([...held, chunk], chunk.sizeBytes)
    this.held = []
    this.heldBytes = 0
    this.next = chunk.through + 1
    this.unusedBytes += chunk.sizeBytes
    this.listen()
    this.listener.delivered(delivery)
  }

  /** The rest of a revision has to come, whatever the owner consumes: what is held does not count against the credit. */
  private hold(chunk: WatchChunk): void {
    this.held.push(chunk)
    this.heldBytes += chunk.sizeBytes
    this.port?.credit(chunk.sizeBytes)
    if (this.heldBytes <= revisionBytesMax) return
    const message = `one revision has more than ${revisionBytesMax} bytes for this watch; watch fewer keys, or without prev`
    this.fail(new NitroError('RequestTooLarge', message))
  }

  progress(revision: number, asked: boolean): void {
    if (revision < this.next - 1 || this.next === 0 || this.held.length > 0) return
    this.next = revision + 1
    if (!asked || !this.asked) return
    this.asked = false
    this.listen()
    this.listener.progress(revision)
  }

  ended(error: NitroError): void {
    if (this.ending) return
    this.port = undefined
    this.held = []
    this.heldBytes = 0
    if (worthRepeating(error)) this.session.retry(this)
    else this.fail(error)
  }

  consumed(bytes: number): void {
    this.unusedBytes -= bytes
    this.untoldBytes += bytes
    if (this.port === undefined || this.untoldBytes < this.request.creditBytes / 4) return
    this.port.credit(this.untoldBytes)
    this.untoldBytes = 0
  }

  requestProgress(): void {
    if (this.ending || this.asked) return
    this.asked = true
    this.port?.progress()
  }

  /** From now on silence is counted. */
  private listen(): void {
    const { progressMs } = this.request
    if (progressMs === 0) return
    this.silence?.cancel()
    this.silence = this.session.scheduler.after(progressMs, () => this.requestProgress())
  }

  close(): void {
    if (this.ending) return
    this.ending = true
    this.silence?.cancel()
    this.held = []
    this.port?.close()
    this.port = undefined
    this.session.over(this)
  }

  /** Ends it for good, and says why. */
  fail(error: NitroError): void {
    if (this.ending) return
    this.close()
    this.listener.ended(error)
  }
}
