/**
 * What the core reads from stable storage. All calls are synchronous; the implementation keeps in memory whatever it
 * needs for that. The core never writes: it hands out what to write in a `Ready`.
 *
 * What can legitimately be missing is a value, not an exception:
 *  - `compacted`: the log no longer goes back that far; the follower who needs it gets a snapshot
 *  - `unavailable`: the log does not go that far
 *  - `snapshotTemporarilyUnavailable`: a snapshot is being prepared, ask again
 */
import type { ConfState, Entry, HardState, Index, Snapshot, Term } from './types.ts'

/** Why storage has no answer about a position of the log. */
export type StorageFault = 'compacted' | 'unavailable'

/** The state a restarted node begins with. */
export interface InitialState {
  readonly hardState: HardState
  readonly confState: ConfState
}

/** The core's view of stable storage; invariant: `firstIndex() <= lastIndex() + 1`. */
export interface RaftStorage {
  /** Hard state and configuration as last persisted; read once, when the core is made. */
  initialState(): InitialState
  /**
   * Entries in [lo, hi), as many as fit in `maxBytes` as counted by `entrySize`, but at least one. May return
   * fewer than fit. The result is not changed later.
   */
  entries(lo: Index, hi: Index, maxBytes: number): readonly Entry[] | StorageFault
  /** The term at an index in [firstIndex - 1, lastIndex]; the entry before the first is known by its term only. */
  term(index: Index): Term | StorageFault
  /** The index of the first entry that may be read; entries before are in the snapshot. */
  firstIndex(): Index
  /** The index of the last entry; `firstIndex() - 1` if there is none. */
  lastIndex(): Index
  /** The most recent snapshot; its index is at least `firstIndex() - 1`. */
  snapshot(): Snapshot | 'snapshotTemporarilyUnavailable'
}
