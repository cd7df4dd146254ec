/**
 * The view that user programs get: reads see the state and the transaction's own changes; changes are held back until the
 * method has returned, so undoing them is forgetting them.
 */
import { ByteWriter, NitroError, assert, fromLatin1, latin1, utf8 } from '../base/index.ts'
import type { KeyEntry } from './key-index.ts'
import type { KvEntry } from './kv-codec.ts'
import type { Leases } from './leases.ts'
import type { MachineLimits } from './limits.ts'
import type { GrantInput, KeyInput, PutOptions, RangeInput, Transaction } from './program.ts'
import { boundsOf } from './range.ts'
import { SeededRandom } from './seeded-random.ts'
import type { State } from './state.ts'
import { isReserved, reservedKey } from './sync/key.ts'
import type { Sync } from './sync/sync.ts'
import { TransactionLeases } from './transaction-leases.ts'

/** The place of a command in the log, and the times that its view shows. */
export interface ViewTimes {
  readonly index: number
  /** Among the commands of the entry, from 0. */
  readonly position: number
  readonly logTime: number
  readonly wallTime: number
}

/** What views are over. */
export interface ViewBase {
  readonly state: State
  readonly leases: Leases
  readonly sync: Sync
  readonly limits: MachineLimits
}

/** Key and value in one piece, and the lease of the key. */
interface Written {
  readonly key: string
  readonly bytes: Uint8Array
  readonly lease: number
}

/** A pending change of a key; undefined for a delete. */
type Pending = Written | undefined

const randomBytesMax = 65_536

/** The one implementation of {@link Transaction}; queries see its reading half only. */
export class StateTransaction implements Transaction {
  readonly index: number
  readonly logTime: number
  readonly wallTime: number
  readonly revision: number
  readonly leases: TransactionLeases
  private readonly state: State
  private readonly sync: Sync
  private readonly limits: MachineLimits
  private readonly position: number
  private readonly pending = new Map<string, Pending>()
  private readonly emitted: Written[] = []
  private pendingBytes = 0
  /** Keys this transaction has attached to a lease, some perhaps detached again. */
  private readonly attached = new Map<number, number>()
  private source: SeededRandom | undefined
  private isOpen = true
  /** Damage met while reading. The method may have swallowed the error, but its outcome must not be used. */
  private damage: unknown = undefined

  constructor(base: ViewBase, times: ViewTimes, revision: number) {
    this.state = base.state
    this.sync = base.sync
    this.limits = base.limits
    this.leases = new TransactionLeases(base.leases, base.limits, {
      mustBeOpen: () => this.mustBeOpen(),
      deleteKeysOf: (lease) => this.deleteKeysOf(lease),
    })
    this.position = times.position
    this.index = times.index
    this.logTime = times.logTime
    this.wallTime = times.wallTime
    this.revision = revision
  }

  get(key: KeyInput): Uint8Array | undefined {
    return this.getRecord(key)?.value
  }

  getRecord(key: KeyInput): KvEntry | undefined {
    const name = this.keyOf(key)
    return this.pending.has(name) ? this.pendingRecord(name) : this.stored(this.state.index.get(name))
  }

  range(range: RangeInput): KvEntry[] {
    this.mustBeOpen()
    const stop = range.end === undefined ? undefined : bytesOf(range.end)
    const [start, end] = boundsOf({ start: bytesOf(range.start), end: stop, fromKey: stop === undefined })
    const { rangeRecords } = this.limits
    const { limit: wanted = rangeRecords } = range
    if (!(Number.isSafeInteger(wanted) && wanted >= 0)) {
      throw new NitroError('InvalidArgument', `limit is ${wanted}; it must be a whole number from 0 on`)
    }
    const limit = Math.min(wanted, rangeRecords)
    const names = this.namesIn(start, end, range.reverse === true, limit)
    const records: KvEntry[] = []
    let sizeBytes = 0
    for (const name of names) {
      if (records.length >= limit || sizeBytes >= this.limits.rangeBytes) break
      const record = this.pending.has(name) ? this.pendingRecord(name) : this.stored(this.state.index.get(name))
      if (record === undefined) continue
      sizeBytes += record.key.length + record.value.length
      records.push(record)
    }
    return records
  }

