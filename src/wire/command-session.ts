/**
 * A session of numbered commands: exactly-once over a channel that may lose, delay and doubt.
 *
 * The machine remembers, per session, the answers to the numbers above `answeredUpTo`. So:
 *  - A command keeps its number and its very bytes for all attempts. Whatever attempt arrives first is executed, the
 *    others get the same answer again.
 *  - `answeredUpTo` passes a number only when its promise is settled. An aborted or late command counts as answered: if
 *    it arrives after that it is `Superseded` and does nothing.
 *  - A number is at most `window` above the `answeredUpTo` sent with it. What does not fit waits in a queue.
 *
 * A session can be evicted. An answer `SessionEvicted` says that *this attempt* did nothing; if no earlier attempt is in
 * doubt, the command was never executed and gets a number in a new session. Otherwise nobody can know any more, and the
 * caller is told so: `SessionEvicted {executed: 'maybe'}`.
 *
 * Every attempt to open a session uses a new random id. A delayed second copy of an open command can therefore
 * never revive a session whose answers are gone, under which an old attempt would be executed again.
 */
import { ByteWriter, NitroError, emptyBytes } from '../../base/index.ts'
import type { Executed } from '../../base/index.ts'
import { encodeCommand, encodeSessionArgs, maxCommandBytes, sessionIdBytes } from '../../execution/codec.ts'
import type { Caller } from '../../execution/codec.ts'
import type { RequestOptions } from '../api/index.ts'
import type { CommandChannel } from './channel.ts'
import { MachineRequests, Request, worthRepeating } from './requests.ts'
import type { PayloadReader, RequestsOptions } from './requests.ts'

/** Numbers the machine keeps answers for. */
const windowDefault = 1024
/** Encoded commands of all sessions share buffers of this size; a buffer is freed when its last command is. */
const arenaBytes = 16 * 1024
let arena = new ByteWriter(arenaBytes)
/** More than a command needs beside its arguments: flags, session, numbers, a user, names. */
const headerBytesMax = 1024

/** What a {@link CommandSession} stands on. */
export interface CommandSessionOptions extends RequestsOptions {
  readonly channel: CommandChannel
  /** Numbers in use at a time; not above the machine's. Default 1,024. */
  readonly window?: number | undefined
  /**
   * Who commands are for that don't say so, and the session's own; `needed` once the machine has said that it must know.
   * Default: nobody in particular.
   */
  readonly caller?: ((needed: boolean) => Caller | undefined) | undefined
}

class Command extends Request<unknown> {
  /** Number in its session; 0 before it has one. */
  seq = 0
  /** Which session of this object the number belongs to. */
  epoch = 0
  /** `bytes[start, end)` is the encoded command, without its arguments if it is split; the same for all attempts. */
  bytes: Uint8Array | undefined = undefined
  start = 0
  end = 0
  /** Its arguments are submitted beside `bytes`. */
  isSplit = false
  /** Who it is for; undefined for whoever the session is. */
  readonly caller: Caller | undefined
  /** Its bytes say who it is for. */
  isNamed = false
  /** The machine has said that they must. */
  needsName = false

  constructor(program: string, method: string, args: Uint8Array, caller?: Caller) {
    super(program, method, args)
    this.caller = caller
  }
}

function nobody(): undefined {}

/** Commands of one process, each executed at most once however often it is sent. */
export class CommandSession extends MachineRequests<Command> {
  private readonly channel: CommandChannel
  private readonly window: number
  private readonly caller: (needed: boolean) => Caller | undefined
  /** `refused`: the last attempt to open failed, the next comes with the next retry. */
  private state: 'none' | 'opening' | 'refused' | 'open' = 'none'
  private opening: Command | undefined
  private sessionId: Uint8Array = new Uint8Array(sessionIdBytes)
  /** Counts the sessions this object has had. */
  private epoch = 0
  private nextSeq = 1
  private answeredUpTo = 0
  /** By number modulo `window`: settled, but above `answeredUpTo`. */
  private readonly answered: Uint8Array
  /** Commands without a number, from `queueAt` on; settled ones are skipped. */
  private queue: Command[] = []
  private queueAt = 0
  private pumping = false

