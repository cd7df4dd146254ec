/**
 * What a watch owes its reader, as etcd's robustness tests name it, checked against the whole history:
 *
 *   Filter        only events that were asked for
 *   Ordered       revisions rise, and events of one stand in the order of the log
 *   Unique        no event twice
 *   Atomic        all events of a revision in one batch
 *   Resumable     from the revision that was asked for, nothing earlier
 *   Reliable      nothing is left out up to where the watch has come
 *   Bookmarkable  what a progress mark covers has come before it, and nothing of it comes after
 *   IsCreate      version 1 and an equal create revision for a key that was not there, and only then
 *   PrevKV        the record before is the one that was there
 */
import type { Violations } from './violations.ts'

/** A change as its writer made it. */
export interface Change {
  readonly type: 'put' | 'delete' | 'emit'
  readonly key: string
  /** Of puts and emits. */
  readonly value?: string
}

/** A record as a reader sees it. */
export interface SeenRecord {
  readonly value: string
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
}

/** An event as a watch gave it. */
export interface SeenEvent {
  readonly type: 'put' | 'delete' | 'emit'
  readonly key: string
  readonly entry: SeenRecord | undefined
  readonly previous: SeenRecord | undefined
}

/** A batch as a watch gave it; without events a progress mark. */
export interface SeenBatch {
  readonly revision: number
  readonly events: readonly SeenEvent[]
}

/** One watch: what it asked for and what it got. */
export interface WatchRecord {
  /** For messages. */
  readonly name: string
  readonly matches: (key: string) => boolean
  /** Only events of this type; all without. */
  readonly filter: SeenEvent['type'] | undefined
  readonly prev: boolean
  /** The first revision it sees. */
  readonly from: number
  readonly batches: readonly SeenBatch[]
  /** Every event up to this revision must have come. */
  readonly until: number
}

interface TrueEvent extends SeenEvent {
  readonly revision: number
}

/** Everything that was written, by revision. */
export class WatchHistory {
  /** The last revision. */
  revision = 0
  private readonly revisions = new Map<number, readonly TrueEvent[]>()
  private readonly records = new Map<string, SeenRecord>()

  /** Adds the changes of the next revision, in the order of the log. Revisions may be left out. */
  add(revision: number, changes: readonly Change[]): void {
    this.revision = revision
    this.revisions.set(
      revision,
      changes.map((change) => this.change(revision, change)),
    )
  }

  private change(revision: number, { type, key, value = '' }: Change): TrueEvent {
    if (type === 'emit') {
      const entry = { value, createRevision: 0, modRevision: revision, version: 0 }
      return { revision, type, key, entry, previous: undefined }
    }
    const previous = this.records.get(key)
    if (type === 'delete') {
      this.records.delete(key)
      return { revision, type, key, entry: undefined, previous }
    }
    const createRevision = previous?.createRevision ?? revision
    const entry = { value, createRevision, modRevision: revision, version: (previous?.version ?? 0) + 1 }
    this.records.set(key, entry)
    return { revision, type, key, entry, previous }
  }

  /** The events of a revision that a watch asked for. */
  of(revision: number, { matches, filter }: WatchRecord): readonly TrueEvent[] {
    const events = this.revisions.get(revision) ?? []
    return events.filter((event) => matches(event.key) && (filter === undefined || event.type === filter))
  }

  /** Whether the key was there before a revision that changed it. */
  hadBefore(revision: number, key: string): boolean {
    return this.revisions.get(revision)?.some((event) => event.key === key && event.previous !== undefined) === true
  }
}

/**
 * Checks one watch. `compactedAt` tells of compactions: previous records of events at such a revision may be missing.
 */