  put(key: KeyInput, value: string | Uint8Array, options: PutOptions = {}): void {
    const { lease = 0 } = options
    const written = this.written(key, value, lease)
    if (lease !== 0) this.attach(written.key, lease)
    this.change(written.key, written)
  }

  delete(key: KeyInput): boolean {
    const name = this.changedKey(key)
    const there = this.pending.has(name)
      ? this.pending.get(name) !== undefined
      : this.state.index.get(name) !== undefined
    if (there) this.change(name, undefined)
    return there
  }

  emit(key: KeyInput, value: string | Uint8Array): void {
    const written = this.written(key, value, 0)
    this.makeRoom(1, written.bytes.length)
    this.emitted.push(written)
  }

  holds({ kind, namespace, name, token }: GrantInput): boolean {
    this.mustBeOpen()
    const holder = this.sync.holder({ kind, namespace: bytesOf(namespace), name: bytesOf(name), token })
    // A pending change of its key is a delete, because its lease was revoked.
    return holder !== undefined && !this.pending.has(holder.key)
  }

  random(): number {
    return this.randomSource().float()
  }

  randomBytes(length: number): Uint8Array {
    if (!Number.isInteger(length) || length < 0 || length > randomBytesMax) {
      throw new NitroError('InvalidArgument', `${length} random bytes; 0 to ${randomBytesMax} can be had`)
    }
    return this.randomSource().bytes(length)
  }

  /** Ends the view: whatever a method kept of it throws from now on. Throws the damage met, if any. */
  close(): void {
    this.isOpen = false
    if (this.damage !== undefined) throw this.damage
  }

  /** Applies the changes as one revision, if they change a key or emit anything. */
  commit(): void {
    assert(!this.isOpen, 'a transaction is closed before it is committed')
    const { state, revision } = this
    this.leases.commit()
    let position = 0
    for (const [name, pending] of this.pending) {
      if (pending !== undefined) {
        state.put(name, pending.bytes, 0, pending.bytes.length - name.length, revision, position++, pending.lease)
      } else {
        const entry = state.index.get(name)
        if (entry !== undefined) state.remove(entry, revision, position++)
        if (isReserved(name)) this.sync.removed(name)
      }
    }
    for (const { key, bytes } of this.emitted) {
      state.emit(key, bytes, 0, bytes.length - key.length, revision, position++)
    }
    if (position > 0) state.revision = revision
    this.sync.settle()
  }

  /** What {@link commit} would do, as bytes that do not depend on the order in which the method did it. */
  describe(): Uint8Array {
    const writer = new ByteWriter(256)
    for (const [name, pending] of [...this.pending].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (pending === undefined && this.state.index.get(name) === undefined) continue
      writer.latin1(name)
      writer.uint(pending === undefined ? 0 : 1 + pending.lease)
      writer.blob(pending?.bytes ?? new Uint8Array())
    }
    for (const text of this.emitted.map(({ key, bytes }) => `${key.length} ${latin1(bytes)}`).sort())
      writer.latin1(text)
    this.leases.describe(writer)
    return writer.take()
  }

  private written(key: KeyInput, value: string | Uint8Array, lease: number): Written {
    const name = this.changedKey(key)
    const body = bytesOf(value)
    if (body.length > this.limits.valueBytes) throw tooLarge('ValueTooLarge', body.length, this.limits.valueBytes)
    const bytes = new Uint8Array(name.length + body.length)
    bytes.set(fromLatin1(name), 0)
    bytes.set(body, name.length)
    return { key: name, bytes, lease }
  }

  private attach(name: string, lease: number): void {
    this.leases.known(lease)
    if (this.leaseOf(name) === lease) return
    const attached = (this.attached.get(lease) ?? 0) + 1
    const { leaseKeys } = this.limits
    if (attached + (this.leases.isNew(lease) ? 0 : this.state.leaseKeys.count(lease)) > leaseKeys) {
      const details = { name: 'leaseKeys', limit: leaseKeys }
      throw new NitroError('LimitExceeded', `a lease has ${leaseKeys} keys at most`, { details })
    }
    this.attached.set(lease, attached)
  }

  private leaseOf(name: string): number {
    if (this.pending.has(name)) return this.pending.get(name)?.lease ?? 0
    const entry = this.state.index.get(name)
    return entry === undefined ? 0 : this.state.records.lease(entry.record)
  }

