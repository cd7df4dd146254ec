/**
 * Events as watchers see them: every change of a key, and everything a program emitted, in the order of the log.
 *
 * A view is one object that is reused for each event of a visit, so nothing may keep it; the bytes it gives are views too.
 */

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
