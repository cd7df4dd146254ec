/**
 * The log of one node: stable storage plus the unstable tail, with the marks that say how far it is committed, handed
 * out for applying, and applied. Invariant: `applied <= applying <= committed <= lastIndex`.
 */
import { assert } from '../../base/index.ts'
import type { Logger } from './config.ts'
import type { RaftStorage, StorageFault } from './storage.ts'
import { countWithin, entriesSize, noEntries, noLimit } from './types.ts'
import type { Entry, Index, Snapshot, Term } from './types.ts'
import { Unstable } from './unstable.ts'

/** The log as the core reads and extends it. */
export class RaftLog {
  readonly storage: RaftStorage
  readonly unstable: Unstable
  /** Known to be durable on a quorum. */
  committed: Index
  /** Handed out for applying. */
  applying: Index
  /** Applied, as the application reported. */
  applied: Index
  /** Limit of bytes handed out and not yet reported as applied. */
  readonly maxApplyingSize: number
  private applyingSize = 0
  private applyingPaused = false
  private readonly logger: Logger | undefined

  constructor(storage: RaftStorage, maxApplyingSize: number, logger: Logger | undefined) {
    this.storage = storage
    this.maxApplyingSize = maxApplyingSize
    this.logger = logger
    const before = storage.firstIndex() - 1
    this.unstable = new Unstable(storage.lastIndex() + 1, logger)
    this.committed = before
    this.applying = before
    this.applied = before
  }

  firstIndex(): Index {
    return this.unstable.firstIndex() ?? this.storage.firstIndex()
  }

  lastIndex(): Index {
    return this.unstable.lastIndex() ?? this.storage.lastIndex()
  }

  /** The term of the last entry, or of the snapshot the log starts after. */
  lastTerm(): Term {
    const term = this.term(this.lastIndex())
    assert(typeof term === 'number', 'the term of the last entry is unknown')
    return term
  }

  /** The term at an index; known from one before the first entry to the last. */
  term(index: Index): Term | StorageFault {
    const term = this.unstable.term(index)
    if (term !== undefined) return term
    if (index + 1 < this.firstIndex()) return 'compacted'
    if (index > this.lastIndex()) return 'unavailable'
    return this.storage.term(index)
  }

  /** The term at an index, or 0 where it is unknown. */
  termOrZero(index: Index): Term {
    const term = this.term(index)
    return typeof term === 'number' ? term : 0
  }

  /** Whether the entry at an index is known and of this term. */
  matches(index: Index, term: Term): boolean {
    return this.term(index) === term
  }

  /** Whether a candidate's log, known by its last entry, is at least as complete as this one (Raft paper, 5.4.1). */
  isUpToDate(lastIndex: Index, lastTerm: Term): boolean {
    const ours = this.lastTerm()
    return lastTerm > ours || (lastTerm === ours && lastIndex >= this.lastIndex())
  }

  /**
   * A leader's append anchored at (prevIndex, prevTerm). Returns the last index it covers, or -1 when the anchor is not
   * in the log. Entries that are there already are kept, with all that follows them; only a real conflict truncates.
   */
  maybeAppend(prevIndex: Index, prevTerm: Term, commit: Index, entries: readonly Entry[]): Index {
    if (!this.matches(prevIndex, prevTerm)) return -1
    const last = prevIndex + entries.length
    const conflict = this.findConflict(entries)
    if (conflict !== 0) {
      assert(conflict > this.committed, () => `entry ${conflict} conflicts with committed ${this.committed}`)
      const skip = conflict - prevIndex - 1
      this.append(skip === 0 ? entries : entries.slice(skip))
    }
    this.commitTo(Math.min(commit, last))
    return last
  }

  /** Appends entries after the committed part. */
  append(entries: readonly Entry[]): Index {
    const first = entries[0]
    if (first === undefined) return this.lastIndex()
    assert(first.index > this.committed, () => `append at ${first.index} into committed ${this.committed}`)
    this.unstable.truncateAndAppend(entries)
    return this.lastIndex()
  }

  /** The index of the first entry that is not in the log as given: a conflict or the first new one; 0 if none. */
  private findConflict(entries: readonly Entry[]): Index {
    for (let i = 0; i < entries.length; i++) {
      const { index, term } = entries[i] as Entry
      if (this.matches(index, term)) continue
      if (index <= this.lastIndex()) {
        const known = this.termOrZero(index)
        this.logger?.('info', `found conflict at index ${index} [existing term: ${known}, conflicting term: ${term}]`)
      }
      return index
    }
    return 0
  }