  constructor(options: CommandSessionOptions) {
    super(options)
    this.channel = options.channel
    this.window = options.window ?? windowDefault
    this.caller = options.caller ?? nobody
    this.answered = new Uint8Array(this.window)
  }

  /**
   * Runs `method` of `program` through the log and resolves with the payload of its result. `args` must not change
   * until then. With a `caller` it is for that one instead of the session's.
   * Throws what the program answers, `Timeout`, `SessionEvicted`, `Overloaded`, `RequestTooLarge`, `InvalidArgument`,
   * `Closed`, or `signal.reason`.
   */
  command(
    program: string,
    method: string,
    args: Uint8Array,
    options?: RequestOptions,
    caller?: Caller,
  ): Promise<Uint8Array> {
    return this.begin(new Command(program, method, args, caller), options) as Promise<Uint8Array>
  }

  /**
   * As {@link command}, but resolves with what `read` makes of the payload, and throws what that throws. `args` must never change:
   * they need not be copied.
   */
  commandAs<T>(
    program: string,
    method: string,
    args: Uint8Array,
    options: RequestOptions | undefined,
    read: PayloadReader<T>,
  ): Promise<T> {
    const command = new Command(program, method, args)
    command.reader = read
    command.isSplit = this.channel.submitParts !== undefined
    return this.begin(command, options) as Promise<T>
  }

  /** Ends the session: everything unsettled is rejected with `Closed`, and the machine may forget the answers. */
  override close(): void {
    if (this.closed) return
    const wasOpen = this.state === 'open'
    this.state = 'none'
    super.close()
    this.queue = []
    this.queueAt = 0
    if (wasOpen) this.send(new Command('session', 'close', encodeSessionArgs(this.sessionId)), undefined)
  }

  protected override enter(command: Command): void {
    const sizeBytes = command.args.length + headerBytesMax
    if (sizeBytes > maxCommandBytes) {
      const message = `arguments of ${command.args.length} bytes do not fit a command of ${maxCommandBytes}`
      this.fail(command, new NitroError('RequestTooLarge', message, { details: { limit: maxCommandBytes } }))
      return
    }
    if (this.state === 'open' && this.queueAt === this.queue.length && this.hasRoom()) this.number(command)
    else this.enqueue(command)
  }

  private hasRoom(): boolean {
    return this.nextSeq <= this.answeredUpTo + this.window
  }

  private enqueue(command: Command): void {
    this.queue.push(command)
    if (this.state === 'none') this.open()
  }

  /** Gives numbers to queued commands as far as the window allows. */
  private pump(): void {
    if (this.pumping) return
    this.pumping = true
    while (this.queueAt < this.queue.length && this.state === 'open' && this.hasRoom()) {
      const command = this.queue[this.queueAt++] as Command
      if (!command.settled) this.number(command)
    }
    this.pumping = false
    if (this.queueAt === this.queue.length) {
      this.queue.length = 0
      this.queueAt = 0
    } else if (this.queueAt >= 1024 || this.queue.length > 2 * this.pending + 1024) {
      this.queue = this.queue.slice(this.queueAt).filter((command) => !command.settled)
      this.queueAt = 0
    }
  }

  private number(command: Command): void {
    command.seq = this.nextSeq++
    command.epoch = this.epoch
    try {
      this.send(command, this.sessionId)
    } catch (error) {
      this.fail(command, error)
    }
  }

  /** Encodes a command and makes its first attempt. */
  private send(command: Command, session: Uint8Array | undefined): void {
    const { seq, program, method, isSplit } = command
    const args = isSplit ? emptyBytes : command.args
    if (arena.length + args.length + headerBytesMax > arenaBytes) {
      arena = new ByteWriter(Math.max(arenaBytes, args.length + headerBytesMax))
    }
    const out = arena
    command.start = out.length
    const caller = command.caller ?? this.caller(command.needsName)
    command.isNamed = caller !== undefined
    if (session === undefined) encodeCommand(out, { caller, program, method, args })
    else encodeCommand(out, { session, seq, answeredUpTo: this.answeredUpTo, caller, program, method, args })
    command.bytes = out.bytes
    command.end = out.length
    this.attempt(command, command.bytes)
  }

