/**
 * Where the sync program keeps what it knows: in keys of the versioned key space that begin with a zero byte, which nobody
 * else may change. So history, watches, snapshots, the hash and leases are what they are for every other key.
 *
 *   entry  00 's' u8 kind, u16 length, namespace, u16 length, name, u64 sequence   one acquisition (entry.ts), attached to its lease
 *   cell   00 'c' u8 kind, u16 length, namespace, u16 length, name                 a small value that outlives every lease
 *   mark   00 'x' u64 lease, 16 bytes acquire id                                   a cancel that came before its acquire
 *
 * Integers are big-endian: the entries of one resource lie together in the order in which they were enqueued.
 */
import { ByteReader, NitroError, fromLatin1, isNitroError, latin1, prefixEnd } from '../../base/index.ts'
import type { KeyRange } from '../kv-codec.ts'

/** Bytes of an acquire id. */
export const acquireIdBytes = 16

/** The first key behind all reserved ones. Keys of users are not below it. */
export const firstUserKey = '\x01'

const entryTag = '\0s'
const cellTag = '\0c'
const markTag = '\0x'

/** Something that can be held. Kinds keep apart what has the same name; namespaces keep applications apart. */
export interface SyncResource {
  /** 1 to 255; one of {@link syncKinds}, unless it is a newer version's. */
  readonly kind: number
  readonly namespace: Uint8Array
  readonly name: Uint8Array
}

/** What the key of an entry says. */
export interface SyncKey extends SyncResource {
  /** The revision at which it was enqueued; its place in the order of arrival. */
  readonly sequence: number
}

/** What resources are used as. The machine treats all alike. Numbers are part of the format and never reused. */
export const syncKinds = {
  lock: 1,
  rwlock: 2,
  semaphore: 3,
  leader: 4,
  barrier: 5,
  doubleBarrier: 6,
  latch: 7,
  once: 8,
  assign: 9,
} as const

/** The key of an entry. */
export function syncKey(resource: SyncResource, sequence: number): Uint8Array {
  return fromLatin1(entryName(resourceName(resource), sequence))
}

/** The keys of all entries of a resource, for a watch. */
export function syncRange(resource: SyncResource): KeyRange {
  const start = entryTag + resourceName(resource)
  return { start: fromLatin1(start), end: fromLatin1(prefixEnd(start) ?? start) }
}

/** The key of a resource's cell, for a watch. */
export function syncCellKey(resource: SyncResource): Uint8Array {
  return fromLatin1(cellName(resourceName(resource)))
}

/** What the key of an entry says; undefined for any other key. */
export function decodeSyncKey(key: Uint8Array): SyncKey | undefined {
  if (!isEntryKey(key, 0)) return undefined
  try {
    const view = new DataView(key.buffer, key.byteOffset, key.length)
    const reader = new ByteReader(key, 2)
    const kind = reader.u8()
    const namespace = reader.raw(bigEndian16(reader))
    const name = reader.raw(bigEndian16(reader))
    const sequence = Number(view.getBigUint64(reader.at))
    reader.raw(8)
    reader.finish()
    return { kind, namespace, name, sequence }
  } catch (thrown) {
    if (isNitroError(thrown, 'MalformedFrame') || thrown instanceof RangeError) return undefined
    throw thrown
  }
}

/** A resource as one string, the same for no other. */
export function resourceName({ kind, namespace, name }: SyncResource): string {
  const parts = [namespace, name].map((part) => unsigned(part.length, 2) + latin1(part))
  return String.fromCharCode(kind) + parts.join('')
}

/** The resource of such a string; it is one. */
export function resourceOf(resource: string): SyncResource {
  const nameAt = 3 + length16(resource, 1)
  const namespace = fromLatin1(resource.slice(3, nameAt))
  return { kind: resource.charCodeAt(0), namespace, name: fromLatin1(resource.slice(nameAt + 2)) }
}

/** The key of an entry, of a resource as a string. */
export function entryName(resource: string, sequence: number): string {
  return entryTag + resource + unsigned(sequence, 8)
}

/** The key of a cell, of a resource as a string. */
export function cellName(resource: string): string {
  return cellTag + resource
}

/** The key of a mark. */
export function markName(lease: number, acquireId: string): string {
  return markTag + unsigned(lease, 8) + acquireId
}

/** Where entries begin and end. */
export const entryBounds = [entryTag, '\0t'] as const

/** Where cells begin and end. */
export const cellBounds = [cellTag, '\0d'] as const

/** Whether the key at this place of a block is an entry's. */
export function isEntryKey(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0 && bytes[at + 1] === 0x73
}

/** Whether only the machine may change a key. */
export function isReserved(key: string): boolean {
  return key.charCodeAt(0) === 0
}

/** The error of a change of a key that only the machine may change. */
export function reservedKey(): NitroError {
  return new NitroError('InvalidArgument', 'keys that begin with a zero byte are reserved', {
    details: { reason: 'reserved' },
  })
}

function unsigned(value: number, bytes: number): string {
  let text = ''
  for (let rest = value, i = 0; i < bytes; i++, rest = Math.floor(rest / 0x100)) {
    text = String.fromCharCode(rest % 0x100) + text
  }
  return text
}

function length16(text: string, at: number): number {
  return text.charCodeAt(at) * 0x100 + text.charCodeAt(at + 1)
}

function bigEndian16(reader: ByteReader): number {
  return reader.u8() * 0x100 + reader.u8()
}