  private deleteKeysOf(lease: number): void {
    const names = new Set(this.state.leaseKeys.sorted(lease))
    for (const [name, pending] of this.pending) if (pending?.lease === lease) names.add(name)
    for (const name of names) if (this.leaseOf(name) === lease) this.change(name, undefined)
  }

  private randomSource(): SeededRandom {
    this.mustBeOpen()
    return (this.source ??= new SeededRandom(this.index, this.position, this.state.chain))
  }

  private change(name: string, pending: Pending): void {
    const before = this.pending.get(name)
    this.makeRoom(this.pending.has(name) ? 0 : 1, (pending?.bytes.length ?? 0) - (before?.bytes.length ?? 0))
    this.pending.set(name, pending)
  }

  /** Counts changes and their bytes. Throws `RequestTooLarge`, `LimitExceeded`. */
  private makeRoom(changes: number, sizeBytes: number): void {
    const { transactionBytes, transactionKeys } = this.limits
    const total = this.pendingBytes + sizeBytes
    if (total > transactionBytes) throw tooLarge('RequestTooLarge', total, transactionBytes)
    if (this.pending.size + this.emitted.length + changes > transactionKeys) {
      const details = { name: 'transactionKeys', limit: transactionKeys }
      throw new NitroError('LimitExceeded', `a transaction changes more than ${transactionKeys} keys`, { details })
    }
    this.pendingBytes = total
  }

  private namesIn(start: string, end: string | undefined, reverse: boolean, limit: number): Iterable<string> {
    // A few names more than the limit are enough: each pending delete hides at most one.
    const enough = limit + this.pending.size
    const names: string[] = []
    const visit = (entry: KeyEntry): boolean => names.push(entry.key) < enough
    if (reverse) this.state.index.descend(start, end, visit)
    else this.state.index.ascend(start, end, visit)
    if (this.pending.size === 0) return names
    const all = new Set(names)
    for (const name of this.pending.keys()) if (name >= start && (end === undefined || name < end)) all.add(name)
    const sorted = [...all].sort()
    return reverse ? sorted.reverse() : sorted
  }

  private pendingRecord(name: string): KvEntry | undefined {
    const pending = this.pending.get(name)
    if (pending === undefined) return undefined
    const { index, records } = this.state
    const before = index.get(name)?.record ?? 0
    return {
      key: pending.bytes.slice(0, name.length),
      value: pending.bytes.slice(name.length),
      createRevision: before === 0 ? this.revision : records.create(before),
      modRevision: this.revision,
      version: before === 0 ? 1 : records.version(before) + 1,
      lease: pending.lease,
    }
  }

  private stored(entry: KeyEntry | undefined): KvEntry | undefined {
    if (entry === undefined) return undefined
    let value: Uint8Array
    try {
      value = this.state.readValue(entry).slice()
    } catch (thrown) {
      this.damage = thrown
      throw thrown
    }
    const { records } = this.state
    const { key, record } = entry
    return {
      key: fromLatin1(key),
      value,
      createRevision: records.create(record),
      modRevision: records.mod(record),
      version: records.version(record),
      lease: records.lease(record),
    }
  }

  private keyOf(key: KeyInput): string {
    this.mustBeOpen()
    const bytes = bytesOf(key)
    if (bytes.length === 0 || bytes.length > this.limits.keyBytes) {
      throw tooLarge('KeyTooLarge', bytes.length, this.limits.keyBytes)
    }
    return latin1(bytes)
  }

  private changedKey(key: KeyInput): string {
    const name = this.keyOf(key)
    if (isReserved(name)) throw reservedKey()
    return name
  }

  private mustBeOpen(): void {
    if (!this.isOpen) throw new NitroError('InvalidArgument', 'the transaction has ended')
  }
}

function bytesOf(input: string | Uint8Array): Uint8Array {
  if (typeof input === 'string') return utf8(input)
  if (input instanceof Uint8Array) return input
  throw new NitroError('InvalidArgument', 'keys and values are strings or bytes')
}

function tooLarge(code: 'KeyTooLarge' | 'ValueTooLarge' | 'RequestTooLarge', bytes: number, limit: number): NitroError {
  return new NitroError(code, `${bytes} bytes; the limit is ${limit}`, { details: { bytes, limit } })
}
