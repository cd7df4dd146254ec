/**
 * The serving end of a client connection.
 *
 * What arrives in a frame is submitted in order; what is answered during a turn leaves in one frame at its end. A
 * client that does not read is not read from: above a bound of unsent answers the connection is paused, and nothing
 * gathers without limit.
 */
import { NitroError, isNitroError, messageOf } from '../../base/index.ts'
import type { Logger, Scheduler } from '../../base/index.ts'
import { errorResult } from '../../execution/codec.ts'
import type { Session } from '../../net/index.ts'
import type { Replica } from '../replica/index.ts'
import {
  CommandBatchWriter,
  decodeCall,
  encodeLeaderHint,
  encodeReply,
  encodeStreamChunk,
  forEachCommand,
  forEachQuery,
  frameKinds,
} from '../wire/index.ts'
import type { Call, CallValue, CommandOwner } from '../wire/index.ts'
import type { AdminService } from './admin-service.ts'
import { ConnectionLogin, isAuthCall } from './auth/login.ts'
import type { LocalAuth } from './auth/node-auth.ts'
import { RemoteOutlet } from './watch-outlet.ts'

const frameBytesMax = 1 << 20
const unsentBytesMax = 16 << 20
const streamsMax = 4
/** A stream leaves room in the connection's queue: results that find it full end the connection. */
const streamUnsentMax = 4 << 20
const lookAgainMs = 10
const resultsBytesMin = 256
/** Shorter frames are copied, and their memory serves the next connection's. */
const copiedBytesMax = 1024

/** Gathers results of one kind during a turn: a few, of some ten bytes each. */
class Results implements CommandOwner {
  private readonly port: ClientPort
  private readonly kind: number
  private readonly batch = new CommandBatchWriter(resultsBytesMin)

  constructor(port: ClientPort, kind: number) {
    this.port = port
    this.kind = kind
  }

  completed(tag: number, result: Uint8Array): void {
    if (this.batch.count === 0) this.port.flushLater()
    this.batch.add(tag, result)
    if (this.batch.sizeBytes >= frameBytesMax) this.flush()
  }

  failed(tag: number, error: NitroError): void {
    this.completed(tag, errorResult(error))
  }

  runEnded(): void {
    this.port.flush()
  }

  flush(): void {
    if (this.batch.count === 0) return
    if (this.batch.sizeBytes > copiedBytesMax) this.port.send(this.kind, this.batch.take())
    else {
      this.port.sendCopy(this.kind, this.batch.view())
      this.batch.clear()
    }
  }
}

/** What a client port stands on. */
export interface ClientPortOptions {
  readonly replica: Replica
  readonly admin: AdminService
  readonly auth: LocalAuth
  readonly scheduler: Scheduler
  readonly logger: Logger
  /** The connection is over. */
  readonly closed: (port: ClientPort) => void
}

/** One client connection. */
export class ClientPort {
  private readonly session: Session
  private readonly options: ClientPortOptions
  private readonly commands: Results
  private readonly queries: Results
  private readonly watches: RemoteOutlet
  private readonly login: ConnectionLogin
  private flushing = false
  private paused = false
  private streams = 0
  private over = false

  constructor(session: Session, options: ClientPortOptions) {
    this.session = session
    this.options = options
    this.login = new ConnectionLogin(options.auth)
    this.commands = new Results(this, frameKinds.results)
    this.queries = new Results(this, frameKinds.queryResults)
    this.watches = new RemoteOutlet({
      hub: () => options.replica.group?.watches,
      scheduler: options.scheduler,
      caller: () => this.login.principal,
      send: (kind, payload) => this.send(kind, payload),
      unsentBytes: () => session.bufferedBytes,
    })
    session.start({
      message: (kind, payload) => this.message(kind, payload),
      drain: () => this.drained(),
      close: () => {
        this.over = true
        this.watches.drop()
        this.drained()
        options.closed(this)
      },
    })
    this.tellLeader(false)
  }

  /** Tells the client where the leader is, and whether this node is about to leave. */
  tellLeader(leaving: boolean): void {
    if (!this.over) {
      const hint = { leader: this.options.admin.leaderAddress(), leaving }
      this.session.send(frameKinds.leaderHint, encodeLeaderHint(hint))
    }
  }

