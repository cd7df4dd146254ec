/**
 * Events as they travel to watchers, coded by hand: one revision after the other, each event once.
 *
 *   events   { u8 bits, [uint revision], latin1 key, [record], [uint mod, previous record] }*
 *   bits     0-1 kind: 0 put, 1 delete, 2 emit; 2 the first event of another revision; 3 has a previous record
 *   record   uint create, uint version, uint lease, blob value      of puts and emits; a previous record is one behind its mod
 */
import { ByteReader, NitroError } from '../base/index.ts'
import type { ByteWriter } from '../base/index.ts'
import type { EventKind, EventView } from './events.ts'
import type { KvEntry } from './kv-codec.ts'

/** One decoded event. Bytes are views into the payload. */
export interface DecodedEvent {
  readonly kind: EventKind
  readonly key: Uint8Array
  /** What was written or emitted; undefined for a delete. */
  readonly entry: KvEntry | undefined
  readonly previous: KvEntry | undefined
}

/** The events of one revision. */
export interface DecodedRevision {
  readonly revision: number
  readonly events: DecodedEvent[]
}

const kinds: readonly EventKind[] = ['put', 'delete', 'emit']
const newRevisionBit = 4
const previousBit = 8

/** Appends one event; `first` when the last one written was of another revision, or none was. Throws `StateDamaged`. */
export function writeEvent(writer: ByteWriter, event: EventView, first: boolean, withPrevious: boolean): void {
  const previous = withPrevious ? event.previous() : undefined
  const kind = kinds.indexOf(event.kind)
  writer.u8(kind | (first ? newRevisionBit : 0) | (previous === undefined ? 0 : previousBit))
  if (first) writer.uint(event.revision)
  writer.latin1(event.key)
  if (kind !== 1) {
    writeCounts(writer, event)
    writer.blob(event.value())
  }
  if (previous === undefined) return
  writer.uint(previous.modRevision)
  writeCounts(writer, previous)
  writer.blob(previous.value)
}

function writeCounts(writer: ByteWriter, record: Counts): void {
  writer.uint(record.createRevision)
  writer.uint(record.version)
  writer.uint(record.lease)
}

interface Counts {
  readonly createRevision: number
  readonly version: number
  readonly lease: number
}

/**
 * Reads events. Those of a revision stand together, in order. Throws `MalformedFrame`, also for revisions that do not rise.
 */
export function decodeEvents(bytes: Uint8Array): DecodedRevision[] {
  const reader = new ByteReader(bytes)
  const out: DecodedRevision[] = []
  let current: DecodedRevision | undefined
  while (reader.remaining > 0) {
    const bits = reader.u8()
    const kind = kinds[bits & 3]
    if (kind === undefined || bits > (newRevisionBit | previousBit | 3)) throw malformed(`event bits ${bits}`)
    if ((bits & newRevisionBit) !== 0) {
      const revision = reader.uint()
      if (current !== undefined && revision <= current.revision) throw malformed('revisions do not rise')
      current = { revision, events: [] }
      out.push(current)
    }
    if (current === undefined) throw malformed('the first event has no revision')
    const key = reader.blob()
    const entry = kind === 'delete' ? undefined : readRecord(reader, key, current.revision)
    const previous = (bits & previousBit) === 0 ? undefined : readRecord(reader, key, reader.uint())
    current.events.push({ kind, key, entry, previous })
  }
  return out
}

function readRecord(reader: ByteReader, key: Uint8Array, modRevision: number): KvEntry {
  const createRevision = reader.uint()
  const version = reader.uint()
  const lease = reader.uint()
  return { key, value: reader.blob(), createRevision, modRevision, version, lease }
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', `malformed events: ${what}`)
}
