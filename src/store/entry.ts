/** One record as the caller gets it: bytes, decoded only when asked. */
import { text } from '../../base/index.ts'
import type { KvEntry } from '../../execution/codec.ts'
import type { Entry } from '../api/index.ts'

/** An {@link Entry} over a decoded record. */
export class StoredEntry implements Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number

  constructor(record: KvEntry) {
    this.key = record.key
    this.value = record.value
    this.createRevision = record.createRevision
    this.modRevision = record.modRevision
    this.version = record.version
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
