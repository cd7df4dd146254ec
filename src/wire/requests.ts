/**
 * Requests that are repeated until they are answered, shared by commands and queries: deadlines, aborting, waiting between
 * attempts, bounds, and one promise each.
 *
 * A request is in exactly one place: under way (it has a tag), waiting for its next attempt, in a subclass's own queue,
 * or settled. Settled is final: what still refers to a settled request skips it.
 */
import { AssertionError, messageOf, NitroError, timerMsMax } from '../../base/index.ts'
import type { Clock, Executed, Random, Scheduler, Timer } from '../../base/index.ts'
import { decodeResult, okStatus } from '../../execution/codec.ts'
import type { RequestOptions } from '../api/index.ts'
import { Alarm, Backoff } from './alarm.ts'
import type { CommandOwner } from './channel.ts'
import { TagTable } from './tags.ts'

/** Ports and defaults of a {@link Requests}. */
export interface RequestsOptions {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
  /** Deadline of requests that give none, in milliseconds. Default 10,000. */
  readonly defaultTimeoutMs?: number | undefined
}

/** Unsettled requests and their bytes; above, `Overloaded`. */
const liveMax = 65_536
const liveBytesMax = 64 * 1024 * 1024

/** Hears of requests whose signal was aborted. */
interface Aborter<V> {
  abort(request: Request<V>): void
}

/** One request until it is settled. It listens to its own signal, so that this costs no closure. */
export abstract class Request<V = Uint8Array> {
  readonly program: string
  readonly method: string
  readonly args: Uint8Array
  /** What becomes of an answer's payload; a view of it if undefined. */
  reader: PayloadReader<V> | undefined = undefined
  /** Set by {@link Requests.begin}. */
  resolve: (value: V) => void = unset
  reject: (reason: unknown) => void = unset
  deadlineMs = 0
  signal: AbortSignal | undefined = undefined
  owner: Aborter<V> | undefined = undefined
  /** Of the attempt under way; -1 without one. */
  tag = -1
  /** Some earlier attempt may have been executed. */
  uncertain = false
  settled = false
  /** Why the last attempt failed. */
  lastError: NitroError | undefined = undefined
  previous: Request<V> | undefined = undefined
  next: Request<V> | undefined = undefined

  constructor(program: string, method: string, args: Uint8Array) {
    this.program = program
    this.method = method
    this.args = args
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.owner?.abort(this)
  }
}

function unset(): void {}

/** What settles the promise that was made last: taken out of it so that making one needs no closure. */
let resolveLast: (value: never) => void = unset
let rejectLast: (reason: unknown) => void = unset

function takeSettlers(resolve: (value: never) => void, reject: (reason: unknown) => void): void {
  resolveLast = resolve
  rejectLast = reject
}

/** Refused here, before anything of it is under way: from a batch that is written in part nothing can be taken back. */
function checkArgs(args: unknown): void {
  if (!(args instanceof Uint8Array)) throw new NitroError('InvalidArgument', 'the arguments must be a Uint8Array')
}

/** All unsettled requests of one kind over one channel; `V` is what they resolve with. */
export abstract class Requests<R extends Request<V>, V> implements CommandOwner {
  protected readonly clock: Clock
  protected readonly scheduler: Scheduler
  protected readonly random: Random
  protected readonly underWay = new TagTable<R>()
  protected closed = false
  private readonly defaultTimeoutMs: number
  private readonly backoff: Backoff
  private readonly deadlines: Alarm
  private waiting: R[] = []
  private retryTimer: Timer | undefined
  /** Unsettled requests, oldest first, as a list through `previous` and `next`. */
  private first: R | undefined
  private last: R | undefined
  private live = 0
  private liveBytes = 0
  private readonly names = new Set<string>()
  private lastProgram: string | undefined
  private lastMethod: string | undefined

  constructor(options: RequestsOptions) {
    this.clock = options.clock
    this.scheduler = options.scheduler
    this.random = options.random
    this.defaultTimeoutMs = checkTimeout(options.defaultTimeoutMs ?? 10_000)
    this.backoff = new Backoff(options.random)
    this.deadlines = new Alarm(options.clock, options.scheduler, (nowMs) => this.expire(nowMs))
  }

  /** Unsettled requests. */
  get pending(): number {
    return this.live
  }

  /** A new request may be sent, or queued. */
  protected abstract enter(request: R): void
  /** The time for another attempt has come. */
  protected abstract again(request: R): void
  /** The request is settled and holds no place any more. */
  protected abstract ended(request: R): void
  /** What can be said of a request that is given up now. */
  protected abstract executed(request: R): Executed

