/**
 * One connection to one node: requests of a turn leave in one frame, the answers of a frame are handed out together.
 *
 * Every request that was taken gets exactly one answer: its result, or `ConnectionClosed` when the connection ends first.
 */
import { NitroError } from '../../base/index.ts'
import type { Scheduler, Timer } from '../../base/index.ts'
import type { Session } from '../../net/index.ts'
import type { Consistency } from '../api/index.ts'
import {
  CommandBatchWriter,
  decodeLeaderHint,
  decodeReply,
  encodeCall,
  forEachCommand,
  frameKinds,
  QueryBatchWriter,
  TagTable,
} from '../wire/index.ts'
import type { CallParams, CommandOwner, LeaderHint, WatchPort, WatchSink, WireWatchRequest } from '../wire/index.ts'
import { ConnectionWatches } from './watches.ts'

/** A batch that has grown to this many bytes leaves before the turn ends. */
const batchBytes = 256 * 1024
/** A batch up to this size is copied by the link, so that the next one is gathered in the same memory. */
const copiedBytesMax = 32 * 1024
/** How long a connection that was replaced waits for its last answers. */
const retireMs = 10_000

/** What a connection tells its owner. */
export interface ConnectionEvents {
  leaderHint(connection: Connection, hint: LeaderHint): void
  /** It is over; called once. */
  closed(connection: Connection, error: NitroError | undefined): void
}

interface Frame {
  readonly kind: number
  readonly payload: Uint8Array
}

/** A started session with a node. */
export class Connection {
  /** The endpoint that was dialed. */
  readonly address: string
  readonly session: Session
  private readonly scheduler: Scheduler
  private readonly events: ConnectionEvents
  /** Who waits for an answer, each with its own tag for the request. */
  private readonly flights = new TagTable<CommandOwner>()
  private readonly commands = new CommandBatchWriter()
  private readonly queries = new QueryBatchWriter()
  private readonly watches = new ConnectionWatches(() => this.flushLater(0))
  private flushPlanned = false
  /** Answers are being read: what they lead to comes before the next I/O event. */
  private answering = false
  /** Frames that the session had no room for, oldest first. */
  private blocked: Frame[] = []
  private open = true
  private started = false
  /** Whether the node ever answered a request. */
  answered = false
  /** It takes no more requests and closes when the last one is answered. */
  private retiring = false
  private retireTimer: Timer | undefined

  constructor(address: string, session: Session, scheduler: Scheduler, events: ConnectionEvents) {
    this.address = address
    this.session = session
    this.scheduler = scheduler
    this.events = events
  }

  /** Begins delivery, if it has not begun; to be called after the owner knows the connection. */
  start(): void {
    if (this.started) return
    this.started = true
    this.session.start({
      message: (kind, payload) => this.message(kind, payload),
      drain: () => this.drain(),
      close: (error) => this.ended(error),
    })
  }

  /** Requests that have no answer yet. */
  get pending(): number {
    return this.flights.size
  }

  /** Sends a command at the end of this turn. */
  submit(command: Uint8Array, owner: CommandOwner, tag: number): void {
    if (!this.accepts(owner, tag)) return
    this.commands.add(this.flights.add(owner, tag), command)
    this.flushLater(this.commands.sizeBytes)
  }

  /** Sends a command in two pieces at the end of this turn. */
  submitParts(from: Uint8Array, start: number, end: number, args: Uint8Array, owner: CommandOwner, tag: number): void {
    if (!this.accepts(owner, tag)) return
    this.commands.addParts(this.flights.add(owner, tag), from, start, end, args)
    this.flushLater(this.commands.sizeBytes)
  }

  /** Sends a query at the end of this turn. */
  query(
    program: string,
    method: string,
    args: Uint8Array,
    consistency: Consistency,
    timeoutMs: number,
    owner: CommandOwner,
    tag: number,
  ): void {
    if (!this.accepts(owner, tag)) return
    this.queries.add(this.flights.add(owner, tag), consistency, timeoutMs, program, method, args)
    this.flushLater(this.queries.sizeBytes)
  }

  /** Opens a watch; its requests leave at the end of the turn, as all others do. */
  watch(request: WireWatchRequest, sink: WatchSink): WatchPort | NitroError {
    if (this.open && !this.retiring) return this.watches.open(request, sink)
    return new NitroError('ConnectionClosed', `the connection to ${this.address} is closed`, { executed: 'no' })
  }

  private accepts(owner: CommandOwner, tag: number): boolean {
    if (this.open && !this.flights.full) return true
    owner.failed(
      tag,
      this.open
        ? new NitroError('Overloaded', 'too many requests are under way on this connection')
        : new NitroError('ConnectionClosed', `the connection to ${this.address} is closed`, { executed: 'no' }),
    )
    return false
  }

