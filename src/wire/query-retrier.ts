/**
 * Queries over an unreliable channel. Reads change nothing, so every attempt that failed in a retryable way is simply
 * repeated until the deadline.
 */
import { NitroError } from '../../base/index.ts'
import type { Executed } from '../../base/index.ts'
import type { Caller } from '../../execution/codec.ts'
import type { Consistency, ReadOptions } from '../api/index.ts'
import type { QueryChannel } from './channel.ts'
import { MachineRequests, Request } from './requests.ts'
import type { RequestsOptions } from './requests.ts'

class QueryTry extends Request<unknown> {
  readonly consistency: Consistency
  readonly caller: Caller | undefined

  constructor(program: string, method: string, args: Uint8Array, consistency: Consistency, caller: Caller | undefined) {
    super(program, method, args)
    this.consistency = consistency
    this.caller = caller
  }
}

/** What a {@link QueryRetrier} stands on. */
export interface QueryRetrierOptions extends RequestsOptions {
  readonly channel: QueryChannel
}

/** Repeats queries until they are answered, their deadline passes, or they are aborted. */
export class QueryRetrier extends MachineRequests<QueryTry> {
  private readonly channel: QueryChannel

  constructor(options: QueryRetrierOptions) {
    super(options)
    this.channel = options.channel
  }

  /**
   * Runs a query and resolves with the payload of its result. `args` must not change until then. With a `caller` it is for that
   * one instead of whoever the channel is.
   * Throws what the program answers, `Timeout`, `Overloaded`, `InvalidArgument`, `Closed`, or `signal.reason`.
   */
  query(
    program: string,
    method: string,
    args: Uint8Array,
    options?: ReadOptions,
    caller?: Caller,
  ): Promise<Uint8Array> {
    const consistency = options?.consistency ?? 'linearizable'
    // A misspelt level must not quietly become the weaker one.
    if (consistency !== 'linearizable' && consistency !== 'committed') {
      const message = `consistency is ${JSON.stringify(consistency)}; it must be linearizable or committed`
      return Promise.reject(new NitroError('InvalidArgument', message))
    }
    return this.begin(new QueryTry(program, method, args, consistency, caller), options) as Promise<Uint8Array>
  }

  protected override enter(request: QueryTry): void {
    this.again(request)
  }

  protected override again(request: QueryTry): void {
    const { program, method, args, consistency, caller } = request
    const leftMs = Math.max(1, request.deadlineMs - this.clock.monotonicMs())
    request.tag = this.underWay.add(request)
    this.channel.query(program, method, args, consistency, leftMs, this, request.tag, caller)
  }

  protected override ended(): void {}

  protected override executed(): Executed {
    return 'no'
  }
}
