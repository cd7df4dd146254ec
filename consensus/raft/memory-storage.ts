/**
 * Storage in memory: for tests, for in-memory nodes, and as the reading side of a driver that keeps the whole live log
 * in memory while it writes to disk.
 */
import { NitroError, assert } from '../../base/index.ts'
import type { InitialState, RaftStorage, StorageFault } from './storage.ts'
import { countWithin, emptyConfState, emptyHardState, emptySnapshot } from './types.ts'
import type { ConfState, Entry, HardState, Index, Snapshot, Term } from './types.ts'

/** A {@link RaftStorage} with its writing side. */
export class MemoryStorage implements RaftStorage {
  private hardState: HardState = emptyHardState
  private latest: Snapshot = emptySnapshot
  /** Entry i of `log` has index `baseIndex + 1 + i`. */
  private log: Entry[] = []
  private baseIndex: Index = 0
  private baseTerm: Term = 0

  initialState(): InitialState {
    return { hardState: this.hardState, confState: this.latest.meta.confState }
  }

  firstIndex(): Index {
    return this.baseIndex + 1
  }

  lastIndex(): Index {
    return this.baseIndex + this.log.length
  }

  term(index: Index): Term | StorageFault {
    if (index < this.baseIndex) return 'compacted'
    if (index === this.baseIndex) return this.baseTerm
    const entry = this.log[index - this.baseIndex - 1]
    return entry === undefined ? 'unavailable' : entry.term
  }

  entries(lo: Index, hi: Index, maxBytes: number): readonly Entry[] | StorageFault {
    if (lo <= this.baseIndex) return 'compacted'
    if (hi > this.lastIndex() + 1) return 'unavailable'
    const slice = this.log.slice(lo - this.baseIndex - 1, hi - this.baseIndex - 1)
    const count = countWithin(slice, maxBytes)
    return count === slice.length ? slice : slice.slice(0, count)
  }

  snapshot(): Snapshot {
    return this.latest
  }

  /** Persists the hard state. */
  setHardState(state: HardState): void {
    this.hardState = state
  }

  /** Replaces everything by a snapshot. False, and no change, when it is older than the one present. */
  applySnapshot(snapshot: Snapshot): boolean {
    if (this.latest.meta.index >= snapshot.meta.index && snapshot.meta.index !== 0) return false
    this.latest = snapshot
    this.log = []
    this.baseIndex = snapshot.meta.index
    this.baseTerm = snapshot.meta.term
    return true
  }

  /**
   * Records that the state machine's state at `index` is available as a snapshot. Throws InvalidArgument when the index
   * is not ahead of the present snapshot or not in the log.
   */
  createSnapshot(index: Index, confState: ConfState | undefined, data: Uint8Array): Snapshot {
    const term = this.term(index)
    if (index <= this.latest.meta.index || typeof term !== 'number') {
      throw new NitroError('InvalidArgument', `no snapshot can be made at ${index}`)
    }
    const state = confState ?? this.latest.meta.confState
    this.latest = { meta: { index, term, confState: state }, data }
    return this.latest
  }

  /** Sets the configuration a first start begins with. */
  bootstrap(confState: ConfState = emptyConfState): void {
    this.latest = { meta: { ...this.latest.meta, confState }, data: this.latest.data }
  }

  /** Drops all entries up to and including `index`. Throws InvalidArgument for an index that is not in the log. */
  compact(index: Index): void {
    const term = this.term(index)
    if (typeof term !== 'number' || index <= this.baseIndex) {
      throw new NitroError(
        'InvalidArgument',
        `cannot compact at ${index}: the log is (${this.baseIndex}, ${this.lastIndex()}]`,
      )
    }
    this.log = this.log.slice(index - this.baseIndex)
    this.baseIndex = index
    this.baseTerm = term
  }

  /** Appends entries; what is there from the first one's index on is replaced. */
  append(entries: readonly Entry[]): void {
    const first = entries[0]
    if (first === undefined) return
    const from = first.index
    assert(from <= this.lastIndex() + 1, () => `a gap in the log: last ${this.lastIndex()}, append at ${from}`)
    // Entries that were compacted meanwhile are committed and the same as the given ones.
    const skip = Math.max(0, this.baseIndex + 1 - from)
    if (skip >= entries.length) return
    this.log.length = from + skip - this.baseIndex - 1
    for (let i = skip; i < entries.length; i++) this.log.push(entries[i] as Entry)
  }
}
