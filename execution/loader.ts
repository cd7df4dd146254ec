/**
 * Restoring: takes every stored record in, verifies each, and at the end the whole against the metadata.
 *
 * Blocks hold more than is kept. What is, the retention rule says (history.ts) for the compact revision by which the node
 * kept records when it wrote them. Everything a node must have is counted, so that a record that is missing is noticed as
 * surely as a wrong one.
 */
import { addHash, latin1 } from '../base/index.ts'
import type { Hash128 } from '../base/index.ts'
import type { Auth } from './auth/auth.ts'
import { isAuthKey } from './auth/record.ts'
import { readBlock } from './blocks.ts'
import { blockIdOf } from './flush.ts'
import { KeyEntry } from './key-index.ts'
import { KeyRecord, recordKinds } from './key-record.ts'
import { isLeaseKey } from './lease-record.ts'
import type { Leases } from './leases.ts'
import { decodeMetadata, emptyMetadata, metadataKey } from './metadata.ts'
import type { Metadata } from './metadata.ts'
import { damaged, recordHeaderBytes } from './record.ts'
import type { RecordHeader } from './record.ts'
import type { Sessions } from './sessions.ts'
import type { State } from './state.ts'
import { entryBounds, isEntryKey } from './sync/key.ts'
import type { Sync } from './sync/sync.ts'

/** Fills an empty state and empty sessions from stored records. */
export class Loader {
  private readonly state: State
  private readonly sessions: Sessions
  private readonly leases: Leases
  private readonly sync: Sync
  private readonly auth: Auth
  private readonly keys = new Map<string, KeyEntry>()
  private readonly emitted: KeyRecord[] = []
  /** Values of the sync program's records: it is rebuilt from them before any block can be read. */
  private readonly syncValues = new Map<KeyRecord, Uint8Array>()
  private metadata: Metadata | undefined
  private records = 0
  private firstBlock = 0
  private lastBlock = 0

  constructor(state: State, sessions: Sessions, leases: Leases, sync: Sync, auth: Auth) {
    this.auth = auth
    this.state = state
    this.sessions = sessions
    this.leases = leases
    this.sync = sync
  }

  /** Takes one record, in key order. Throws `StateDamaged` or `UnsupportedFormat`. */
  load(key: Uint8Array, value: Uint8Array): void {
    this.records++
    const block = blockIdOf(key)
    if (block !== undefined) this.loadBlock(block, value)
    else if (key[0] === metadataKey[0] && key.length === metadataKey.length) this.loadMetadata(value)
    else if (key[0] === 0x73) this.sessions.load(key, value)
    else if (isLeaseKey(key)) this.leases.load(key, value)
    else if (isAuthKey(key)) this.auth.load(key, value)
    else throw damaged('a record under an unknown key')
  }

  /** Verifies the whole and returns the metadata. Throws `StateDamaged`. */
  finish(): Metadata {
    if (this.records === 0) return emptyMetadata
    const { metadata, state, sessions } = this
    if (metadata === undefined) throw damaged('the metadata is missing')
    if (
      metadata.nextBlock - metadata.oldestBlock !==
      (this.firstBlock === 0 ? 0 : this.lastBlock - this.firstBlock + 1)
    ) {
      throw damaged('blocks are missing')
    }
    if (this.firstBlock !== 0 && this.firstBlock !== metadata.oldestBlock) throw damaged('blocks are missing')
    state.blocks.oldest = metadata.oldestBlock
    state.blocks.next = metadata.nextBlock
    this.fill(metadata)
    if (sessions.count !== metadata.sessionCount)
      throw damaged(`${sessions.count} of ${metadata.sessionCount} sessions`)
    if (!sameHash(sessions.hash(), metadata.sessionSum)) throw damaged('sessions have a wrong hash')
    sessions.finishLoad(metadata.sessionUses)
    this.finishLeases(metadata)
    this.auth.finishLoad(metadata.auth)
    this.fillSync()
    state.revision = metadata.revision
    state.chain.set(metadata.chain)
    return metadata
  }

  private finishLeases({ leaseCount, leaseSum, leaseCounter }: Metadata): void {
    const { leases } = this
    if (leases.count !== leaseCount) throw damaged(`${leases.count} of ${leaseCount} leases`)
    if (!sameHash(leases.hash(), leaseSum)) throw damaged('leases have a wrong hash')
    leases.finishLoad(leaseCounter)
  }

  private fillSync(): void {
    const { state, sync, syncValues } = this
    state.index.ascend(...entryBounds, ({ key, record }) => {
      const value = syncValues.get(record)
      if (value === undefined) throw damaged('a sync entry has no value')
      sync.load(key, value, record.lease)
      return true
    })
    sync.finishLoad()
    syncValues.clear()
  }

  private loadMetadata(value: Uint8Array): void {
    if (this.metadata !== undefined) throw damaged('metadata is stored twice')
    this.metadata = decodeMetadata(value)
  }

