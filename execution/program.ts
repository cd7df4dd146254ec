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
}

/** The state as a method changes it. It sees its own changes; they take effect together, or not at all. */
export interface Transaction extends ReadView {
  /** Throws `KeyTooLarge`, `ValueTooLarge`, `LimitExceeded` or `RequestTooLarge`. */
  put(key: KeyInput, value: string | Uint8Array): void
  /** Whether the key was there. */
  delete(key: KeyInput): boolean
}

/** Changes the state. A throw undoes everything and is the result. Returning nothing is returning null. */
export type Method = (tx: Transaction, args: Value) => Value | void

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
