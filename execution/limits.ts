/**
 * The limits of the machine, in one table.
 *
 * They decide answers, so they are part of the replicated behaviour: every node of a cluster must use the same ones, and
 * `manifestOf` includes them. The fixed ones at the top bound what the log itself may hold.
 */
import { NitroError } from '../base/index.ts'

/** The body of one entry, in bytes; only an entry of a single longer command may exceed it. */
export const maxEntryBytes: number = 1024 * 1024

/** The commands of one entry. */
export const maxEntryCommands = 1024

/** One encoded command, in bytes: a value of the largest size with its key, names and session header. Beyond: `RequestTooLarge`. */
export const maxCommandBytes: number = 1536 * 1024

/** What a machine accepts; each bound with the error beyond it. */
export interface MachineLimits {
  /** A key, in bytes; at least one, and 65,535 at most. Beyond: `KeyTooLarge`. */
  readonly keyBytes: number
  /** A value, in bytes. Beyond: `ValueTooLarge`. */
  readonly valueBytes: number
  /** Records of one range answer; a longer range is cut and says `more`. */
  readonly rangeRecords: number
  /** Keys and values of one range answer, in bytes; cut as above, after at least one record. */
  readonly rangeBytes: number
  /** Keys one transaction may change. Beyond: `LimitExceeded`. */
  readonly transactionKeys: number
  /** Keys and values one transaction may write, in bytes. Beyond: `RequestTooLarge`. */
  readonly transactionBytes: number
  /** The result of one user method or query, in bytes. Beyond: `RequestTooLarge`. */
  readonly resultBytes: number
  /** Sessions; opening one more evicts the least recently used, whose commands then get `SessionEvicted`. */
  readonly sessions: number
  /** Numbers a session may be ahead of `answeredUpTo`. Beyond: `LimitExceeded`. */
  readonly sessionWindow: number
  /** Answers kept for one session, in bytes; its next command beyond gets `LimitExceeded`. */
  readonly sessionAnswerBytes: number
}

/** The limits when none are given. */
export const defaultLimits: MachineLimits = {
  keyBytes: 4096,
  valueBytes: 1024 * 1024,
  rangeRecords: 10_000,
  rangeBytes: 4 * 1024 * 1024,
  transactionKeys: 10_000,
  transactionBytes: 4 * 1024 * 1024,
  resultBytes: 1024 * 1024,
  sessions: 10_000,
  sessionWindow: 1024,
  sessionAnswerBytes: 4 * 1024 * 1024,
}

/** The limits with some overridden. Throws `InvalidArgument` for anything but a positive safe integer, or an unknown name. */
export function limitsWith(given: Partial<MachineLimits> = {}): MachineLimits {
  for (const [name, value] of Object.entries(given)) {
    const most = name === 'keyBytes' ? 0xffff : Number.MAX_SAFE_INTEGER
    if (!Object.hasOwn(defaultLimits, name) || !Number.isSafeInteger(value) || value < 1 || value > most) {
      throw new NitroError('InvalidArgument', `the machine has no limit ${name} = ${value}`, { details: { name } })
    }
  }
  return { ...defaultLimits, ...given }
}
