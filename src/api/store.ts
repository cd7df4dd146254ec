/** The store: typed access to the versioned key space. */
import type { ReadOptions, RequestOptions } from './engine.ts'
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
  /** The key as text. */
  keyText(): string
  /** The value as text. */
  text(): string
  /** The value parsed as JSON. Throws SyntaxError. */
  json<T = unknown>(): T
}

/** What a write answers. */
export interface WriteResult {
  /** The revision this write took; for a delete of nothing, the current one. */
  readonly revision: number
}

/** What a delete answers. */
export interface DeleteResult extends WriteResult {
  readonly deleted: number
}

/** Which keys: one of `prefix`, or `start` with `end` (exclusive; absent = to the last key). All keys when empty. */
export interface KeyRange {
  readonly prefix?: BytesLike | undefined
  readonly start?: BytesLike | undefined
  readonly end?: BytesLike | undefined
}

/** Options of a range read. */
export interface RangeOptions extends KeyRange, ReadOptions {
  /** At most this many records, 1 to 10,000. Default: as many as fit the answer limit. */
  readonly limit?: number | undefined
  /** From the last key down. */
  readonly reverse?: boolean | undefined
  readonly keysOnly?: boolean | undefined
  readonly countOnly?: boolean | undefined
}

/** One page of a range. */
export interface RangeResult {
  readonly entries: readonly Entry[]
  /** All keys in the range, also those past the limit. */
  readonly count: number
  /** Whether records were left out. */
  readonly more: boolean
  /** Revision of the state that answered. */
  readonly revision: number
}

/** The store. One conformance suite runs on a node's and on a client's. */
export interface Store {
  /** Writes one key. Throws `KeyTooLarge`, `ValueTooLarge`, and what {@link Engine.command} throws. */
  put(key: BytesLike, value: BytesLike, options?: RequestOptions): Promise<WriteResult>
  /** Reads one key; undefined when it is not there. */
  get(key: BytesLike, options?: ReadOptions): Promise<Entry | undefined>
  /** Deletes one key. */
  delete(key: BytesLike, options?: RequestOptions): Promise<DeleteResult>
  /** Deletes all keys of a range in one revision. */
  deleteRange(range: KeyRange, options?: RequestOptions): Promise<DeleteResult>
  /** Reads one page of a range in key order. */
  range(options?: RangeOptions): Promise<RangeResult>
  /** Reads a whole range page by page. Pages are read one after the other, each of its own moment. */
  entries(options?: RangeOptions): AsyncIterable<Entry>
  /** Watches keys; it is being opened when this returns. Throws at the first step of the iteration, see {@link Watch}. */
  watch(options?: WatchOptions): Watch
  /**
   * The records of a range and then every change of them, with nothing in between: `state`, `events`, `events` ... After a loss by
   * compaction `reset` and a new `state`. Throws what a watch throws, except `Compacted`.
   */
  follow(range?: KeyRange, options?: FollowOptions): AsyncIterable<FollowItem>
}
