/** Leases over any engine. Keep-alives of a turn are one command. */
import { NitroError } from '../../base/index.ts'
import type { Scheduler } from '../../base/index.ts'
import {
  decodeKeepAliveResult,
  decodeLeaseGrantResult,
  decodeLeaseListResult,
  decodeLeaseRevokeResult,
  decodeTimeToLiveResult,
  defaultLimits,
  encodeKeepAliveArgs,
  encodeLeaseGrantArgs,
  encodeLeaseRevokeArgs,
  encodeTimeToLiveArgs,
} from '../../execution/codec.ts'
import type {
  Engine,
  GrantedLease,
  LeaseGrantOptions,
  Leases,
  ReadOptions,
  RequestOptions,
  RevokeResult,
  TimeToLive,
  TimeToLiveOptions,
} from '../api/index.ts'
import { owned } from './entry.ts'
import { checkNumber } from './input.ts'

/** Makes the lease interface of an engine. */
export function createLeases(engine: Engine, scheduler: Scheduler): Leases {
  return new EngineLeases(engine, scheduler)
}

/** A keep-alive that waits for the end of its turn, or for its answer. */
interface Renewal {
  readonly id: number
  readonly resolve: (ttlMs: number) => void
  readonly reject: (reason: unknown) => void
}

class EngineLeases implements Leases {
  private readonly engine: Engine
  private readonly scheduler: Scheduler
  /** What this turn renews, by deadline: one command has one. */
  private batches = new Map<number | undefined, Renewal[]>()

  constructor(engine: Engine, scheduler: Scheduler) {
    this.engine = engine
    this.scheduler = scheduler
  }

  async grant(options: LeaseGrantOptions): Promise<GrantedLease> {
    const { ttl } = options
    const id = checkNumber(options.id, 'id')
    if (!(Number.isSafeInteger(ttl) && ttl >= 1)) {
      throw new NitroError('InvalidArgument', `ttl is ${ttl}; it must be whole milliseconds from 1 on`)
    }
    return decodeLeaseGrantResult(await this.engine.command('lease', 'grant', encodeLeaseGrantArgs(id, ttl), options))
  }

  async keepAlive(id: number, { signal, timeoutMs }: RequestOptions = {}): Promise<number> {
    checkId(id)
    signal?.throwIfAborted()
    return new Promise<number>((resolve, reject) => {
      const aborted = (): void => reject(signal?.reason)
      const settle = (): void => signal?.removeEventListener('abort', aborted)
      signal?.addEventListener('abort', aborted)
      this.renew(timeoutMs, {
        id,
        resolve: (ttlMs) => {
          settle()
          resolve(ttlMs)
        },
        reject: (reason) => {
          settle()
          reject(reason)
        },
      })
    })
  }

  private renew(timeoutMs: number | undefined, renewal: Renewal): void {
    if (this.batches.size === 0) this.scheduler.endOfTurn(this.sendBatches)
    const batch = this.batches.get(timeoutMs)
    if (batch === undefined) this.batches.set(timeoutMs, [renewal])
    else batch.push(renewal)
  }

  private readonly sendBatches = (): void => {
    const { batches } = this
    this.batches = new Map()
    for (const [timeoutMs, batch] of batches) {
      for (let at = 0; at < batch.length; at += defaultLimits.leaseBatch) {
        void this.send(batch.slice(at, at + defaultLimits.leaseBatch), timeoutMs)
      }
    }
  }

  private async send(batch: readonly Renewal[], timeoutMs: number | undefined): Promise<void> {
    try {
      const args = encodeKeepAliveArgs(batch.map(({ id }) => id))
      const ttls = decodeKeepAliveResult(await this.engine.command('lease', 'keepAlive', args, { timeoutMs }))
      for (const [at, { id, resolve, reject }] of batch.entries()) {
        const ttlMs = ttls[at] ?? 0
        if (ttlMs > 0) resolve(ttlMs)
        else reject(new NitroError('LeaseNotFound', `there is no lease ${id}`, { details: { lease: id } }))
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  async revoke(id: number, options?: RequestOptions): Promise<RevokeResult> {
    const args = encodeLeaseRevokeArgs(checkId(id))
    return decodeLeaseRevokeResult(await this.engine.command('lease', 'revoke', args, options))
  }

  async timeToLive(id: number, options: TimeToLiveOptions = {}): Promise<TimeToLive> {
    const args = encodeTimeToLiveArgs(checkId(id), options.keys === true)
    return decodeTimeToLiveResult(owned(await this.engine.query('lease', 'timeToLive', args, options)))
  }

  async list(options?: ReadOptions): Promise<readonly number[]> {
    return decodeLeaseListResult(await this.engine.query('lease', 'list', new Uint8Array(), options))
  }
}

function checkId(id: number): number {
  if (Number.isSafeInteger(id) && id >= 1) return id
  throw new NitroError('InvalidArgument', `${id} is no id of a lease; it must be a whole number from 1 on`)
}
