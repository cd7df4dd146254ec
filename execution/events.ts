/**
 * Events as watchers see them: every change of a key, and everything a program emitted, in the order of the log.
 *
 * A view is one object that is reused for each event of a visit, so nothing may keep it; the bytes it gives are views too.
 */

import { NitroError } from '../base/index.ts'
import { recordKinds } from './records.ts'
import type { RecordId, Records } from './records.ts'
import type { State } from './state.ts'

/** What an event is. `emit` is a message of a program: it is in the history, but never the state of a key. */
export type EventKind = 'put' | 'delete' | 'emit'

/** A key's record before a change. The value is a view. */
export interface PreviousRecord {
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
  readonly lease: number
  readonly value: Uint8Array
}

/** One event, during a visit only. */
export interface EventView {
  readonly revision: number
  /** Counts the events of a revision, from 0. */
  readonly position: number
  readonly kind: EventKind
  /** The key as latin1, one char per byte. */
  readonly key: string
  /** 0 for a delete or an emit. */
  readonly createRevision: number
  /** Changes since the key's creation, which is 1; 0 for a delete or an emit. */
  readonly version: number
  readonly lease: number
  /** Whether the next event, if there is one, has a higher revision. */
  readonly lastOfRevision: boolean
  /** The value, a view; empty for a delete. Throws `StateDamaged`. */
  value(): Uint8Array
  /**
   * The record this change replaced; undefined when the key was not there, for an emit, and for every event at the compact
   * revision itself: what it replaced is compacted. Throws `StateDamaged`.
   */
  previous(): PreviousRecord | undefined
}

/** Called for each event; false ends the visit. */
export type EventVisitor = (event: EventView) => boolean

/** Visits the events of a state from a revision on. Throws `Compacted` and `StateDamaged`. */
export function visitEvents(state: State, fromRevision: number, visit: EventVisitor): void {
  const { history } = state
  if (fromRevision < history.compactRevision) throw compacted(history.compactRevision)
  const view = new HistoryView(state)
  for (let place = history.events.placeOf(fromRevision); place < history.events.length; place++) {
    view.place = place
    view.record = history.events.at(place)
    if (!visit(view)) return
  }
}

const kindNames: readonly EventKind[] = ['put', 'delete', 'emit']

class HistoryView implements EventView {
  record: RecordId = 0
  place = 0
  private readonly state: State
  private readonly records: Records

  constructor(state: State) {
    this.state = state
    this.records = state.records
  }

  get revision(): number {
    return this.records.mod(this.record)
  }

  get position(): number {
    return this.records.position(this.record)
  }

  get kind(): EventKind {
    return kindNames[this.records.kind(this.record)] as EventKind
  }

  get key(): string {
    return this.records.entry(this.record).key
  }

  get createRevision(): number {
    return this.records.create(this.record)
  }

  get version(): number {
    return this.records.version(this.record)
  }

  get lease(): number {
    return this.records.lease(this.record)
  }

  get lastOfRevision(): boolean {
    const { events } = this.state.history
    return this.place + 1 === events.length || this.records.mod(events.at(this.place + 1)) !== this.revision
  }

  value(): Uint8Array {
    return this.state.valueOf(this.record)
  }

  previous(): PreviousRecord | undefined {
    const { records, state } = this
    const older = records.older(this.record)
    if (older === 0 || records.kind(older) !== recordKinds.put || this.revision === state.history.compactRevision) {
      return undefined
    }
    return {
      createRevision: records.create(older),
      modRevision: records.mod(older),
      version: records.version(older),
      lease: records.lease(older),
      value: state.valueOf(older),
    }
  }
}

/** The error for a revision below the compact revision. */
export function compacted(compactRevision: number): NitroError {
  const details = { compactRevision }
  return new NitroError('Compacted', `history begins at revision ${compactRevision}`, { details })
}

/** The error for a revision that has not been reached. */
export function futureRevision(revision: number): NitroError {
  return new NitroError('FutureRevision', `the revision is ${revision}`, { details: { revision } })
}