  /** Takes a request in; its promise is the caller's. */
  protected begin(request: R, options: RequestOptions | undefined): Promise<V> {
    const promise = new Promise<V>(takeSettlers)
    request.resolve = resolveLast as (value: V) => void
    request.reject = rejectLast
    try {
      this.admit(request, options)
    } catch (error) {
      request.reject(error)
    }
    return promise
  }

  private admit(request: R, options: RequestOptions | undefined): void {
    const signal = options?.signal
    if (this.closed) throw new NitroError('Closed', 'the engine is closed')
    const timeoutMs = options?.timeoutMs === undefined ? this.defaultTimeoutMs : checkTimeout(options.timeoutMs)
    if (signal?.aborted === true) throw signal.reason
    this.checkNames(request.program, request.method)
    checkArgs(request.args)
    this.checkRoom(request.args.length)
    const nowMs = this.clock.monotonicMs()
    request.deadlineMs = nowMs + timeoutMs
    if (signal !== undefined) {
      request.owner = this
      request.signal = signal
      signal.addEventListener('abort', request)
    }
    this.link(request)
    this.deadlines.by(request.deadlineMs, nowMs)
    this.enter(request)
  }

  private checkRoom(sizeBytes: number): void {
    if (this.live >= liveMax || this.liveBytes + sizeBytes > liveBytesMax) {
      throw new NitroError('Overloaded', `${this.live} requests of ${this.liveBytes} bytes are already waiting`)
    }
  }

  private checkNames(program: string, method: string): void {
    // Mostly it is what it was the last time.
    if (program === this.lastProgram && method === this.lastMethod) return
    this.checkName(program)
    this.checkName(method)
    this.lastProgram = program
    this.lastMethod = method
  }

  /** Names travel as latin1; the set only saves checking the same few names again. */
  private checkName(name: string): void {
    if (this.names.has(name)) return
    if (typeof name !== 'string' || !/^[^\u0100-\uffff]{1,128}$/.test(name)) {
      throw new NitroError('InvalidArgument', `${JSON.stringify(name)} is not a name: 1 to 128 latin1 characters`)
    }
    if (this.names.size < 1024) this.names.add(name)
  }

  /** An attempt has an outcome, in the encoding of the kind of request. */
  abstract completed(tag: number, result: Uint8Array): void

  failed(tag: number, error: NitroError): void {
    const request = this.take(tag)
    if (request !== undefined) this.refused(request, error)
  }

  /** The request whose attempt has this tag, which is over now; undefined when nobody waits for it. */
  protected take(tag: number): R | undefined {
    const request = this.underWay.take(tag)
    if (request !== undefined) request.tag = -1
    return request
  }

  /** An attempt ended well. */
  protected succeeded(request: R, value: V): void {
    this.backoff.reset()
    this.settle(request)
    request.resolve(value)
    this.ended(request)
  }

  /** An attempt ended in an error. */
  protected refused(request: R, error: NitroError): void {
    request.lastError = error
    if (this.closed || !worthRepeating(error)) {
      this.fail(request, request.uncertain && error.executed === 'no' ? withExecuted(error, 'maybe') : error)
      return
    }
    if (error.executed === 'maybe') request.uncertain = true
    this.waiting.push(request)
    this.retryLater()
  }

  /** Ends an unsettled request with an error. */
  protected fail(request: R, reason: unknown): void {
    this.settle(request)
    request.reject(reason)
    this.ended(request)
  }

  /** Runs {@link retry} after the next backoff, unless that is already planned. */
  protected retryLater(): void {
    this.retryTimer ??= this.scheduler.after(this.backoff.nextMs(), () => this.retry())
  }

  /** Everything that waits makes its next attempt. */
  protected retry(): void {
    this.retryTimer?.cancel()
    this.retryTimer = undefined
    const waiting = this.waiting
    this.waiting = []
    for (const request of waiting) if (!request.settled) this.again(request)
  }

  /** The channel has become usable: what waits for its next attempt makes it now. */
  retryNow(): void {
    this.backoff.reset()
    if (this.retryTimer !== undefined) this.retry()
  }

  /** For {@link Request} only: the caller gave up. */
  abort(request: Request<V>): void {
    if (!request.settled) this.fail(request as R, request.signal?.reason)
  }