  /** Calls a method at once; the owner gets the whole reply. */
  call(method: string, params: CallParams, owner: CommandOwner, tag: number): void {
    if (!this.accepts(owner, tag)) return
    const id = this.flights.add(owner, tag)
    this.send({ kind: frameKinds.call, payload: encodeCall({ id, method, params }) })
  }

  private flushLater(sizeBytes: number): void {
    if (sizeBytes >= batchBytes) this.flush()
    else if (!this.flushPlanned) {
      this.flushPlanned = true
      if (!this.answering) this.scheduler.endOfTurn(this.flushNow)
    }
  }

  private readonly flushNow = (): void => {
    this.flushPlanned = false
    this.flush()
    if (this.open) this.session.flush()
  }

  /** Requests that answers lead to leave with the end of what they lead to, while other connections still have answers to read. */
  private planAnswered(): void {
    if (this.answering || this.scheduler.endOfTask === undefined) return
    this.answering = true
    this.scheduler.endOfTask(this.answersAreThrough)
  }

  private readonly answersAreThrough = (): void => {
    this.answering = false
    if (this.flushPlanned) this.flushNow()
  }

  /** Sends what has gathered. */
  flush(): void {
    if (!this.open) return
    if (this.commands.count > 0) this.sendBatch(frameKinds.commands, this.commands)
    if (this.queries.count > 0) this.sendBatch(frameKinds.queries, this.queries)
    const { asks } = this.watches
    if (!asks.empty) this.send({ kind: frameKinds.watch, payload: asks.take() })
  }

  private sendBatch(kind: number, batch: CommandBatchWriter | QueryBatchWriter): void {
    const copied = batch.sizeBytes <= copiedBytesMax && this.blocked.length === 0
    if (copied && this.session.sendCopy(kind, batch.view())) batch.clear()
    else this.send({ kind, payload: batch.take() })
  }

  private send(frame: Frame): void {
    if (this.blocked.length > 0 || !this.session.send(frame.kind, frame.payload)) this.blocked.push(frame)
  }

  private drain(): void {
    let sent = 0
    for (const frame of this.blocked) {
      if (!this.session.send(frame.kind, frame.payload)) break
      sent++
    }
    this.blocked = this.blocked.slice(sent)
  }

  private message(kind: number, payload: Uint8Array): void {
    if (kind === frameKinds.results || kind === frameKinds.queryResults) {
      this.planAnswered()
      forEachCommand(payload, this.result)
      this.closeIfDone()
    } else if (kind === frameKinds.reply) {
      this.result(decodeReply(payload).id, payload, 0, payload.length)
      this.closeIfDone()
    } else if (kind === frameKinds.watchEvents) {
      this.answered = true
      this.watches.message(payload)
    } else if (kind === frameKinds.leaderHint) {
      this.events.leaderHint(this, decodeLeaderHint(payload))
    } else {
      throw new NitroError('MalformedFrame', `a client does not understand message kind ${kind}`)
    }
  }

  private readonly result = (tag: number, bytes: Uint8Array, start: number, end: number): void => {
    const owner = this.flights.take(tag)
    this.answered = true
    if (owner === undefined) return
    const ownTag = this.flights.takenNote
    if (owner.completedIn === undefined) owner.completed(ownTag, bytes.subarray(start, end))
    else owner.completedIn(ownTag, bytes, start, end)
  }

  /** Closes as soon as nothing is under way any more; new requests go elsewhere. */
  retire(): void {
    if (this.retiring) return
    this.retiring = true
    this.retireTimer = this.scheduler.after(retireMs, () => this.close())
    const message = `the connection to ${this.address} is being replaced`
    this.watches.endAll(new NitroError('ConnectionClosed', message, { executed: 'no' }))
    this.closeIfDone()
  }

  private closeIfDone(): void {
    if (this.retiring && this.open && this.pending === 0) this.close()
  }

  /** Sends what has gathered and closes. */
  close(error?: NitroError): void {
    if (!this.open) return
    this.flush()
    this.session.close(error)
  }

  private ended(reason: NitroError | undefined): void {
    this.open = false
    this.retireTimer?.cancel()
    this.blocked = []
    const message = `the connection to ${this.address} closed before an answer came`
    const lost = new NitroError('ConnectionClosed', reason === undefined ? message : `${message}: ${reason.message}`, {
      executed: 'maybe',
      cause: reason,
    })
    this.events.closed(this, reason)
    this.flights.drain((owner, tag) => owner.failed(tag, lost))
    this.watches.endAll(lost)
  }
}
