/** Watches: the history of some keys as it is written, revision by revision. */
import type { DecodedRevision, KeyRange as CodedRange } from '../../execution/index.ts'
import type { BytesLike, Entry, KeyRange } from './store.ts'

/** What to watch: one `key`, a `prefix`, `start` with `end`, or, with none of them, everything. */
export interface WatchOptions extends KeyRange {
  readonly key?: BytesLike | undefined
  /**
   * The first revision to see. It may lie in the past, as far as history goes back, or in the future.
   * Default: everything that is written after `opened`.
   */
  readonly fromRevision?: number | undefined
  /** Each event also carries the record it took the place of. */
  readonly prev?: boolean | undefined
  /** Only events of this type. */
  readonly filter?: WatchEventType | undefined
  /** After so many milliseconds without events, a batch without events tells how far the watch is. */
  readonly progressMs?: number | undefined
  /** Ends the watch when aborted: the iteration throws `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/** A key was written, a key was deleted, or a program told something under a key. */
export type WatchEventType = 'put' | 'delete' | 'emit'

/** One event. */
export interface WatchEvent {
  readonly type: WatchEventType
  readonly key: Uint8Array
  /** What was written; its `version` is 1 when the key is new. Of an `emit`: what was told. Undefined for a delete. */
  readonly entry: Entry | undefined
  /** With `prev`: what was there before; undefined when nothing was, or when it has been compacted away. */
  readonly previous: Entry | undefined
  /** The key as text. */
  keyText(): string
}

/** All that one revision did to the watched keys. Without events it is a progress mark: nothing up to it is missing. */
export interface WatchBatch {
  readonly revision: number
  readonly events: readonly WatchEvent[]
}

/**
 * An open watch, to be iterated once. Revisions rise, none comes twice, none is left out, whatever node serves it. It reads ahead
 * by about a mebibyte, and history waits in the store beyond that. The iteration throws `Compacted` when what comes next is no
 * longer in the history, `Closed` when node or client are closed, `InvalidArgument` and `KeyTooLarge` for what was asked.
 */
export interface Watch extends AsyncIterableIterator<WatchBatch>, AsyncDisposable {
  /** Resolves when it is open, with the revision after which it sees everything. Rejects if it never will be. */
  readonly opened: Promise<number>
  /** A batch without events will follow, as soon as everything there is has come. */
  requestProgress(): void
  /** Ends it; an iteration under way ends, too. */
  close(): void
  return(): Promise<IteratorResult<WatchBatch>>
}

/** What {@link Store.follow} gives. */
export type FollowItem =
  /** Every record of the range at this revision. */
  | { readonly type: 'state'; readonly revision: number; readonly entries: readonly Entry[] }
  /** What the next revision changed. */
  | { readonly type: 'events'; readonly revision: number; readonly events: readonly WatchEvent[] }
  /** Some changes are lost to compaction: forget what you know, a new state follows. */
  | { readonly type: 'reset'; readonly compactRevision: number }

/** Options of {@link Store.follow}. */
export interface FollowOptions {
  /** Each event also carries the record it took the place of. */
  readonly prev?: boolean | undefined
  /** Ends it when aborted: the iteration throws `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/** A watch as an engine takes it. */
export interface WatchRequest {
  readonly range: CodedRange
  /** The first revision to see; 0: what is written from now on. */
  readonly fromRevision: number
  readonly puts: boolean
  readonly deletes: boolean
  readonly emits: boolean
  /** With previous records. */
  readonly previous: boolean
  /** Bytes of events that may be on their way or wait to be consumed. */
  readonly creditBytes: number
  /** A progress mark after so many milliseconds without events; 0 for none. */
  readonly progressMs: number
}

/** Events on their way to one or more watches that see the same. */
export interface WatchDelivery {
  readonly sizeBytes: number
  /** Whole revisions, in order; decoded when first asked. */
  revisions(): readonly DecodedRevision[]
}

/** Hears of a watch. Never called before `Engine.watch` has returned. */
export interface WatchListener {
  /** Once. All events after this revision come. */
  opened(revision: number): void
  delivered(delivery: WatchDelivery): void
  /** Everything up to this revision was delivered; asked for by `requestProgress` or `progressMs`. */
  progress(revision: number): void
  /** It is over, and not by `close`. */
  ended(error: Error): void
}

/** The owner's end of a watch. */
export interface WatchHandle {
  /** So many bytes of what was delivered were used; as many may follow. */
  consumed(bytes: number): void
  requestProgress(): void
  /** Ends it; the listener hears nothing more. */
  close(): void
}
