/** Events as callers get them. */
import { text } from '../../base/index.ts'
import type { DecodedEvent, KvEntry } from '../../execution/codec.ts'
import type { Entry, WatchEvent, WatchEventType } from '../api/index.ts'
import { StoredEntry } from './entry.ts'

/** A {@link WatchEvent} over a decoded one; its entries are made when they are first asked for. */
export class StoredEvent implements WatchEvent {
  readonly type: WatchEventType
  readonly key: Uint8Array
  private readonly decoded: DecodedEvent
  private madeEntry: Entry | undefined
  private madePrevious: Entry | undefined

  constructor(decoded: DecodedEvent) {
    this.type = decoded.kind
    this.key = decoded.key
    this.decoded = decoded
  }

  get entry(): Entry | undefined {
    return (this.madeEntry ??= ownEntry(this.decoded.entry))
  }

  get previous(): Entry | undefined {
    return (this.madePrevious ??= ownEntry(this.decoded.previous))
  }

  keyText(): string {
    return text(this.key)
  }
}

/** Who keeps an entry must not keep many events that came with it; few are cheaper kept than copied. */
function ownEntry(record: KvEntry | undefined): Entry | undefined {
  if (record === undefined) return undefined
  if (record.key.buffer.byteLength <= sharedBytesMax) return new StoredEntry(record)
  return new StoredEntry({ ...record, key: record.key.slice(), value: record.value.slice() })
}

const sharedBytesMax = 4096