  /**
   * The best guess where this log stops matching another one, of which only the entry (index, term) is known: the
   * greatest index up to `index` whose term is at most `term`, or is unknown. Each side of a refused append uses it
   * to skip whole terms instead of probing entry by entry. Take a leader L whose append at 9 was refused with the hint
   * "I end with term 2 at 6":
   *
   * ```
   *   index  1 2 3 4 5 6 7 8 9
   *   L      1 3 3 3 5 5 5 5 5
   *   F      1 1 1 1 2 2
   * ```
   *
   * At 2 to 6 L has terms above 2. Had F the same entry at one of them, F would hold a term above 2 before its last
   * term 2, but terms never fall along a log. So the next try is at 1. The follower reasons in the same way about the
   * leader's (index, term) when its own tail has the higher terms.
   */
  findConflictByTerm(index: Index, term: Term): Index {
    for (let at = index; at > 0; at--) {
      const known = this.term(at)
      if (typeof known !== 'number' || known <= term) return at
    }
    return 0
  }

  /** Moves the commit mark forward; it never goes back. */
  commitTo(index: Index): void {
    if (index <= this.committed) return
    assert(index <= this.lastIndex(), () => `commit ${index} is beyond the log's end ${this.lastIndex()}`)
    this.committed = index
  }

  /** Commits up to `index` if the entry there is of `term`; only the present term commits by counting (figure 8). */
  maybeCommit(index: Index, term: Term): boolean {
    if (index <= this.committed || term === 0 || this.termOrZero(index) !== term) return false
    this.commitTo(index)
    return true
  }

  /** The application has applied up to `index`, freeing `size` bytes of the limit. */
  appliedTo(index: Index, size: number): void {
    assert(this.applied <= index && index <= this.committed, () => {
      return `applied ${index} is out of [${this.applied}, ${this.committed}]`
    })
    this.applied = index
    this.applying = Math.max(this.applying, index)
    this.applyingSize = Math.max(0, this.applyingSize - size)
    this.applyingPaused = this.applyingSize >= this.maxApplyingSize
  }

  /** Entries up to `index` were handed out. Pauses when the limit is reached or cut the list short. */
  acceptApplying(index: Index, size: number, allowUnstable: boolean): void {
    assert(index <= this.committed, 'applying beyond the commit mark')
    this.applying = index
    this.applyingSize += size
    this.applyingPaused = this.applyingSize >= this.maxApplyingSize || index < this.maxAppliable(allowUnstable)
  }

  /** Committed entries to hand out next. Without `allowUnstable` only such as are durable here. */
  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return noEntries
    const entries = this.slice(
      this.applying + 1,
      this.maxAppliable(allowUnstable) + 1,
      this.maxApplyingSize - this.applyingSize,
    )
    assert(typeof entries !== 'string', 'unapplied entries are gone from storage')
    return entries
  }

  /** Whether there is anything to apply now; a pending snapshot goes first. */
  hasNextCommitted(allowUnstable: boolean): boolean {
    if (this.applyingPaused || this.unstable.snapshot !== undefined) return false
    return this.applying < this.maxAppliable(allowUnstable)
  }

  private maxAppliable(allowUnstable: boolean): Index {
    return allowUnstable ? this.committed : Math.min(this.committed, this.unstable.offset - 1)
  }

  /** The snapshot to send to a follower. */
  snapshot(): Snapshot | 'snapshotTemporarilyUnavailable' {
    return this.unstable.snapshot ?? this.storage.snapshot()
  }

  /** Starts over from a snapshot. */
  restore(snapshot: Snapshot): void {
    this.committed = snapshot.meta.index
    this.unstable.restore(snapshot)
  }

  /** Entries from `from` to the end, limited in bytes but at least one. */
  entriesFrom(from: Index, maxSize: number): readonly Entry[] | StorageFault {
    const last = this.lastIndex()
    return from > last ? noEntries : this.slice(from, last + 1, maxSize)
  }

  /** Entries in [lo, hi), limited in bytes but at least one. */
  slice(lo: Index, hi: Index, maxSize: number): readonly Entry[] | StorageFault {
    if (lo < this.firstIndex()) return 'compacted'
    if (lo >= hi) return noEntries
    const { offset } = this.unstable
    if (lo >= offset) {
      const entries = this.unstable.slice(lo, hi)
      return maxSize === noLimit ? entries : cut(entries, countWithin(entries, maxSize))
    }
    const end = Math.min(hi, offset)
    const stable = this.storage.entries(lo, end, maxSize)
    if (typeof stable === 'string' || hi <= offset || stable.length < end - lo) return stable
    const size = entriesSize(stable)
    if (size >= maxSize) return stable
    const tail = this.unstable.slice(offset, hi)
    const fits = countWithin(tail, maxSize - size)
    if (fits === 1 && size + entriesSize(cut(tail, 1)) > maxSize) return stable
    return stable.concat(cut(tail, fits))
  }
}

function cut(entries: Entry[], count: number): Entry[] {
  return count === entries.length ? entries : entries.slice(0, count)
}
