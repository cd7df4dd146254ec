/**
 * History: which records are kept beside the current ones, and for how long.
 *
 * The rule is etcd's. At compact revision c a record is kept if its revision is c or later, or if it is the newest of its
 * key up to c and no tombstone. So every state from c on can be read, and every event from c on can be visited. An emitted
 * record is no state of its key and is kept by the first half only.
 *
 *            c = 7
 *   key a    3  5  :  8        5 is what `a` was at 7: kept          3: dropped
 *   key b    4  6x :  9        6x says that `b` was not there at 7: a missing record says the same, so both are dropped
 *   key d    2  7x :           7x is an event at 7: kept             2: dropped, the key was gone at 7
 *
 * c moves at once and by the log alone; every answer follows c. What c no longer needs is freed in slices, some with each
 * entry, so that a great compaction stops nothing, and not before it was sealed: all that ever happened is written once. How
 * far a node has come with that, `freedRevision`, is its own affair.
 */
import { EventLog } from './event-log.ts'
import type { KeyEntry, KeyIndex } from './key-index.ts'
import { recordKinds } from './records.ts'
import type { RecordId, Records } from './records.ts'

/** Events freed by one slice, or twice as many as were added since the last one if that is more. */
const sliceEvents = 4096

/** Frees what a dropped record takes in its block. */
export type ReleaseHistory = (record: RecordId) => void

/** The events of a key space, and its superseded records. */
export class History {
  /** The oldest revision that can be read. Only ever raised. */
  compactRevision = 0
  /** The rule above holds for this compact revision so far; at most `compactRevision`. */
  freedRevision = 0
  /** Records kept that are not current. */
  count = 0
  readonly events: EventLog
  private readonly records: Records
  private readonly gone: KeyIndex
  private readonly release: ReleaseHistory
  private added = 0
  /** Events ever sealed; those that come after them in the log are not written yet. */
  private sealed = 0

  /** `gone` holds the deleted keys. */
  constructor(records: Records, gone: KeyIndex, release: ReleaseHistory) {
    this.records = records
    this.events = new EventLog(records)
    this.gone = gone
    this.release = release
  }

  /** A new record; ones of the same revision come in the order of their positions. */
  add(record: RecordId): void {
    this.events.push(record)
    this.added++
  }

  /** Visits the records that were not sealed yet, in the order of their changes; from now on they are. */
  seal(visit: (record: RecordId) => void): void {
    const { events } = this
    for (let place = this.sealed - events.dropped; place < events.length; place++) visit(events.at(place))
    this.loaded()
  }

  /** All events are from disk. */
  loaded(): void {
    this.sealed = this.events.dropped + this.events.length
  }

  /** Raises the compact revision to this one, if that is more, and frees a slice of what it no longer needs. */
  compact(revision: number): void {
    if (revision > this.compactRevision) this.compactRevision = revision
    const budget = Math.max(sliceEvents, 2 * this.added)
    this.added = 0
    if (this.freedRevision === this.compactRevision) return
    const upTo = this.reachable(budget)
    if (upTo === this.freedRevision) return
    const { events } = this
    const below = events.placeOf(upTo)
    const end = events.placeOf(upTo + 1)
    for (let at = 0; at < end; at++) {
      const event = events.at(at)
      this.dropOlder(event)
      if (at < below) this.dropEvent(event)
    }
    events.drop(below)
    this.freedRevision = upTo
  }

  /** The greatest compact revision that costs no more than this many events, but at least one revision more. */
  private reachable(budget: number): number {
    const { events, freedRevision } = this
    const written = this.sealed - events.dropped
    let most = this.compactRevision
    if (written < events.length) most = Math.min(most, this.records.mod(events.at(written)))
    if (budget >= events.length) return most
    return Math.min(most, Math.max(this.records.mod(events.at(budget)) - 1, freedRevision + 1))
  }

  /** What an event up to the compact revision replaced is state no longer. */
  private dropOlder(event: RecordId): void {
    const older = this.records.older(event)
    if (older === 0) return
    this.forget(older)
    this.records.dropOlder(event)
  }

  /** An event below the compact revision: a put may still be state, a delete or an emit is nothing any more. */
  private dropEvent(event: RecordId): void {
    const { records } = this
    const kind = records.kind(event)
    if (kind === recordKinds.put) {
      if (records.isCurrent(event)) records.settle(event)
      return
    }
    const entry = records.entry(event)
    this.forget(event)
    records.drop(event)
    if (kind === recordKinds.tombstone && entry.record === event) this.gone.remove(entry)
  }

  /** A record is no longer kept, if it still was. */
  private forget(record: RecordId): void {
    if (this.records.isDropped(record)) return
    this.count--
    this.release(record)
  }
}

/** Visits the retained records of a key, newest first, as the rule says for this compact revision. */
export function visitVersions(
  records: Records,
  entry: KeyEntry,
  compactRevision: number,
  visit: (record: RecordId) => boolean,
): void {
  let { record } = entry
  for (; record !== 0 && records.mod(record) > compactRevision; record = records.older(record)) {
    if (!visit(record)) return
  }
  if (record === 0) return
  if (records.kind(record) === recordKinds.put || records.mod(record) === compactRevision) visit(record)
}
