/**
 * The value of an entry's key: one acquisition, waiting or granted. This is what watchers of a resource see.
 *
 *   u8 format 1   u8 mode   16 bytes acquire id   u64 token   u64 sinceMs   u64 deadline   u64 maxHoldMs   u32 capacity
 *   u16 length, label   value
 *
 * Everything that a grant changes stands at a fixed place, so a grant is a copy with three numbers replaced.
 */
import { ByteReader, ByteWriter, NitroError } from '../../base/index.ts'
import { acquireIdBytes } from './key.ts'

/** How a resource is wanted: alone, or together with others that share it. */
export type SyncMode = 'exclusive' | 'shared'

/** What an entry says. The bytes are views into the value. */
export interface SyncEntry {
  /** Chosen by the client, 16 random bytes: the same acquisition however often it is asked for. */
  readonly acquireId: Uint8Array
  readonly mode: SyncMode
  /** How many may share the resource; 0 for any number. The same for all entries of a resource. */
  readonly capacity: number
  /** The revision of the grant, which no other grant has; 0 while waiting. */
  readonly token: number
  /** Wall time of the grant, or of the enqueuing while waiting, in ms since 1970. */
  readonly sinceMs: number
  /** The longest time it may be held, in ms of log time; 0 for any. */
  readonly maxHoldMs: number
  /** The log time at which it will have been held that long; 0 for never, and while waiting. */
  readonly deadline: number
  /** For people: who holds or waits. */
  readonly label: Uint8Array
  /** What a leader proclaims. */
  readonly value: Uint8Array
}

const entryFormat = 1
const tokenAt = 2 + acquireIdBytes
const fixedBytes = tokenAt + 4 * 8 + 4
const modes: readonly SyncMode[] = ['exclusive', 'shared']

/** The value of an entry's key. */
export function encodeSyncEntry(entry: SyncEntry): Uint8Array {
  const writer = new ByteWriter(fixedBytes + 2 + entry.label.length + entry.value.length)
  writer.u8(entryFormat)
  writer.u8(modes.indexOf(entry.mode))
  writer.raw(entry.acquireId)
  writer.u64(entry.token)
  writer.u64(entry.sinceMs)
  writer.u64(entry.deadline)
  writer.u64(entry.maxHoldMs)
  writer.u32(entry.capacity)
  writer.u16(entry.label.length)
  writer.raw(entry.label)
  writer.raw(entry.value)
  return writer.take()
}

/** What an entry's value says. Throws `MalformedFrame`, or `UnsupportedFormat` for one of another version. */
export function decodeSyncEntry(bytes: Uint8Array): SyncEntry {
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  if (format !== entryFormat) throw new NitroError('UnsupportedFormat', `sync entry of format ${format}`)
  const mode = readMode(reader)
  const acquireId = reader.raw(acquireIdBytes)
  const token = reader.u64()
  const sinceMs = reader.u64()
  const deadline = reader.u64()
  const maxHoldMs = reader.u64()
  const capacity = reader.u32()
  const label = reader.raw(reader.u16())
  return { acquireId, mode, capacity, token, sinceMs, maxHoldMs, deadline, label, value: reader.raw(reader.remaining) }
}

/** Appends a mode. */
export function writeMode(writer: ByteWriter, mode: SyncMode): void {
  writer.u8(modes.indexOf(mode))
}

/** Reads a mode. Throws `MalformedFrame`. */
export function readMode(reader: ByteReader): SyncMode {
  const mode = modes[reader.u8()]
  if (mode === undefined) throw new NitroError('MalformedFrame', 'a mode that is none')
  return mode
}
