/** Writes that depend on what is there: short ways to say a transaction over one key. */
import { NitroError } from '../../base/index.ts'
import type { Clock, Scheduler } from '../../base/index.ts'
import type {
  BytesLike,
  Change,
  ConditionalOptions,
  ConditionalResult,
  Entry,
  GetOpResult,
  Op,
  RequestOptions,
  Store,
  UpdateOptions,
  UpdateResult,
} from '../api/index.ts'
import { key } from './conditions.ts'
import { checkNumber, requireNumber } from './input.ts'
import { del, get, put } from './operations.ts'

const defaultAttempts = 100
const defaultTimeoutMs = 10_000

/** What an `update` needs to keep its deadline. */
export interface UpdatePorts {
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** Default 10,000. */
  readonly defaultTimeoutMs?: number | undefined
}

/** See `Store.putIfRevision`. */
export async function putIfRevision(
  store: Store,
  name: BytesLike,
  value: BytesLike,
  modRevision: number,
  { lease, ...options }: ConditionalOptions = {},
): Promise<ConditionalResult> {
  const txn = store
    .txn()
    .if(key(name).mod.eq(requireNumber(modRevision, 'modRevision')))
    .then(put(name, value, { lease }))
    .else(get(name))
  const result = await txn.commit(options)
  const { revision } = result
  return result.succeeded ? { succeeded: true, revision } : { succeeded: false, revision, entry: result.results[0] }
}

/** See `Store.update`. */
export async function update(
  store: Store,
  ports: UpdatePorts,
  name: BytesLike,
  change: (entry: Entry | undefined) => Change | Promise<Change>,
  { lease, attempts = defaultAttempts, signal, ...given }: UpdateOptions = {},
): Promise<UpdateResult> {
  if (!(checkNumber(attempts, 'attempts') >= 1))
    throw new NitroError('InvalidArgument', 'attempts is 0; it must be 1 or more')
  if (typeof change !== 'function') throw new NitroError('InvalidArgument', 'update takes a function')
  const timeoutMs = given.timeoutMs ?? ports.defaultTimeoutMs ?? defaultTimeoutMs
  const untilMs = ports.clock.monotonicMs() + timeoutMs
  // The caller may reuse its buffer meanwhile.
  const own = typeof name === 'string' ? name : new Uint8Array(name)
  let before = await store.get(own, { signal, timeoutMs })
  const leftMs = (): number => {
    const ms = untilMs - ports.clock.monotonicMs()
    if (ms > 0) return ms
    throw new NitroError('Timeout', `the update was not done in ${timeoutMs} ms`, { executed: 'no' })
  }
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const value = await within(ports.scheduler, leftMs(), signal, change(before))
    const options = { signal, timeoutMs: leftMs() }
    if (value === undefined || (value === null && before === undefined))
      return { revision: before?.modRevision ?? 0, entry: before, attempts: attempt }
    const result = await step(store, own, before, value, lease, options)
    if (result.succeeded) return { revision: result.revision, entry: result.entry, attempts: attempt }
    before = result.entry
  }
  throw new NitroError('Conflict', `the key was changed by others in between, ${attempts} times`, {
    details: { attempts },
  })
}

/** What the caller's function gives, unless its time is up or the signal aborted first. */
async function within(
  scheduler: Scheduler,
  leftMs: number,
  signal: AbortSignal | undefined,
  value: Change | Promise<Change>,
): Promise<Change> {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) {
    signal?.throwIfAborted()
    return value
  }
  let stop = (): void => undefined
  const over = new Promise<never>((_resolve, reject) => {
    const timer = scheduler.after(leftMs, () => {
      reject(new NitroError('Timeout', 'the function given to update did not end in time', { executed: 'no' }))
    })
    const abort = (): void => reject(signal?.reason)
    if (signal?.aborted === true) abort()
    signal?.addEventListener('abort', abort)
    stop = () => {
      timer.cancel()
      signal?.removeEventListener('abort', abort)
    }
  })
  try {
    return await Promise.race([value, over])
  } finally {
    stop()
  }
}

/** Replaces what was read, unless it is not what is there any more; resolves with what is there now. */
async function step(
  store: Store,
  name: BytesLike,
  before: Entry | undefined,
  value: BytesLike | null,
  lease: number | undefined,
  options: RequestOptions,
): Promise<{ readonly succeeded: boolean; readonly revision: number; readonly entry: GetOpResult }> {
  const keepsLease = lease === undefined && before !== undefined
  const write: Op = value === null ? del(name) : put(name, value, { lease, ignoreLease: keepsLease })
  const txn = store
    .txn()
    .if(key(name).mod.eq(before?.modRevision ?? 0))
    .then(write, get(name))
    .else(get(name))
  const { succeeded, revision, results } = await txn.commit(options)
  return { succeeded, revision, entry: results.at(-1) as GetOpResult }
}
