/**
 * Acquisitions, from the request to the grant, or to nothing at all.
 *
 * Each has a random id of its own that the machine knows it by. So whatever becomes of the request (a lost reply, an abort while it
 * is under way or while it waits, a grant that comes too late to be relied on), a cancel of that id takes it out wherever it is, and
 * if the cancel arrives first, the acquisition will find it. The cancel is repeated until it is answered or the session is over:
 * neither a waiter nor a holder is left that nobody knows of.
 */
import { NitroError, equalBytes, isNitroError, utf8, timerMsMax } from '../../base/index.ts'
import type { Timer } from '../../base/index.ts'
import {
  acquireIdBytes,
  decodeAcquireResult,
  decodeInspectResult,
  decodeSyncEntry,
  encodeAcquireArgs,
  encodeInspectArgs,
  encodeReleaseArgs,
  encodeSyncCancelArgs,
  syncKey,
} from '../../execution/codec.ts'
import type { SyncHolding, SyncResource } from '../../execution/codec.ts'
import type { AcquireOptions, RequestOptions } from '../api/index.ts'
import { onAbort } from './aborts.ts'
import { Grant } from './grant.ts'
import { watchKeys } from './key-watch.ts'
import { checkAcquire, waitOver } from './options.ts'
import type { Wanted } from './options.ts'
import type { SyncPorts } from './ports.ts'
import { SessionPool } from './shared-session.ts'
import type { SharedSession } from './shared-session.ts'

const retryMs = 250
/** A session that turns out to be over is replaced this often. */
const sessionTries = 3

/** One acquisition under way. */
interface Attempt {
  readonly wanted: Wanted
  readonly options: AcquireOptions
  readonly shared: SharedSession
  readonly acquireId: Uint8Array
  readonly stop: AbortController
  /** The cluster has an entry for it, as far as is known. */
  entered: boolean
}

/** Makes grants. */
export class Acquirer {
  readonly ports: SyncPorts
  private readonly pool: SessionPool
  private closed = false

  constructor(ports: SyncPorts) {
    this.ports = ports
    this.pool = new SessionPool(ports)
  }

  /** Nothing more is acquired or cleaned up; leases end by their time. */
  close(): void {
    this.closed = true
    this.pool.close()
  }

  /** Waits as long as the options say. Resolves with undefined if `wait` is 0 and it can't be had at once. */
  async acquire(wanted: Wanted, options: AcquireOptions): Promise<Grant | undefined> {
    checkAcquire(wanted, options)
    const stop = new AbortController()
    const detach = this.limit(stop, options)
    try {
      for (let tries = 1; ; tries++) {
        let shared: SharedSession | undefined
        try {
          shared = await this.session(options, stop.signal)
          return await this.attempt(wanted, options, shared, stop)
        } catch (error) {
          // A lease that was over before it was of any use is replaced, unless it is the caller's own.
          const isLeaseOver = isNitroError(error, 'LeaseNotFound') || isNitroError(error, 'LeaseLost')
          if (!isLeaseOver || stop.signal.aborted || options.session !== undefined) throw error
          if (tries === sessionTries) throw noSession(error)
          if (shared !== undefined) await this.pool.drop(shared)
        }
      }
    } finally {
      detach()
    }
  }

  /** The session to hold it by. Opening one is shared, so how long that may take is counted here. */
  private async session({ ttl, session, timeoutMs }: AcquireOptions, signal: AbortSignal): Promise<SharedSession> {
    const opening = this.pool.get(ttl, session)
    if (timeoutMs === undefined) return orAborted(opening, signal)
    const either = new AbortController()
    const aborted = (): void => either.abort(signal.reason)
    const detach = onAbort(signal, aborted)
    if (signal.aborted) aborted()
    const timer = this.ports.scheduler.after(timeoutMs, () =>
      either.abort(new NitroError('Timeout', `no session was opened within ${timeoutMs} ms`, { executed: 'no' })),
    )
    try {
      return await orAborted(opening, either.signal)
    } finally {
      timer.cancel()
      detach()
    }
  }

  /** Aborts `stop` with the caller's signal, and when the wait is over. */
  private limit(stop: AbortController, { signal, wait }: AcquireOptions): () => void {
    signal?.throwIfAborted()
    const detach = onAbort(signal, () => stop.abort(signal?.reason))
    const untilMs = wait === undefined || wait === 0 ? Infinity : this.ports.clock.monotonicMs() + wait
    let timer: Timer | undefined
    const plan = (): void => {
      if (untilMs === Infinity) return
      const leftMs = untilMs - this.ports.clock.monotonicMs()
      if (leftMs <= 0) stop.abort(waitOver(wait))
      else timer = this.ports.scheduler.after(Math.min(leftMs, timerMsMax), plan)
    }
    plan()
    return () => {
      detach()
      timer?.cancel()
    }
  }

  private async attempt(
    wanted: Wanted,
    options: AcquireOptions,
    shared: SharedSession,
    stop: AbortController,
  ): Promise<Grant | undefined> {
    const acquireId = this.ports.random.bytes(acquireIdBytes)
    const attempt: Attempt = { wanted, options, shared, acquireId, stop, entered: false }
    const leave = shared.use((reason) => {
      stop.abort(new NitroError('LockLost', 'the session was lost before it was granted', { cause: reason }))
    })
    let grant: Grant | undefined
    try {
      grant = await this.request(attempt)
      stop.signal.throwIfAborted()
      grant?.throwIfLost()
      return grant
    } catch (error) {
      const isNothing = !attempt.entered && !stop.signal.aborted && isNitroError(error) && error.executed === 'no'
      if (!isNothing) this.abandon(attempt)
      grant?.end('lost', error)
      throw error
    } finally {
      leave()
    }
  }

