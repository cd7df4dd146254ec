/**
 * Restoring: takes every stored record in, verifies each, and at the end the whole against the metadata.
 *
 * Blocks hold more than is kept. What is, the retention rule says (history.ts) for the compact revision by which the node
 * kept records when it wrote them. Everything a node must have is counted, so that a record that is missing is noticed as
 * surely as a wrong one.
 */
import { latin1 } from '../base/index.ts'
import type { Hash128 } from '../base/index.ts'
import type { Auth } from './auth/auth.ts'
import { isAuthKey } from './auth/record.ts'
import { readBlock } from './blocks.ts'
import { blockIdOf } from './flush.ts'
import { KeyEntry } from './key-index.ts'
import { isLeaseKey } from './lease-record.ts'
import type { Leases } from './leases.ts'
import { decodeMetadata, emptyMetadata, metadataKey } from './metadata.ts'
import type { Metadata } from './metadata.ts'
import { damaged, recordHeaderBytes } from './record.ts'
import type { RecordHeader } from './record.ts'
import { recordKinds } from './records.ts'
import type { RecordId, Records } from './records.ts'
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
  private readonly emitted: RecordId[] = []
  /** Values of the sync program's records: it is rebuilt from them before any block can be read. */
  private readonly syncValues = new Map<RecordId, Uint8Array>()
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
    this.settle()
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
      sync.load(key, value, state.records.lease(record))
      return true
    })
    sync.finishLoad()
    syncValues.clear()
  }

  private settle(): void {
    const { index, records, history } = this.state
    index.ascend('', undefined, ({ record }) => {
      if (records.mod(record) < history.freedRevision) records.settle(record)
      return true
    })
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
      const { records } = this.state
      records.setBlock(record, id, at)
      records.setHash(
        record,
        lanes[lane] as number,
        lanes[lane + 1] as number,
        lanes[lane + 2] as number,
        lanes[lane + 3] as number,
      )
    })
  }

  /** A new record in its place among those of its key, newest first. */
  private recordOf(key: string, header: RecordHeader): RecordId {
    const { records } = this.state
    const { kind } = header
    let entry = kind === recordKinds.emit ? undefined : this.keys.get(key)
    const isFirst = entry === undefined
    entry ??= new KeyEntry(key)
    const record = records.add(entry)
    records.setKind(record, kind)
    records.setCreate(record, header.create)
    records.setMod(record, header.mod)
    records.setPosition(record, header.position)
    records.setUntil(record, header.until)
    records.setVersion(record, header.version)
    records.setLease(record, header.lease)
    records.setLength(record, header.length)
    if (!isFirst) insert(records, entry, record)
    else entry.record = record
    if (kind === recordKinds.emit) this.emitted.push(record)
    else if (isFirst) this.keys.set(key, entry)
    return record
  }

  private fill(metadata: Metadata): void {
    const { state } = this
    const { history, records } = state
    history.freedRevision = metadata.freedRevision
    history.compactRevision = metadata.compactRevision
    const events: RecordId[] = []
    const live: KeyEntry[] = []
    const gone: KeyEntry[] = []
    const keep = (record: RecordId): void => {
      if (records.mod(record) >= metadata.freedRevision) events.push(record)
      if (!records.isCurrent(record)) history.count++
      state.blocks.hold(record)
    }
    for (const entry of this.keys.values()) {
      const newest = entry.record
      if (records.mod(newest) > metadata.revision) throw damaged('a change is newer than the metadata')
      if (!retain(records, entry, metadata.freedRevision, keep)) continue
      if (records.kind(newest) === recordKinds.put) live.push(entry)
      else gone.push(entry)
    }
    for (const record of this.emitted) {
      if (records.mod(record) > metadata.revision) throw damaged('an event is newer than the metadata')
      if (records.mod(record) >= metadata.freedRevision) keep(record)
      else records.drop(record)
    }
    this.keys.clear()
    events.sort((a, b) => records.mod(a) - records.mod(b) || records.position(a) - records.position(b))
    for (const record of events) history.events.push(record)
    history.loaded()
    for (const { key, record } of live) {
      records.sum(record, state.sum, 1)
      state.leaseKeys.move(key, 0, records.lease(record))
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

/** Keeps what the rule keeps of a key's records, and frees the others; false when nothing is kept. */
function retain(records: Records, entry: KeyEntry, compactRevision: number, keep: (record: RecordId) => void): boolean {
  let last = 0
  let { record } = entry
  const take = (): void => {
    records.setUntil(record, last === 0 ? 0 : records.mod(last))
    keep(record)
    last = record
    record = records.older(record)
  }
  while (record !== 0 && records.mod(record) > compactRevision) take()
  if (record !== 0 && isKeptBelow(records, record, compactRevision)) take()
  if (last !== 0) records.setOlder(last, 0)
  while (record !== 0) {
    const older = records.older(record)
    records.setOlder(record, 0)
    records.drop(record)
    record = older
  }
  return last !== 0
}

/** Whether the newest record up to the compact revision is kept: what replaced it since then may be gone already. */
function isKeptBelow(records: Records, record: RecordId, compactRevision: number): boolean {
  const until = records.until(record)
  if (until !== 0 && until <= compactRevision) return false
  return records.kind(record) === recordKinds.put || records.mod(record) === compactRevision
}

/** Blocks are read in the order they were written, so this is nearly always in front. */
function insert(records: Records, entry: KeyEntry, record: RecordId): void {
  const mod = records.mod(record)
  let newer = 0
  let older = entry.record
  while (older !== 0 && records.mod(older) > mod) {
    newer = older
    older = records.older(older)
  }
  if (older !== 0 && records.mod(older) === mod) throw damaged('a change is stored twice')
  if (newer === 0) entry.record = record
  else records.setOlder(newer, record)
  records.setOlder(record, older)
}

function sameHash(a: Hash128, b: Hash128): boolean {
  return a.every((lane, i) => lane === b[i])
}
