/**
 * Arguments and results of the queries of the sync program.
 *
 *   inspect   u8 kind, blob namespace, blob name, uint limit (0: as many as there may be)
 *               -> uint revision, u32 capacity, uint holding, uint waiting, uint n, n x entry (holders), uint m, m x entry (waiters)
 *   list      u8 kind (0: all), u8 one namespace, blob namespace, blob prefix, uint limit, u8 after, [resource]
 *               -> uint revision, u8 more, uint n, n x (resource, u32 capacity, uint holding, uint waiting, u8 held, [entry])
 *   cell      u8 kind, blob namespace, blob name      -> uint revision, cell
 *
 *   entry     uint sequence, uint lease, uint remainingMs, blob value of the entry's key
 *   cell      u8 there, [uint revision, blob value]
 */
import { ByteReader, ByteWriter } from '../../base/index.ts'
import { decodeSyncEntry } from './entry.ts'
import type { SyncEntry } from './entry.ts'
import type { SyncResource } from './key.ts'

/** An entry as inspections show it. */
export interface SyncHolding extends SyncEntry {
  readonly sequence: number
  readonly lease: number
  /** What is left of `maxHoldMs`, in ms of log time as far as the answering node knows; 0 without one and while waiting. */
  readonly remainingMs: number
}

/** What there is to know of a resource. */
export interface SyncInspection {
  /** The revision of the state that was inspected; watch from the one after it. */
  readonly revision: number
  readonly capacity: number
  /** How many hold it, and how many wait. */
  readonly holding: number
  readonly waiting: number
  /** In the order of their tokens. Cut to the limit, as waiters are. */
  readonly holders: readonly SyncHolding[]
  /** In the order in which they will be granted. */
  readonly waiters: readonly SyncHolding[]
}

/** Which resources to list. */
export interface SyncListRequest {
  /** Undefined for all kinds. */
  readonly kind?: number | undefined
  /** Undefined for all namespaces. */
  readonly namespace?: Uint8Array | undefined
  /** Names that begin so. Default: all. */
  readonly prefix?: Uint8Array | undefined
  /** Resources at most; 0 for as many as one answer holds. */
  readonly limit?: number | undefined
  /** The last one of the page before. */
  readonly after?: SyncResource | undefined
}

/** One resource of a list. */
export interface SyncListItem extends SyncResource {
  readonly capacity: number
  readonly holding: number
  readonly waiting: number
  /** The holder of the lowest token, if anyone holds it. */
  readonly holder: SyncHolding | undefined
}

/** Resources that are held or waited for, in the order of (namespace, name, kind). */
export interface SyncList {
  readonly revision: number
  readonly more: boolean
  readonly resources: readonly SyncListItem[]
}

/** A value that is kept with a resource. */
export interface SyncCell {
  /** The revision that set it. */
  readonly revision: number
  readonly value: Uint8Array
}

/** Arguments of the query sync.inspect; a limit is one on holders and one on waiters. */
export function encodeInspectArgs({ kind, namespace, name }: SyncResource, limit = 0): Uint8Array {
  const writer = new ByteWriter(64)
  writer.u8(kind)
  writer.blob(namespace)
  writer.blob(name)
  writer.uint(limit)
  return writer.take()
}

/** The payload of an inspection. All bytes are views into it. */
export function decodeInspectResult(payload: Uint8Array): SyncInspection {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  const capacity = reader.u32()
  const holding = reader.uint()
  const waiting = reader.uint()
  const holders = readList(reader, readInspected)
  const waiters = readList(reader, readInspected)
  reader.finish()
  return { revision, capacity, holding, waiting, holders, waiters }
}

/** Arguments of the query sync.list. */
export function encodeSyncListArgs({ kind, namespace, prefix, limit, after }: SyncListRequest): Uint8Array {
  const writer = new ByteWriter(64)
  writer.u8(kind ?? 0)
  writer.u8(namespace === undefined ? 0 : 1)
  writer.blob(namespace ?? none)
  writer.blob(prefix ?? none)
  writer.uint(limit ?? 0)
  writer.u8(after === undefined ? 0 : 1)
  if (after !== undefined) {
    writer.u8(after.kind)
    writer.blob(after.namespace)
    writer.blob(after.name)
  }
  return writer.take()
}
const none = new Uint8Array()

/** What sync.list asks for. Throws `MalformedFrame`. */
export function decodeSyncListArgs(args: Uint8Array): SyncListRequest {
  const reader = new ByteReader(args)
  const kind = reader.u8()
  const isOneNamespace = reader.u8() !== 0
  const namespace = reader.blob()
  const request = {
    kind: kind === 0 ? undefined : kind,
    namespace: isOneNamespace ? namespace : undefined,
    prefix: reader.blob(),
    limit: reader.uint(),
    after: reader.u8() === 0 ? undefined : { kind: reader.u8(), namespace: reader.blob(), name: reader.blob() },
  }
  reader.finish()
  return request
}

/** The payload of a list. All bytes are views into it. */
export function decodeSyncListResult(payload: Uint8Array): SyncList {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  const more = reader.u8() !== 0
  const resources = readList(reader, readItem)
  reader.finish()
  return { revision, more, resources }
}

/** Arguments of the query sync.cell. */
export function encodeCellArgs({ kind, namespace, name }: SyncResource): Uint8Array {
  const writer = new ByteWriter(64)
  writer.u8(kind)
  writer.blob(namespace)
  writer.blob(name)
  return writer.take()
}

/** The payload of a cell's query. */
export function decodeCellResult(payload: Uint8Array): {
  readonly revision: number
  readonly cell: SyncCell | undefined
} {
  const reader = new ByteReader(payload)
  const answer = { revision: reader.uint(), cell: readCell(reader) }
  reader.finish()
  return answer
}

/** Reads an entry of an inspection. */
export function readInspected(reader: ByteReader): SyncHolding {
  const sequence = reader.uint()
  const lease = reader.uint()
  const remainingMs = reader.uint()
  return { ...decodeSyncEntry(reader.blob()), sequence, lease, remainingMs }
}

/** Reads a cell. */
export function readCell(reader: ByteReader): SyncCell | undefined {
  return reader.u8() === 0 ? undefined : { revision: reader.uint(), value: reader.blob() }
}

function readItem(reader: ByteReader): SyncListItem {
  return {
    kind: reader.u8(),
    namespace: reader.blob(),
    name: reader.blob(),
    capacity: reader.u32(),
    holding: reader.uint(),
    waiting: reader.uint(),
    holder: reader.u8() === 0 ? undefined : readInspected(reader),
  }
}

function readList<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  const items: T[] = []
  for (let left = reader.uint(); left > 0; left--) items.push(read(reader))
  return items
}
