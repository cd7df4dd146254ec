/** The queries of the built-in sync program. They change nothing: what is over and still stands in a queue is passed over. */
import { ByteReader, ByteWriter, compareBytes, latin1 } from '../../base/index.ts'
import { okStatus } from '../result.ts'
import type { State } from '../state.ts'
import { readResource, writeResource } from '../sync/codec.ts'
import { cellName, resourceName, resourceOf } from '../sync/key.ts'
import type { SyncResource } from '../sync/key.ts'
import { decodeSyncListArgs } from '../sync/query-codec.ts'
import type { SyncListRequest } from '../sync/query-codec.ts'
import type { Entry, Resource } from '../sync/resource.ts'
import type { Sync } from '../sync/sync.ts'
import type { TxnContext } from './txn.ts'

/** Answers sync.inspect as of a log time. Throws `StateDamaged`. */
export function inspect({ state, sync, limits }: TxnContext, args: Uint8Array, logTime: number): Uint8Array {
  const reader = new ByteReader(args)
  const resource = sync.resources.get(resourceName(readResource(reader)))
  const limit = Math.min(reader.uint() || limits.rangeRecords, limits.rangeRecords)
  reader.finish()
  const holders = live(sync, resource?.holders.values())
  const waiters = live(sync, resource?.waiters())
  const writer = begin(state)
  writer.u32(resource?.capacity ?? 0)
  writer.uint(holders.length)
  writer.uint(waiters.length)
  let budget = limits.rangeBytes
  for (const entries of [holders, waiters]) {
    let shown = 0
    for (; shown < Math.min(limit, entries.length) && budget > 0; shown++) {
      budget -= sync.valueOf(entries[shown] as Entry).length
    }
    writer.uint(shown)
    for (const entry of entries.slice(0, shown)) writeHolding(writer, sync, entry, logTime)
  }
  return writer.take()
}

/** Answers sync.list as of a log time. Throws `StateDamaged`. */
export function listSync({ state, sync, limits }: TxnContext, args: Uint8Array, logTime: number): Uint8Array {
  const request = decodeSyncListArgs(args)
  const found = matching(sync, request)
  const limit = Math.min(request.limit || limits.rangeRecords, limits.rangeRecords)
  const items = new ByteWriter(1024)
  let shown = 0
  for (; shown < Math.min(limit, found.length) && items.length < limits.rangeBytes; shown++) {
    const { at, resource } = found[shown] as Found
    const holders = live(sync, resource.holders.values())
    writeResource(items, at)
    items.u32(resource.capacity)
    items.uint(holders.length)
    items.uint(live(sync, resource.waiters()).length)
    items.u8(holders[0] === undefined ? 0 : 1)
    if (holders[0] !== undefined) writeHolding(items, sync, holders[0], logTime)
  }
  const writer = begin(state)
  writer.u8(shown < found.length ? 1 : 0)
  writer.uint(shown)
  writer.raw(items.view())
  return writer.take()
}

/** Answers sync.cell. Throws `StateDamaged`. */
export function cell({ state }: TxnContext, args: Uint8Array): Uint8Array {
  const reader = new ByteReader(args)
  const resource = readResource(reader)
  reader.finish()
  const writer = begin(state)
  writeCell(writer, state, cellName(resourceName(resource)))
  return writer.take()
}

/** Appends the cell under a key. Throws `StateDamaged`. */
export function writeCell(writer: ByteWriter, state: State, key: string): void {
  const known = state.index.get(key)
  writer.u8(known === undefined ? 0 : 1)
  if (known === undefined) return
  writer.uint(state.records.mod(known.record))
  writer.blob(state.readValue(known))
}

/** Appends an entry with what is left of its time. Throws `StateDamaged`. */
export function writeHolding(writer: ByteWriter, sync: Sync, entry: Entry, logTime: number): void {
  writer.uint(entry.id)
  writer.uint(entry.lease)
  writer.uint(entry.deadline === 0 ? 0 : Math.max(0, entry.deadline - logTime))
  writer.blob(sync.valueOf(entry))
}

interface Found {
  readonly at: SyncResource
  readonly resource: Resource
}

function matching(sync: Sync, { kind, namespace, prefix, after }: SyncListRequest): Found[] {
  const space = namespace === undefined ? undefined : latin1(namespace)
  const start = latin1(prefix ?? new Uint8Array())
  const found: Found[] = []
  for (const resource of sync.resources.values()) {
    const at = resourceOf(resource.name)
    if (kind !== undefined && at.kind !== kind) continue
    if (space !== undefined && latin1(at.namespace) !== space) continue
    if (!latin1(at.name).startsWith(start)) continue
    if (after === undefined || compare(at, after) > 0) found.push({ at, resource })
  }
  return found.sort((a, b) => compare(a.at, b.at))
}

function compare(a: SyncResource, b: SyncResource): number {
  return compareBytes(a.namespace, b.namespace) || compareBytes(a.name, b.name) || a.kind - b.kind
}

function live(sync: Sync, entries: Iterable<Entry> = []): Entry[] {
  return [...entries].filter((entry) => sync.isLive(entry))
}

function begin(state: State): ByteWriter {
  const writer = new ByteWriter(256)
  writer.u8(okStatus)
  writer.uint(state.revision)
  return writer
}