export function checkWatch(
  record: WatchRecord,
  history: WatchHistory,
  violations: Violations,
  compactedAt: ReadonlySet<number> = new Set(),
): void {
  const wrong = (rule: string, what: string): void =>
    violations.add('watch guarantees', `${rule}: watch ${record.name} ${what}`)
  /** Everything up to here was due and has been accounted for. */
  let through = record.from - 1
  let marked = 0
  const passOver = (upTo: number): void => {
    for (let revision = through + 1; revision <= upTo; revision++) {
      const missing = history.of(revision, record)
      if (missing.length > 0) wrong('Reliable', `misses revision ${revision}: ${describe(missing)}`)
    }
    through = Math.max(through, upTo)
  }
  for (const { revision, events } of record.batches) {
    if (events.length === 0) {
      if (revision < marked) wrong('Bookmarkable', `is told of progress to ${revision} after ${marked}`)
      marked = Math.max(marked, revision)
      passOver(revision)
      continue
    }
    if (revision < record.from) wrong('Resumable', `began at ${record.from} and got revision ${revision}`)
    else if (revision <= marked) wrong('Bookmarkable', `got revision ${revision} after progress to ${marked}`)
    else if (revision <= through) wrong('Unique', `got revision ${revision} after ${through}: again, or out of order`)
    passOver(revision - 1)
    through = Math.max(through, revision)
    checkBatch(revision, events, record, history, compactedAt, wrong)
  }
  passOver(record.until)
}

function checkBatch(
  revision: number,
  events: readonly SeenEvent[],
  record: WatchRecord,
  history: WatchHistory,
  compactedAt: ReadonlySet<number>,
  wrong: (rule: string, what: string) => void,
): void {
  const due = history.of(revision, record)
  for (const event of events) {
    const { type, key } = event
    if (!record.matches(key) || (record.filter !== undefined && type !== record.filter)) {
      wrong('Filter', `got ${type} ${key}, which it did not ask for`)
    }
    checkCreate(revision, event, history, wrong)
  }
  const names = events.map(nameOf)
  // A program may tell the same twice.
  const surplus = (of: readonly SeenEvent[], over: readonly SeenEvent[]): boolean =>
    of.some((event) => countOf(of, event) > countOf(over, event))
  if (surplus(events, due)) wrong('Unique', `got an event of ${revision} twice: ${describe(events)}`)
  if (surplus(due, events)) {
    wrong('Atomic', `got a part of revision ${revision}: ${describe(events)} of ${describe(due)}`)
    return
  }
  if (names.join('\n') !== due.map(nameOf).join('\n')) {
    wrong('Ordered', `got revision ${revision} as ${describe(events)}, not ${describe(due)}`)
    return
  }
  due.forEach((expected, i) => {
    const { entry, previous } = events[i] as SeenEvent
    if (!same(entry, expected.entry)) wrong('Reliable', `got another record of ${expected.key} at ${revision}`)
    const gone = previous === undefined && compactedAt.has(revision)
    if (!gone && !same(previous, record.prev ? expected.previous : undefined)) {
      wrong(
        'PrevKV',
        `got ${show(previous)} as previous of ${expected.key} at ${revision}, not ${show(expected.previous)}`,
      )
    }
  })
}

function checkCreate(
  revision: number,
  { type, key, entry }: SeenEvent,
  history: WatchHistory,
  wrong: (rule: string, what: string) => void,
): void {
  if (type !== 'put' || entry === undefined) return
  const isCreate = entry.version === 1
  if (isCreate === history.hadBefore(revision, key) || isCreate !== (entry.createRevision === revision)) {
    wrong('IsCreate', `got ${key} at ${revision} with version ${entry.version}, created at ${entry.createRevision}`)
  }
}

const nameOf = ({ type, key }: SeenEvent): string => `${type} ${key}`

const countOf = (events: readonly SeenEvent[], wanted: SeenEvent): number =>
  events.filter((event) => nameOf(event) === nameOf(wanted)).length

const describe = (events: readonly SeenEvent[]): string => events.map(nameOf).join(', ')

function same(a: SeenRecord | undefined, b: SeenRecord | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  const { value, createRevision, modRevision, version } = b
  return (
    a.value === value && a.createRevision === createRevision && a.modRevision === modRevision && a.version === version
  )
}

const show = (record: SeenRecord | undefined): string =>
  record === undefined ? 'nothing' : `${record.value}@${record.modRevision}`