  private loadBlock(id: number, block: Uint8Array): void {
    if (this.firstBlock === 0) this.firstBlock = id
    else if (id !== this.lastBlock + 1) throw damaged(`block ${id} after block ${this.lastBlock}`)
    this.lastBlock = id
    this.state.blocks.loaded(block.length)
    readBlock(id, block, (at, header, lanes, lane) => {
      const keyAt = at + recordHeaderBytes
      const valueAt = keyAt + header.keyLength
      const record = this.recordOf(latin1(block, keyAt, valueAt), header)
      if (isEntryKey(block, keyAt)) this.syncValues.set(record, block.slice(valueAt, at + header.length))
      record.block = id
      record.offset = at
      record.h0 = (lanes[lane] as number) | 0
      record.h1 = (lanes[lane + 1] as number) | 0
      record.h2 = (lanes[lane + 2] as number) | 0
      record.h3 = (lanes[lane + 3] as number) | 0
    })
  }

  /** A new record in its place among those of its key, newest first. */
  private recordOf(key: string, header: RecordHeader): KeyRecord {
    const { kind } = header
    let entry = kind === recordKinds.emit ? undefined : this.keys.get(key)
    const isFirst = entry === undefined
    entry ??= new KeyEntry(key)
    const record = isFirst ? entry.record : new KeyRecord(entry)
    record.kind = kind
    record.create = header.create
    record.mod = header.mod
    record.position = header.position
    record.until = header.until
    record.version = header.version
    record.lease = header.lease
    record.length = header.length
    if (kind === recordKinds.emit) this.emitted.push(record)
    else if (isFirst) this.keys.set(key, entry)
    else insert(entry, record)
    return record
  }

  private fill(metadata: Metadata): void {
    const { state } = this
    const { history } = state
    history.freedRevision = metadata.freedRevision
    history.compactRevision = metadata.compactRevision
    const events: KeyRecord[] = []
    const live: KeyEntry[] = []
    const gone: KeyEntry[] = []
    const keep = (record: KeyRecord): void => {
      if (record.mod >= metadata.freedRevision) events.push(record)
      if (!record.isCurrent) history.count++
      state.blocks.hold(record)
    }
    for (const entry of this.keys.values()) {
      const { record } = entry
      if (record.mod > metadata.revision) throw damaged('a change is newer than the metadata')
      if (!retain(entry, metadata.freedRevision, keep)) continue
      if (record.kind === recordKinds.put) live.push(entry)
      else gone.push(entry)
    }
    for (const record of this.emitted) {
      if (record.mod > metadata.revision) throw damaged('an event is newer than the metadata')
      if (record.mod >= metadata.freedRevision) keep(record)
    }
    this.keys.clear()
    events.sort((a, b) => a.mod - b.mod || a.position - b.position)
    for (const record of events) history.events.push(record)
    history.loaded()
    for (const { key, lease, record } of live) {
      addRecordHash(state.sum, record)
      state.leaseKeys.move(key, 0, lease)
    }
    state.index.fill(live)
    state.gone.fill(gone)
    if (live.length !== metadata.keyCount) throw damaged(`${live.length} of ${metadata.keyCount} keys`)
    if (history.count !== metadata.historyCount) {
      throw damaged(`${history.count} of ${metadata.historyCount} records of history`)
    }
    if (!sameHash(state.sum, metadata.recordSum)) throw damaged('records have a wrong hash')
  }
}

/** Keeps what the rule keeps of a key's records, and lets go of the others; false when nothing is kept. */
function retain(entry: KeyEntry, compactRevision: number, keep: (record: KeyRecord) => void): boolean {
  let last: KeyRecord | undefined
  let record: KeyRecord | undefined = entry.record
  for (; record !== undefined && record.mod > compactRevision; record = record.older) {
    record.until = last?.mod ?? 0
    keep(record)
    last = record
  }
  if (record !== undefined && isKeptBelow(record, compactRevision)) {
    record.until = last?.mod ?? 0
    keep(record)
    last = record
  }
  if (last !== undefined) last.older = undefined
  return last !== undefined
}

/** Whether the newest record up to the compact revision is kept: what replaced it since then may be gone already. */
function isKeptBelow({ kind, mod, until }: KeyRecord, compactRevision: number): boolean {
  if (until !== 0 && until <= compactRevision) return false
  return kind === recordKinds.put || mod === compactRevision
}

/** Blocks are read in the order they were written, so this is nearly always in front. */
function insert(entry: KeyEntry, record: KeyRecord): void {
  let newer: KeyRecord | undefined
  let older: KeyRecord | undefined = entry.record
  while (older !== undefined && older.mod > record.mod) {
    newer = older
    older = older.older
  }
  if (older?.mod === record.mod) throw damaged('a change is stored twice')
  record.older = older
  if (newer === undefined) entry.record = record
  else newer.older = record
}

function addRecordHash(sum: Hash128, record: KeyRecord): void {
  lanes[0] = record.h0
  lanes[1] = record.h1
  lanes[2] = record.h2
  lanes[3] = record.h3
  addHash(sum, lanesHash)
}
const lanes = new Int32Array(4)
const lanesHash = new Uint32Array(lanes.buffer)

function sameHash(a: Hash128, b: Hash128): boolean {
  return a.every((lane, i) => lane === b[i])
}
