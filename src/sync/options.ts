/** Options of acquisitions, checked. */
import { NitroError, utf8, timerMsMax } from '../../base/index.ts'
import { defaultLimits } from '../../execution/codec.ts'
import type { SyncMode, SyncResource } from '../../execution/codec.ts'
import type { AcquireOptions, Session } from '../api/index.ts'
import { checkMs } from './names.ts'

/** Unless another is given. */
export const timeToLiveMs = 10_000

/** What is wanted. */
export interface Wanted {
  readonly resource: SyncResource
  readonly mode: SyncMode
  readonly capacity: number
  readonly value?: Uint8Array | undefined
}

/** Throws `InvalidArgument`, `KeyTooLarge`, `ValueTooLarge`. */
export function checkAcquire({ value }: Pick<Wanted, 'value'>, options: AcquireOptions): void {
  checkTimes(options)
  checkTimeout(options.timeoutMs)
  checkSignal(options.signal)
  checkSession(options.session)
  checkLabel(options.label)
  const limit = defaultLimits.syncValueBytes
  if (value === undefined || value.length <= limit) return
  throw new NitroError('ValueTooLarge', `the value has ${value.length} bytes; at most ${limit} are allowed`, {
    details: { bytes: value.length, limit },
  })
}

/** The times of an acquisition, in memory and in a cluster alike. Throws `InvalidArgument`. */
export function checkTimes({ ttl, maxHold, wait }: Pick<AcquireOptions, 'ttl' | 'maxHold' | 'wait'>): void {
  const { leaseTtlMsMin, leaseTtlMsMax } = defaultLimits
  // A lease would last for at least as long; a lock that is asked for less must not last longer without a word.
  checkMs(ttl, 'ttl', leaseTtlMsMin, leaseTtlMsMax)
  checkMs(maxHold, 'maxHold', 1, leaseTtlMsMax)
  if (wait !== Infinity) checkMs(wait, 'wait', 0)
}

/** The error of who has waited for long enough; `waitMs` tells it from a cluster that does not answer. */
export function waitOver(wait: number | undefined): NitroError {
  const message = wait === 0 ? 'others hold it, or wait for it' : `not granted within ${wait} ms`
  return new NitroError('Timeout', message, { executed: 'no', details: { waitMs: wait ?? 0 } })
}

/** How long a request may take, as engines check it as well. Throws `InvalidArgument`. */
function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || (timeoutMs > 0 && timeoutMs <= timerMsMax)) return
  const message = `timeoutMs is ${timeoutMs}; it must be above 0 and at most ${timerMsMax}`
  throw new NitroError('InvalidArgument', message)
}

/** Throws `InvalidArgument` unless it is an object. */
export function checkOptions(options: object): void {
  if (typeof options === 'object' && options !== null) return
  throw new NitroError(
    'InvalidArgument',
    `options must be an object, not ${options === null ? 'null' : typeof options}`,
  )
}

/** Throws `InvalidArgument` unless it is a signal or undefined. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || isSignal(signal)) return
  throw new NitroError('InvalidArgument', 'signal must be an AbortSignal')
}

/** Throws `InvalidArgument` unless it can be called. */
export function checkFunction(value: unknown, what: string): void {
  if (typeof value === 'function') return
  throw new NitroError('InvalidArgument', `${what} must be a function, not ${typeof value}`)
}

function checkSession(session: Session | undefined): void {
  if (session === undefined || isSignal(session?.signal)) return
  throw new NitroError('InvalidArgument', 'session must be one that was opened by session()')
}

function checkLabel(label: string | undefined): void {
  if (label === undefined) return
  if (typeof label !== 'string') throw new NitroError('InvalidArgument', `label must be a string, not ${typeof label}`)
  const limit = defaultLimits.syncNameBytes
  const bytes = utf8(label).length
  if (bytes <= limit) return
  const message = `the label has ${bytes} bytes; at most ${limit} are allowed`
  throw new NitroError('KeyTooLarge', message, { details: { bytes, limit } })
}

/** By what it can do: it may come from another realm. */
function isSignal(signal: AbortSignal | undefined): boolean {
  return typeof signal?.aborted === 'boolean' && typeof signal.addEventListener === 'function'
}
