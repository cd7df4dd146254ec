/**
 * Programs: named, versioned sets of methods over one transactional view. All behaviour of the machine is a program's.
 *
 * A method runs on every node and must do the same on each: it may read its arguments and the transaction and nothing
 * else. No clock but the transaction's, no randomness, no I/O, no promises, no state of its own between calls.
 */
import type { NitroError, Value } from '../base/index.ts'
import type { KvEntry } from './kv-codec.ts'

/** A key: text is its UTF-8. */
export type KeyInput = string | Uint8Array

/** The keys from `start` (included) to `end` (excluded). */
export interface RangeInput {
  readonly start: KeyInput
  /** Not given: every key from `start` on. */
  readonly end?: KeyInput | undefined
  /** Records at most. */
  readonly limit?: number | undefined
  readonly reverse?: boolean | undefined
}

/** The state as one command sees it. Key and value bytes are copies. Bad keys throw `KeyTooLarge`. */
export interface ReadView {
  /** Time for expiry, in ms; it comes from the log and never runs backwards. */
  readonly logTime: number
  /** Wall time by the leader's clock, in ms since 1970; it may run backwards. */
  readonly wallTime: number
  /** The log index of the entry. */
  readonly index: number
  /** In a query the revision of the state; in a transaction the one it takes if it changes a key. */
  readonly revision: number
  get(key: KeyInput): Uint8Array | undefined
  getRecord(key: KeyInput): KvEntry | undefined
  /** The records of a range in key order, within the machine's range limits. */
  range(range: RangeInput): KvEntry[]
  readonly leases: LeaseView
  /** Whether a lock, permit or leadership is held at this point of the log: exactly this grant, and its time is not up. */
  holds(grant: GrantInput): boolean
}

/** A grant of the sync program. What a lock's `guard()` says is one. */
export interface GrantInput {
  readonly kind: number
  readonly namespace: KeyInput
  readonly name: KeyInput
  /** The revision of the grant. */
  readonly token: number
}

/** A lease as a program sees it. Times are log time, in ms. */
export interface LeaseInfo {
  readonly id: number
  readonly ttlMs: number
  readonly remainingMs: number
}

/** The leases as one command sees them. */
export interface LeaseView {
  /** Undefined when there is no such lease, or it is over. */
  get(id: number): LeaseInfo | undefined
}

/** The leases as a method changes them, together with its keys. */
export interface LeaseTransaction extends LeaseView {
  /** Makes a lease and returns its id; without an id the machine chooses. Throws `LeaseExists`, `LimitExceeded`, `InvalidArgument`. */
  grant(ttlMs: number, id?: number): number
  /** Ends a lease and deletes its keys, as part of the transaction. Throws `LeaseNotFound`. */
  revoke(id: number): void
  /** Starts its time anew. Throws `LeaseNotFound`. */
  keepAlive(id: number): void
}

/** Options of {@link Transaction.put}. */
export interface PutOptions {
  /** The lease to attach the key to. Default: none, and one that it had is taken off. */
  readonly lease?: number | undefined
}

/** The state as a method changes it. It sees its own changes; they take effect together, or not at all. */
export interface Transaction extends ReadView {
  readonly leases: LeaseTransaction
  /** Throws `KeyTooLarge`, `ValueTooLarge`, `LimitExceeded`, `RequestTooLarge` or `LeaseNotFound`. */
  put(key: KeyInput, value: string | Uint8Array, options?: PutOptions): void
  /** Whether the key was there. */
  delete(key: KeyInput): boolean
  /** An event for those who watch the key; it is never the key's value. Throws as {@link put} does. */
  emit(key: KeyInput, value: string | Uint8Array): void
  /** A number from 0 (included) to 1 (excluded): the same on every node, so no secret. */
  random(): number
  /** Random bytes, with the same caveat; 65,536 at most. Throws `InvalidArgument`. */
  randomBytes(length: number): Uint8Array
}

/** Changes the state. A throw undoes everything and is the result. Returning nothing is returning null. */
export type Method = (tx: Transaction, args: Value) => Value | void

/**
 * Keeps a method from what differs between nodes: clocks, randomness, timers, I/O. The machine calls `enter` before a method
 * and `leave` after it, whatever it did; one method runs at a time.
 */
export interface MethodGuard {
  enter(): void
  /** What the method reached for, although it may have caught the error; undefined for nothing. */
  leave(): string | undefined
}

/** Reads the state; runs on one node, outside the log. */
export type Query = (view: ReadView, args: Value) => Value | void

/** A user's program. */
export interface Program {
  /** Latin1, 1 to 64 chars; not the name of a built-in. */
  readonly name: string
  /** A positive integer, raised with every change of behaviour. */
  readonly version: number
  readonly methods: Readonly<Record<string, Method>>
  readonly queries?: Readonly<Record<string, Query>>
}

/** What a method throws to tell its caller why; code and details become the result, nothing else does. */
export class ProgramError extends Error {
  readonly code: string
  /** A canonical value. */
  readonly details: Value

  constructor(code: string, details: Value = null) {
    super(code)
    this.name = 'ProgramError'
    this.code = code
    this.details = details
  }
}

/** What a `ProgramError` result carries in its details. */
export interface ProgramErrorDetails {
  readonly program: string
  readonly method: string
  readonly code: string
  readonly details: Value
}

/** The parts of a `ProgramError` that came out of a result. */
export function programErrorDetails(error: NitroError): ProgramErrorDetails {
  const { program, method, code, details } = error.details
  return { program: String(program), method: String(method), code: String(code), details: details ?? null }
}
