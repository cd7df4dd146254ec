/** The store: typed access to the versioned key space. */
import type { ReadOptions, RequestOptions } from './engine.ts'
import type { StoreTxn } from './txn.ts'
import type { FollowItem, FollowOptions, Watch, WatchOptions } from './watch.ts'

/** A key or value on its way in; strings are UTF-8. */
export type BytesLike = string | Uint8Array

/** One record of the store. */
export interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  /** Revision of the write that created the key. */
  readonly createRevision: number
  /** Revision of the last write. */
  readonly modRevision: number
  /** Writes since creation; 1 for a new key. */
  readonly version: number
  /** The lease the key is attached to; 0 for none. */
  readonly lease: number
  /** The key as text. */
  keyText(): string
  /** The value as text. */
  text(): string
  /** The value parsed as JSON. Throws SyntaxError. */
  json<T = unknown>(): T
}

/** Options of a put. */
export interface WriteOptions extends RequestOptions {
  /** Attaches the key to this lease. Default: to none, also if it was attached to one. */
  readonly lease?: number | undefined
  /** Answers with the record before. */
  readonly prev?: boolean | undefined
  /** Keeps the value that is there; the value given must be empty. Throws `NotFound` if there is no key. */
  readonly ignoreValue?: boolean | undefined
  /** Keeps the lease that is there. Throws `NotFound` if there is no key. */
  readonly ignoreLease?: boolean | undefined
}

/** Options of a delete. */
export interface DeleteOptions extends RequestOptions {
  /** Answers with the deleted records. */
  readonly prev?: boolean | undefined
}

/** What a write answers. */
export interface WriteResult {
  /** The revision this write took; for a delete of nothing, the current one. */
  readonly revision: number
}

/** What a put answers. */
export interface PutResult extends WriteResult {
  /** With `prev`: the record before; undefined when there was none. */
  readonly previous?: Entry | undefined
}

/** What a delete answers. */
export interface DeleteResult extends WriteResult {
  readonly deleted: number
  /** With `prev`: the deleted records in key order. */
  readonly previous?: readonly Entry[] | undefined
}

/** Options of a write under a condition. */
export interface ConditionalOptions extends RequestOptions {
  /** Attaches the key to this lease. Default: to none. */
  readonly lease?: number | undefined
}

/** What a write under a condition answers: it was done, or what was there instead. */
export type ConditionalResult =
  | { readonly succeeded: true; readonly revision: number }
  | { readonly succeeded: false; readonly revision: number; readonly entry: Entry | undefined }

/** What {@link Store.update} makes of a record: a new value, null to delete the key, undefined to leave it as it is. */
export type Change = BytesLike | null | undefined

/** Options of {@link Store.update}. */
export interface UpdateOptions extends RequestOptions {
  /** Attaches the key to this lease. Default: the one it has, none for a new key. */
  readonly lease?: number | undefined
  /** How often it may be tried. Default 100. */
  readonly attempts?: number | undefined
}

/** What {@link Store.update} answers. */
export interface UpdateResult {
  /** The revision of the write; when it left the key as it is, of the last write before: 0 if there is no key. */
  readonly revision: number
  /** The record as it is now; undefined when there is none. */
  readonly entry: Entry | undefined
  /** How often it was tried. */
  readonly attempts: number
}

/** Which keys: one of `prefix`, or `start` with `end` (exclusive; absent = to the last key). All keys when empty. */
export interface KeyRange {
  readonly prefix?: BytesLike | undefined
  readonly start?: BytesLike | undefined
  readonly end?: BytesLike | undefined
}

/** Options of {@link Store.get}. */
export interface GetOptions extends ReadOptions {
  /** The record as it was at this revision. Default, as 0: now. */
  readonly revision?: number | undefined
}

/** What records can be ordered by; `create` and `mod` are revisions. Equal ones are in key order. */
export type RangeOrder = 'key' | 'version' | 'create' | 'mod' | 'value'

/** Which records of a range, and in what order. Filters come first, then the order, and the limit last. */
export interface RangeQuery extends KeyRange {
  /** The state at this revision, if history goes back to it. Default, as 0: now. */
  readonly revision?: number | undefined
  /** At most this many records, 1 to 10,000. Default: as many as fit the answer limit. */
  readonly limit?: number | undefined
  /** From the last key, or the greatest, down. */
  readonly reverse?: boolean | undefined
  readonly sort?: RangeOrder | undefined
  readonly minModRevision?: number | undefined
  readonly maxModRevision?: number | undefined
  readonly minCreateRevision?: number | undefined
  readonly maxCreateRevision?: number | undefined
  readonly keysOnly?: boolean | undefined
  readonly countOnly?: boolean | undefined
}