  private message(kind: number, payload: Uint8Array): void {
    const { replica } = this.options
    try {
      switch (kind) {
        case frameKinds.commands:
          forEachCommand(payload, (tag, bytes, start, end) => {
            const command = bytes.subarray(start, end)
            const refusal = this.login.refusal(command)
            if (refusal === undefined) replica.submit(command, this.commands, tag)
            else this.commands.failed(tag, refusal)
          })
          return
        case frameKinds.queries:
          forEachQuery(payload, (query) => {
            const { program, method, args, consistency, timeoutMs, tag } = query
            replica.query(program, method, args, consistency, timeoutMs, this.queries, tag, this.login.current)
          })
          return
        case frameKinds.watch:
          this.watches.message(payload)
          return
        case frameKinds.call:
          this.call(decodeCall(payload))
          return
        default:
          throw new NitroError('MalformedFrame', `a client does not send messages of kind ${kind}`)
      }
    } catch (error) {
      const reason = isNitroError(error) ? error : new NitroError('MalformedFrame', messageOf(error))
      this.options.logger.warn({ client: this.session.remote.name, code: reason.code }, 'bad message from a client')
      this.close(reason)
    }
  }

  private call(call: Call): void {
    if (call.method === 'snapshot') {
      this.stream(call).catch((error: unknown) =>
        this.options.logger.warn({ reason: messageOf(error) }, 'stream broke'),
      )
      return
    }
    this.answer(call).then(
      (value) => this.send(frameKinds.reply, encodeReply({ id: call.id, ok: true, value })),
      (thrown: unknown) => {
        const error = isNitroError(thrown) ? thrown : new NitroError('Unavailable', messageOf(thrown))
        this.send(frameKinds.reply, encodeReply({ id: call.id, ok: false, error }))
      },
    )
  }

  /** Logging in takes effect at once, for whatever comes after it on this connection. */
  private async answer({ method, params }: Call): Promise<CallValue> {
    if (isAuthCall(method)) return this.login.call(method, params)
    this.login.check(method, params)
    return this.options.admin.call(method, params)
  }

  private async stream(call: Call): Promise<void> {
    let seq = 0
    const { id } = call
    this.streams++
    try {
      this.login.check(call.method, call.params)
      if (this.streams > streamsMax) throw new NitroError('Overloaded', `${streamsMax} streams are already open`)
      for await (const data of this.options.admin.snapshot()) {
        while (!this.over && this.session.bufferedBytes > streamUnsentMax) {
          await new Promise<void>((resolve) => this.options.scheduler.after(lookAgainMs, resolve))
        }
        if (this.over) return
        this.send(frameKinds.stream, encodeStreamChunk({ id, seq, data }))
        seq++
      }
      this.send(frameKinds.stream, encodeStreamChunk({ id, seq, end: true }))
    } catch (thrown) {
      const error = isNitroError(thrown) ? thrown : new NitroError('Unavailable', messageOf(thrown))
      this.send(frameKinds.stream, encodeStreamChunk({ id, seq, end: true, error }))
    } finally {
      this.streams--
    }
  }

  /** Sends one message; a client that lets too much gather is not read from for a while. */
  send(kind: number, payload: Uint8Array): void {
    if (!this.over) this.sent(this.session.send(kind, payload))
  }

  /** As {@link send}, but the caller may write to the payload again. */
  sendCopy(kind: number, payload: Uint8Array): void {
    if (!this.over) this.sent(this.session.sendCopy(kind, payload))
  }

  private sent(isTaken: boolean): void {
    if (!isTaken) {
      this.close(new NitroError('Overloaded', 'the client does not read its answers'))
      return
    }
    if (!this.paused && this.session.bufferedBytes > unsentBytesMax) {
      this.paused = true
      this.session.pause()
      this.options.scheduler.after(lookAgainMs, () => this.lookAgain())
    }
  }

  private lookAgain(): void {
    if (!this.paused || this.over) return
    if (this.session.bufferedBytes > unsentBytesMax / 2)
      this.options.scheduler.after(lookAgainMs, () => this.lookAgain())
    else this.drained()
  }

  private drained(): void {
    if (this.paused && !this.over) {
      this.paused = false
      this.session.resume()
    }
  }

  /** Makes sure that gathered results leave at the end of this turn. */
  flushLater(): void {
    if (this.flushing) return
    this.flushing = true
    this.options.scheduler.endOfTurn(this.flushTurn)
  }

  private readonly flushTurn = (): void => {
    this.flushing = false
    this.flush()
  }

  /** Sends what has gathered. */
  flush(): void {
    this.commands.flush()
    this.queries.flush()
    this.session.flush()
  }

  /** Ends the connection; the reason travels to the client. */
  close(error?: NitroError): void {
    this.session.close(error)
  }
}
