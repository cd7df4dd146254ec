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
  /** Keys of a range that is asked for with a filter, or in another order than the key's. Beyond: `LimitExceeded`. */
  readonly rangeScanKeys: number
  /** Revisions that can be read, and whose events can be watched, behind the current one. Older ones are compacted. */
  readonly historyRevisions: number
  /** History is kept this long, in ms of log time, and not beyond `historyRevisions`; 0 for any time. */
  readonly historyMs: number
  /** Keys one transaction may change. Beyond: `LimitExceeded`. */
  readonly transactionKeys: number
  /** Keys and values one transaction may write, in bytes. Beyond: `RequestTooLarge`. */
  readonly transactionBytes: number
  /** Operations and conditions of one transaction on its longest way through, nested ones included. Beyond: `LimitExceeded`. */
  readonly transactionOps: number
  /** Transactions within transactions. Beyond: `LimitExceeded`. */
  readonly transactionDepth: number
  /** Leases. One more gets `LimitExceeded`. */
  readonly leases: number
  /** Keys attached to one lease. Beyond: `LimitExceeded`. */
  readonly leaseKeys: number
  /** Leases that one command keeps alive. Beyond: `LimitExceeded`. */
  readonly leaseBatch: number
  /** The shortest time to live, in ms of log time; a shorter one is raised to it. */
  readonly leaseTtlMsMin: number
  /** The longest time to live, in ms of log time. Beyond: `InvalidArgument`. */
  readonly leaseTtlMsMax: number
  /** Leases and holds that end at the start of one entry; the others that are due follow with the next. */
  readonly leaseExpiriesPerEntry: number
  /** The name of what can be locked, its namespace, and the label of who wants it: each in bytes. Beyond: `KeyTooLarge`. */
  readonly syncNameBytes: number
  /** What a leader proclaims, and what a cell holds, in bytes. Beyond: `ValueTooLarge`. */
  readonly syncValueBytes: number
  /** Holders and waiters of one resource, and so the grants that one command can lead to. Beyond: `LimitExceeded`. */
  readonly syncQueue: number
  /** Values that are kept with resources. One more gets `LimitExceeded`. */
  readonly syncCells: number
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
  rangeScanKeys: 100_000,
  historyRevisions: 100_000,
  historyMs: 0,
  transactionKeys: 10_000,
  transactionBytes: 4 * 1024 * 1024,
  transactionOps: 128,
  transactionDepth: 16,
  leases: 100_000,
  leaseKeys: 10_000,
  leaseBatch: 1000,
  leaseTtlMsMin: 1000,
  leaseTtlMsMax: 9_000_000_000_000,
  leaseExpiriesPerEntry: 500,
  syncNameBytes: 1024,
  syncValueBytes: 64 * 1024,
  syncQueue: 10_000,
  syncCells: 100_000,
  resultBytes: 1024 * 1024,
  sessions: 10_000,
  sessionWindow: 1024,
  sessionAnswerBytes: 4 * 1024 * 1024,
}

/** What the formats can hold: the length of a key, of a part of one, and a deadline, which is a log time and a time to live. */
const mostOf: Readonly<Record<string, number>> = {
  keyBytes: 0xffff,
  syncNameBytes: 0x7000,
  leaseTtlMsMax: 2 ** 52,
}

/** The limits with some overridden. Throws `InvalidArgument` for a bad value or an unknown name: they are positive safe integers. */
export function limitsWith(given: Partial<MachineLimits> = {}): MachineLimits {
  for (const [name, value] of Object.entries(given)) {
    const most = mostOf[name] ?? Number.MAX_SAFE_INTEGER
    const least = name === 'historyMs' ? 0 : 1
    if (!Object.hasOwn(defaultLimits, name) || !Number.isSafeInteger(value) || value < least || value > most) {
      throw new NitroError('InvalidArgument', `the machine has no limit ${name} = ${value}`, { details: { name } })
    }
  }
  return { ...defaultLimits, ...given }
}