  private expire(nowMs: number): number {
    const late: R[] = []
    let earliestMs = Infinity
    for (let request = this.first; request !== undefined; request = request.next as R | undefined) {
      if (request.deadlineMs <= nowMs) late.push(request)
      else if (request.deadlineMs < earliestMs) earliestMs = request.deadlineMs
    }
    // Thousands may be late at once, mostly for the same reason: an error costs more than all the rest.
    let error: NitroError | undefined
    for (const request of late) {
      if (request.settled) continue
      const executed = this.executed(request)
      if (error?.executed !== executed || error.cause !== request.lastError)
        error = timedOut(executed, request.lastError)
      this.fail(request, error)
    }
    return earliestMs
  }

  /** Rejects everything with `Closed`. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.deadlines.cancel()
    this.retryTimer?.cancel()
    this.retryTimer = undefined
    const closedWith = (executed: Executed): NitroError =>
      new NitroError('Closed', 'the engine was closed before an answer came', { executed })
    const errors = { no: closedWith('no'), maybe: closedWith('maybe'), yes: closedWith('yes') }
    while (this.first !== undefined) this.fail(this.first, errors[this.executed(this.first)])
    this.waiting = []
  }

  private link(request: R): void {
    request.previous = this.last
    if (this.last === undefined) this.first = request
    else this.last.next = request
    this.last = request
    this.live++
    this.liveBytes += request.args.length
  }

  private settle(request: R): void {
    const { previous, next, tag } = request
    if (previous === undefined) this.first = next as R | undefined
    else previous.next = next
    if (next === undefined) this.last = previous as R | undefined
    else next.previous = previous
    // A settled request that is still referenced somewhere must not keep its neighbours alive.
    request.previous = undefined
    request.next = undefined
    request.settled = true
    this.live--
    this.liveBytes -= request.args.length
    request.signal?.removeEventListener('abort', request)
    if (tag >= 0) this.underWay.take(tag)
    request.tag = -1
  }
}

/** Makes a value of the payload `frame[start, end)`. */
export type PayloadReader<T> = (frame: Uint8Array, start: number, end: number) => T

/** Requests to the machine: outcomes are encoded results, values are what readers make of their payloads, or views of these. */
export abstract class MachineRequests<R extends Request<unknown>> extends Requests<R, unknown> {
  completed(tag: number, result: Uint8Array): void {
    this.completedIn(tag, result, 0, result.length)
  }

  completedIn(tag: number, frame: Uint8Array, start: number, end: number): void {
    const request = this.take(tag)
    if (request === undefined) return
    if (start === end || frame[start] !== okStatus) {
      this.refused(request, errorOf(frame.subarray(start, end)))
      return
    }
    let value: unknown
    try {
      const { reader } = request
      value = reader === undefined ? frame.subarray(start + 1, end) : reader(frame, start + 1, end)
    } catch (error) {
      this.fail(request, error)
      return
    }
    this.succeeded(request, value)
  }
}

/**
 * Whether another attempt can end better. `Closed` counts: it is about the other end, which another node can replace;
 * when this end is closed nothing is repeated anyway.
 */
export function worthRepeating(error: NitroError): boolean {
  return (error.retryable || error.code === 'Closed') && error.executed !== 'yes'
}

/** Gives back a deadline that can be kept. Throws `InvalidArgument` for one that is not above 0, or longer than a timer holds. */
export function checkTimeout(timeoutMs: number): number {
  if (typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= timerMsMax) return timeoutMs
  throw new NitroError('InvalidArgument', `timeoutMs is ${timeoutMs}; it must be above 0 and at most ${timerMsMax}`)
}

function errorOf(result: Uint8Array): NitroError {
  try {
    const outcome = decodeResult(result)
    if (!outcome.ok) return outcome.error
  } catch (error) {
    return new NitroError('MalformedFrame', `unreadable result: ${messageOf(error)}`, {
      executed: 'maybe',
      cause: error,
    })
  }
  throw new AssertionError('an ok result was taken for an error')
}

function timedOut(executed: Executed, last: NitroError | undefined): NitroError {
  if (last === undefined) return new NitroError('Timeout', 'no answer came before the deadline', { executed })
  return new NitroError('Timeout', `no answer came before the deadline; the last attempt: ${last.message}`, {
    executed,
    details: { last: last.code },
    cause: last,
  })
}

function withExecuted(error: NitroError, executed: Executed): NitroError {
  const { retryable, details, message, code } = error
  return new NitroError(code, message, { retryable, details, executed, cause: error })
}