  private attempt(command: Command, bytes: Uint8Array): void {
    const { start, end, args } = command
    const tag = this.underWay.add(command)
    command.tag = tag
    if (command.isSplit) this.channel.submitParts?.(bytes, start, end, args, this, tag)
    else this.channel.submit(bytes.subarray(start, end), this, tag)
  }

  protected override again(command: Command): void {
    if (command.epoch !== this.epoch) this.evicted(command)
    else if (command.bytes !== undefined) this.attempt(command, command.bytes)
  }

  protected override retry(): void {
    super.retry()
    if (this.state !== 'refused') return
    if (this.queueAt < this.queue.length) this.open()
    else this.state = 'none'
  }

  protected override ended(command: Command): void {
    if (command.seq > 0 && command.epoch === this.epoch) this.markAnswered(command.seq)
    command.bytes = undefined
    if (this.queueAt < this.queue.length) this.pump()
  }

  private markAnswered(seq: number): void {
    const { answered, window } = this
    answered[seq % window] = 1
    let next = this.answeredUpTo + 1
    while (answered[next % window] === 1) answered[next++ % window] = 0
    this.answeredUpTo = next - 1
  }

  protected override executed(command: Command): Executed {
    return command.uncertain || command.tag >= 0 ? 'maybe' : 'no'
  }

  private open(needsName = false): void {
    this.state = 'opening'
    this.sessionId = this.random.bytes(sessionIdBytes)
    this.opening = new Command('session', 'open', encodeSessionArgs(this.sessionId))
    this.opening.needsName = needsName
    this.send(this.opening, undefined)
  }

  protected override succeeded(command: Command, value: unknown): void {
    if (command !== this.opening) {
      super.succeeded(command, value)
      return
    }
    this.opening = undefined
    this.state = 'open'
    this.epoch++
    this.nextSeq = 1
    this.answeredUpTo = 0
    this.answered.fill(0)
    this.pump()
  }

  protected override refused(command: Command, error: NitroError): void {
    if (command === this.opening) this.openRefused(error)
    else if (error.code === 'SessionEvicted' && !this.closed) this.evicted(command)
    else if (error.code === 'UserEmpty' && this.canBeNamed(command)) this.name(command)
    // Only the machine says so, and what it answers to a number is all that ever happened under it.
    else if (error.code === 'AuthOldRevision' && command.seq > 0) this.fail(command, error)
    else super.refused(command, error)
  }

  /** Whether it did not say who it is for, and now can. */
  private canBeNamed({ isNamed }: Command): boolean {
    return !isNamed && !this.closed && this.caller(true) !== undefined
  }

  /** Its number is answered, and nothing was done under it: it gets another, and says who it is for. */
  private name(command: Command): void {
    command.needsName = true
    if (command.epoch === this.epoch) this.markAnswered(command.seq)
    command.seq = 0
    command.bytes = undefined
    this.enter(command)
  }

  private openRefused(error: NitroError): void {
    const { opening } = this
    this.opening = undefined
    this.state = 'none'
    if (this.closed) return
    if (error.code === 'UserEmpty' && opening !== undefined && this.canBeNamed(opening)) return this.open(true)
    if (worthRepeating(error)) {
      this.state = 'refused'
      for (let at = this.queueAt; at < this.queue.length; at++) (this.queue[at] as Command).lastError = error
      this.retryLater()
      return
    }
    const queue = this.queue.slice(this.queueAt)
    this.queue = []
    this.queueAt = 0
    for (const command of queue) if (!command.settled) this.fail(command, error)
  }

  /** The machine does not know the session of this command, so its last attempt did nothing. */
  private evicted(command: Command): void {
    if (command.epoch === this.epoch && this.state === 'open') this.state = 'none'
    if (command.uncertain) {
      const message = 'the session was evicted while the outcome of an attempt was unknown'
      this.fail(command, new NitroError('SessionEvicted', message, { executed: 'maybe' }))
      return
    }
    command.seq = 0
    command.bytes = undefined
    this.enter(command)
  }
}
