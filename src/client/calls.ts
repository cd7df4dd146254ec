/**
 * Calls to the control interface of a node. A call that certainly did not happen is repeated until its deadline; one in
 * doubt only if it changes nothing.
 */
import { emptyBytes } from '../../base/index.ts'
import type { Executed, NitroError } from '../../base/index.ts'
import type { RequestOptions } from '../api/index.ts'
import { decodeReply, Request, Requests } from '../wire/index.ts'
import type { CallParams, CallValue, CommandOwner, RequestsOptions } from '../wire/index.ts'

/** Carries calls; the owner gets the reply's whole payload. */
export interface CallChannel {
  call(method: string, params: CallParams, owner: CommandOwner, tag: number): void
}

class CallTry extends Request<CallValue> {
  readonly params: CallParams
  /** It changes nothing, so doubt is no reason to stop. */
  readonly read: boolean

  constructor(method: string, params: CallParams, read: boolean) {
    super('admin', method, emptyBytes)
    this.params = params
    this.read = read
  }
}

/** All calls of one client. */
export class Calls extends Requests<CallTry, CallValue> {
  private readonly channel: CallChannel

  constructor(channel: CallChannel, options: RequestsOptions) {
    super(options)
    this.channel = channel
  }

  /** Asks something. Throws what the node answers, `Timeout`, `Overloaded`, `Closed`, or `signal.reason`. */
  read(method: string, params: CallParams, options?: RequestOptions): Promise<CallValue> {
    return this.begin(new CallTry(method, params, true), options)
  }

  /** Changes something. Throws as {@link read}, and `ConnectionClosed` when the outcome of the only attempt was lost. */
  change(method: string, params: CallParams, options?: RequestOptions): Promise<CallValue> {
    return this.begin(new CallTry(method, params, false), options)
  }

  completed(tag: number, payload: Uint8Array): void {
    const request = this.take(tag)
    if (request === undefined) return
    const reply = decodeReply(payload)
    if (reply.ok) this.succeeded(request, reply.value)
    else this.refused(request, reply.error)
  }

  protected override enter(request: CallTry): void {
    this.again(request)
  }

  protected override again(request: CallTry): void {
    request.tag = this.underWay.add(request)
    // The node gives up when the caller has: a change must not happen long after somebody was told that it timed out.
    const timeoutMs = Math.max(1, Math.floor(request.deadlineMs - this.clock.monotonicMs()))
    this.channel.call(request.method, { ...request.params, timeoutMs }, this, request.tag)
  }

  protected override refused(request: CallTry, error: NitroError): void {
    if (request.read || error.executed === 'no') super.refused(request, error)
    else this.fail(request, error)
  }

  protected override ended(): void {}

  protected override executed(request: CallTry): Executed {
    return request.tag >= 0 && !request.read ? 'maybe' : 'no'
  }
}
