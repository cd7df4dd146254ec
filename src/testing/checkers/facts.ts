/** What clients of the state engine are told, beyond operations on one key: the material of the checkers of history, leases, watches. */
import type { SyncFact } from './sync/facts.ts'
import type { Change, SeenRecord, WatchRecord } from './watch.ts'

/** A record with its key. */
export interface KeyedRecord extends SeenRecord {
  readonly key: string
  readonly lease: number
}

/**
 * What a linearizable read must see: the newest revision that anybody had been told, and the newest compaction that any
 * node had applied.
 */
export interface Known {
  readonly revision: number
  readonly compactRevision: number
}

/** How a read was answered. */
export type ReadAnswer =
  | { readonly revision: number; readonly count: number; readonly records: readonly KeyedRecord[] }
  /** With the compact revision, or the newest one, that the refusal names. */
  | { readonly refused: 'Compacted' | 'FutureRevision'; readonly revision: number }

/** A linearizable read of `[start, end)`, now or at a past revision. */
export interface ReadFact {
  readonly kind: 'read'
  readonly client: string
  readonly known: Known
  readonly start: string
  readonly end: string
  /** 0 for now. */
  readonly asked: number
  readonly answer: ReadAnswer
}

/** A transaction is begun: it writes this value, which nobody else writes, to all these keys or to none. */
export interface AttemptFact {
  readonly kind: 'attempt'
  readonly client: string
  readonly value: string
  readonly keys: readonly string[]
}

/** A transaction was refused for good: this value of its must be nowhere. */
export interface UndoneFact {
  readonly kind: 'undone'
  readonly client: string
  readonly value: string
}

/** A transaction was answered. */
export interface WriteFact {
  readonly kind: 'write'
  readonly client: string
  readonly known: Known
  readonly revision: number
  /** What it was told to have changed, in order. */
  readonly changes: readonly Change[]
  /** Keys with the revision that its condition asked for, and whether all had it. */
  readonly condition: readonly { readonly key: string; readonly mod: number }[]
  readonly succeeded: boolean
  /** What its reads saw: of a state before its changes, and of one after. */
  readonly before: readonly { readonly key: string; readonly value: string | undefined }[]
  readonly after: readonly { readonly key: string; readonly value: string | undefined }[]
}

/** A compaction to this revision was acknowledged. */
export interface CompactFact {
  readonly kind: 'compact'
  readonly client: string
  readonly revision: number
}

/** A lease was granted or renewed, by a request sent at `sentAtMs` of true time; or its end was asked for. */
export interface LeaseFact {
  readonly kind: 'lease'
  readonly client: string
  readonly what: 'granted' | 'renewed' | 'ending'
  readonly id: number
  readonly ttlMs: number
  readonly sentAtMs: number
}

/** A watch was opened; what it gives is added to its record as it comes. */
export interface WatchFact {
  readonly kind: 'watch'
  readonly watch: WatchRecord
}

/** A watch ended with `Compacted`: what comes next, from `next` on, is no longer in the history. */
export interface LostFact {
  readonly kind: 'lost'
  readonly name: string
  readonly next: number
  readonly compactRevision: number
}

/** A state that `follow` gave, or that follows from a state and the events after it. */
export interface FollowFact {
  readonly kind: 'follow'
  readonly client: string
  readonly prefix: string
  readonly revision: number
  readonly records: readonly KeyedRecord[]
}

/** Something that a client was told. */
export type Fact =
  | ReadFact
  | AttemptFact
  | UndoneFact
  | WriteFact
  | CompactFact
  | LeaseFact
  | WatchFact
  | LostFact
  | FollowFact
  | SyncFact
