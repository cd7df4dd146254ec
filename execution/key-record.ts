/** What is known of one change of one key without reading its value. Made by the change, and never changed by a later one. */
import type { KeyEntry } from './key-index.ts'

/** What a record says. Emitted ones are events only, never the state of a key. */
export const recordKinds = { put: 0, tombstone: 1, emit: 2 } as const

/** One of {@link recordKinds}. */
export type RecordKind = (typeof recordKinds)[keyof typeof recordKinds]

/**
 * One record. It is an event, a version of its key, and where the bytes are: one object for all three. What a later change of
 * the key looks at comes first, because by then the object has left the processor's caches.
 */
export class KeyRecord {
  readonly entry: KeyEntry
  /** The record this one replaced; undefined when there was none or it is not kept. */
  older: KeyRecord | undefined = undefined
  create = 0
  version = 0
  /** The revision that has replaced it; 0 for none. */
  until = 0
  lease = 0
  /** The durable block that holds it, or 0 while it is only in memory. */
  block = 0
  /** The lanes of its hash, as signed integers. */
  h0 = 0
  h1 = 0
  h2 = 0
  h3 = 0
  mod = 0
  kind: RecordKind = recordKinds.put
  /** No longer part of the state or its history. */
  isDropped = false
  /** The length of the whole record. */
  length = 0
  /** Counts the changes of its revision, from 0. */
  position = 0
  /** The memory that holds it while it is in no durable block. */
  bytes: Uint8Array | undefined = undefined
  /** Where it starts, in `bytes` if that is there, else in the block. */
  offset = 0

  constructor(entry: KeyEntry) {
    this.entry = entry
  }

  /** Whether it is the state of its key, not history. */
  get isCurrent(): boolean {
    return this.kind === recordKinds.put && this.entry.record === this
  }
}

/** The version of a chain at a revision: the newest record that is not above it. */
export function recordAt(newest: KeyRecord, revision: number): KeyRecord | undefined {
  let record: KeyRecord | undefined = newest
  while (record !== undefined && record.mod > revision) record = record.older
  return record
}
