/** Records as the caller gets them: bytes, decoded only when asked. */
import { text } from '../../base/index.ts'
import { decodeGetResult } from '../../execution/codec.ts'
import type { KeyVersion, KvEntry, RangeResult as CodedRangeResult } from '../../execution/codec.ts'
import type { Entry, EntryVersion, RangeResult } from '../api/index.ts'

/** An {@link Entry} over a decoded record. */
export class StoredEntry implements Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
  readonly lease: number

  constructor(record: KvEntry) {
    this.key = record.key
    this.value = record.value
    this.createRevision = record.createRevision
    this.modRevision = record.modRevision
    this.version = record.version
    this.lease = record.lease
  }

  keyText(): string {
    return text(this.key)
  }

  text(): string {
    return text(this.value)
  }

  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T
  }
}

/** An {@link EntryVersion} over a decoded version. */
export class StoredVersion extends StoredEntry implements EntryVersion {
  readonly deleted: boolean

  constructor(version: KeyVersion) {
    super(version)
    this.deleted = version.deleted
  }
}

/** The record of a get's answer. */
export function entryOfGet(payload: Uint8Array): Entry | undefined {
  return entryOf(decodeGetResult(owned(payload)).record)
}

/** An entry of a record, if there is one. */
export function entryOf(record: KvEntry | undefined): Entry | undefined {
  return record === undefined ? undefined : new StoredEntry(record)
}

/** Entries of records. */
export function entriesOf(records: readonly KvEntry[]): readonly Entry[] {
  return records.map((record) => new StoredEntry(record))
}

/** A page of a range. */
export function pageOf({ revision, count, more, records }: CodedRangeResult): RangeResult {
  return { revision, count, more, entries: entriesOf(records) }
}

/**
 * An answer may be a small view into the frame of many answers; an entry that is kept must not keep all of that. It may
 * also be a Buffer, which callers did not ask for.
 */
export function owned(payload: Uint8Array): Uint8Array {
  const own = payload.constructor === Uint8Array && payload.length * 2 >= payload.buffer.byteLength
  return own ? payload : new Uint8Array(payload)
}
