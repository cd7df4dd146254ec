/**
 * The tail of the log that is not known to be durable: entries and perhaps a snapshot, before and while they are being
 * written. Reads consult it first, so the core sees its log whole at all times.
 *
 * ```
 *   index      offset          offsetInProgress
 *                ▼                   ▼
 *   ─ storage ─┐ e  e  e  e  e  e  e │ e  e  e
 *              └── being written ────┘└─ new ─┘
 * ```
 *
 * `offset` may be below the end of storage: then the next write replaces what is there from `offset` on.
 */
import { assert } from '../../base/index.ts'
import type { Logger } from './config.ts'
import type { Entry, Index, Snapshot, Term } from './types.ts'

/** Entries and snapshot on their way to storage. */
export class Unstable {
  snapshot: Snapshot | undefined = undefined
  /** Entry i has index `offset + i`. */
  entries: Entry[] = []
  offset: Index
  snapshotInProgress = false
  /** The first index that was not yet handed out for writing. Invariant: `offset <= offsetInProgress`. */
  offsetInProgress: Index
  private readonly logger: Logger | undefined

  constructor(offset: Index, logger: Logger | undefined) {
    this.offset = offset
    this.offsetInProgress = offset
    this.logger = logger
  }

  /** The first index after the pending snapshot, or undefined without one. */
  firstIndex(): Index | undefined {
    return this.snapshot === undefined ? undefined : this.snapshot.meta.index + 1
  }

  /** The last index known here, or undefined when storage has to be asked. */
  lastIndex(): Index | undefined {
    if (this.entries.length !== 0) return this.offset + this.entries.length - 1
    return this.snapshot?.meta.index
  }

  /** The term of an index known here, or undefined. */
  term(index: Index): Term | undefined {
    if (index < this.offset) {
      return this.snapshot !== undefined && this.snapshot.meta.index === index ? this.snapshot.meta.term : undefined
    }
    return this.entries[index - this.offset]?.term
  }

  /** What has not been handed out for writing. */
  nextEntries(): Entry[] {
    const inProgress = this.offsetInProgress - this.offset
    return inProgress === 0 ? this.entries.slice() : this.entries.slice(inProgress)
  }

  hasNextEntries(): boolean {
    return this.entries.length > this.offsetInProgress - this.offset
  }

  /** The snapshot if it has not been handed out for writing. */
  nextSnapshot(): Snapshot | undefined {
    return this.snapshotInProgress ? undefined : this.snapshot
  }

  /** Marks everything as handed out. */
  acceptInProgress(): void {
    if (this.entries.length > 0) this.offsetInProgress = this.offset + this.entries.length
    if (this.snapshot !== undefined) this.snapshotInProgress = true
  }

  /**
   * Entries up to (index, term) are durable, and no write in flight can replace them. Ignored when the entry at `index`
   * is another one by now.
   */
  stableTo(index: Index, term: Term): void {
    const known = this.term(index)
    if (known === undefined) {
      this.logger?.('debug', `entry at index ${index} missing from unstable log; ignoring`)
      return
    }
    if (index < this.offset) {
      this.logger?.('info', `entry at index ${index} matched unstable snapshot; ignoring`)
      return
    }
    if (known !== term) {
      const ours = `(${index},${known})`
      this.logger?.(
        'info',
        `entry at (index,term)=(${index},${term}) mismatched with entry at ${ours} in unstable log; ignoring`,
      )
      return
    }
    const done = index + 1 - this.offset
    this.entries = done === this.entries.length ? [] : this.entries.slice(done)
    this.offset = index + 1
    this.offsetInProgress = Math.max(this.offsetInProgress, this.offset)
  }

  /** The snapshot at `index` is durable. */
  stableSnapshotTo(index: Index): void {
    if (this.snapshot === undefined || this.snapshot.meta.index !== index) return
    this.snapshot = undefined
    this.snapshotInProgress = false
  }

  /** Replaces everything by a snapshot. */
  restore(snapshot: Snapshot): void {
    this.offset = snapshot.meta.index + 1
    this.offsetInProgress = this.offset
    this.entries = []
    this.snapshot = snapshot
    this.snapshotInProgress = false
  }

  /** Appends entries, dropping whatever conflicts from the first one's index on. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const from = (entries[0] as Entry).index
    if (from === this.offset + this.entries.length) {
      for (let i = 0; i < entries.length; i++) this.entries.push(entries[i] as Entry)
      return
    }
    if (from <= this.offset) {
      this.logger?.('info', `replace the unstable entries from index ${from}`)
      this.entries = entries.slice()
      this.offset = from
      this.offsetInProgress = from
      return
    }
    this.logger?.('info', `truncate the unstable entries before index ${from}`)
    assert(from < this.offset + this.entries.length, () => `a gap in the log before ${from}`)
    this.entries = this.entries.slice(0, from - this.offset).concat(entries)
    this.offsetInProgress = Math.min(this.offsetInProgress, from)
  }

  /** Entries in [lo, hi), all of which are here. */
  slice(lo: Index, hi: Index): Entry[] {
    assert(this.offset <= lo && lo <= hi && hi <= this.offset + this.entries.length, () => {
      return `unstable slice [${lo}, ${hi}) out of [${this.offset}, ${this.offset + this.entries.length})`
    })
    return this.entries.slice(lo - this.offset, hi - this.offset)
  }
}