/** Options of a range read. */
export interface RangeOptions extends RangeQuery, ReadOptions {}

/** Options of {@link Store.entries}: pages follow each other in key order. */
export interface EntriesOptions extends Omit<RangeOptions, 'sort' | 'countOnly'> {
  /** At most this many records over all pages. */
  readonly limit?: number | undefined
}

/** One page of a range. */
export interface RangeResult {
  readonly entries: readonly Entry[]
  /** All keys in the range, also those past the limit. */
  readonly count: number
  /** Whether records were left out. */
  readonly more: boolean
  /** The current revision, which is the one that was read unless another was asked for. */
  readonly revision: number
}

/** Options of {@link Store.history}. */
export interface HistoryOptions extends ReadOptions {
  /** Begins with the version that the key had at this revision. Default: with the newest. */
  readonly revision?: number | undefined
  /** At most this many versions, 1 to 10,000. */
  readonly limit?: number | undefined
}

/** A state of a key; or its end, which has no value, and 0 for version and create revision. */
export interface EntryVersion extends Entry {
  readonly deleted: boolean
}

/** What is kept of the past of one key. */
export interface KeyHistory {
  /** The current revision. */
  readonly revision: number
  /** What the key was before this revision is not known any more. */
  readonly compactRevision: number
  /** Whether older versions are kept that were left out because of a limit. */
  readonly more: boolean
  /** Newest first. */
  readonly versions: readonly EntryVersion[]
}

/** The store. One conformance suite runs on a node's and on a client's. */
export interface Store {
  /**
   * Writes one key. Throws `KeyTooLarge`, `ValueTooLarge`, `LeaseNotFound`, `NotFound` with `ignoreValue` or `ignoreLease`, and what
   * {@link Engine.command} throws.
   */
  put(key: BytesLike, value: BytesLike, options?: WriteOptions): Promise<PutResult>
  /** Reads one key; undefined when it is not there. With a `revision` it throws `Compacted`, `FutureRevision`. */
  get(key: BytesLike, options?: GetOptions): Promise<Entry | undefined>
  /** Deletes one key. */
  delete(key: BytesLike, options?: DeleteOptions): Promise<DeleteResult>
  /** Deletes all keys of a range in one revision. */
  deleteRange(range: KeyRange, options?: DeleteOptions): Promise<DeleteResult>
  /** Reads one page of a range. With a `revision` it throws `Compacted`, `FutureRevision`. */
  range(options?: RangeOptions): Promise<RangeResult>
  /**
   * Reads a whole range page by page, all at one revision: the one asked for, or that of the first page. Throws `Compacted` if that
   * revision is compacted away in between.
   */
  entries(options?: EntriesOptions): AsyncIterable<Entry>
  /** What is kept of the past of one key, newest version first. */
  history(key: BytesLike, options?: HistoryOptions): Promise<KeyHistory>
  /** Forgets what was before this revision. Throws `Compacted` when that was done already, `FutureRevision`. */
  compact(revision: number, options?: RequestOptions): Promise<WriteResult>
  /** Puts a transaction together; `commit` runs it. */
  txn(): StoreTxn
  /** Writes a key that is not there. */
  putIfAbsent(key: BytesLike, value: BytesLike, options?: ConditionalOptions): Promise<ConditionalResult>
  /** Writes a key whose `modRevision` is this one: nobody has changed it since. 0: it is not there. */
  putIfRevision(
    key: BytesLike,
    value: BytesLike,
    modRevision: number,
    options?: ConditionalOptions,
  ): Promise<ConditionalResult>
  /**
   * Reads a key, lets `change` make something of it, and writes that unless somebody came in between; then it begins again, so `change`
   * may be called several times. Throws `Conflict` after `attempts`, and what `change` throws.
   */
  update(
    key: BytesLike,
    change: (entry: Entry | undefined) => Change | Promise<Change>,
    options?: UpdateOptions,
  ): Promise<UpdateResult>
  /** Watches keys; it is being opened when this returns. Throws at the first step of the iteration, see {@link Watch}. */
  watch(options?: WatchOptions): Watch
  /**
   * The records of a range and then every change of them, with nothing in between: `state`, `events`, `events` ... After a loss by
   * compaction `reset` and a new `state`. Throws what a watch throws, except `Compacted`.
   */
  follow(range?: KeyRange, options?: FollowOptions): AsyncIterable<FollowItem>
}