  private async request(attempt: Attempt): Promise<Grant | undefined> {
    const { wanted, options, shared, acquireId, stop } = attempt
    const { resource } = wanted
    const maxHoldMs = options.maxHold ?? 0
    const sentMs = this.ports.clock.monotonicMs()
    const args = encodeAcquireArgs({
      ...{ ...resource, mode: wanted.mode, capacity: wanted.capacity, lease: shared.session.lease, acquireId },
      ...{ wait: options.wait !== 0, maxHoldMs, label: utf8(options.label ?? ''), value: wanted.value ?? none },
    })
    const { signal } = stop
    const payload = await this.ports.engine.command('sync', 'acquire', args, { signal, timeoutMs: options.timeoutMs })
    const answer = decodeAcquireResult(payload)
    if (answer.outcome === 'held') return undefined
    attempt.entered = true
    const { sequence } = answer
    if (answer.outcome === 'granted') {
      return this.grant(
        attempt,
        sequence,
        answer.token,
        maxHoldMs === 0 ? Infinity : sentMs + this.ports.holderMs(maxHoldMs),
      )
    }
    const token = await this.granted(attempt, sequence)
    return this.grant(attempt, sequence, token, maxHoldMs === 0 ? Infinity : await this.holdUntil(attempt, token))
  }

  /** Waits for the grant of an entry in the queue. */
  private async granted(
    { wanted: { resource }, acquireId, stop: { signal } }: Attempt,
    sequence: number,
  ): Promise<number> {
    const { engine } = this.ports
    let token = 0
    for (let from = sequence + 1; ;) {
      try {
        await watchKeys(engine, { start: syncKey(resource, sequence) }, from, signal, ({ kind, entry }) => {
          if (kind === 'delete') throw outOfQueue()
          token = entry === undefined ? 0 : decodeSyncEntry(entry.value).token
          return token !== 0
        })
        return token
      } catch (error) {
        if (!isNitroError(error, 'Compacted')) throw error
      }
      // What happened is no longer told, but what is there can be seen.
      const { revision, holders, waiters } = await this.inspect(resource, { signal })
      const isMine = (one: SyncHolding): boolean => equalBytes(one.acquireId, acquireId)
      const held = holders.find(isMine)
      if (held !== undefined) return held.token
      if (!waiters.some(isMine)) throw outOfQueue()
      from = revision + 1
    }
  }

  /** How long the grant of a waiter is sure to last: it began some time ago, and only the cluster knows when. */
  private async holdUntil({ wanted: { resource }, stop: { signal } }: Attempt, token: number): Promise<number> {
    const sentMs = this.ports.clock.monotonicMs()
    const { holders } = await this.inspect(resource, { signal })
    const held = holders.find((one) => one.token === token)
    return held === undefined ? sentMs : sentMs + this.ports.holderMs(held.remainingMs)
  }

  private async inspect(
    resource: SyncResource,
    options: RequestOptions,
  ): Promise<ReturnType<typeof decodeInspectResult>> {
    return decodeInspectResult(await this.ports.engine.query('sync', 'inspect', encodeInspectArgs(resource), options))
  }

  private grant(attempt: Attempt, sequence: number, token: number, holdUntilMs: number): Grant {
    const {
      wanted: { resource },
      shared,
    } = attempt
    return new Grant(this.ports, {
      ...{ resource, token, sequence, shared, holdUntilMs },
      release: async (options) => {
        try {
          await this.ports.engine.command('sync', 'release', encodeReleaseArgs(resource, token), options)
        } catch (error) {
          if (!isNitroError(error, 'NotHeld')) this.abandon(attempt)
          throw error
        }
      },
      abandon: () => this.abandon(attempt),
    })
  }

  /** Takes the acquisition out of the cluster, whatever has become of it. */
  private abandon({ wanted: { resource }, shared, acquireId }: Attempt): void {
    const args = encodeSyncCancelArgs(resource, shared.session.lease, acquireId)
    let isOver = false
    const leave = shared.use(() => (isOver = true))
    const cancel = async (): Promise<void> => {
      if (isOver || this.closed || !shared.isAlive) return leave()
      try {
        await this.ports.engine.command('sync', 'cancel', args)
        leave()
      } catch (error) {
        if (isNitroError(error, 'LeaseNotFound') || isNitroError(error, 'Closed')) leave()
        else this.ports.scheduler.after(retryMs, () => void cancel())
      }
    }
    void cancel()
  }
}

const none = new Uint8Array()

function outOfQueue(): NitroError {
  return new NitroError('LockLost', 'the place in the queue was lost: its session is over, or somebody took it out')
}

function noSession(cause: unknown): NitroError {
  return new NitroError('LockLost', `${sessionTries} sessions in a row were over before it was granted`, { cause })
}

/** The promise, or the abort, whichever is first. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => undefined)
      reject(signal.reason)
      return
    }
    const aborted = (): void => reject(signal.reason)
    signal.addEventListener('abort', aborted)
    promise.finally(() => signal.removeEventListener('abort', aborted)).then(resolve, reject)
  })
}
