/**
 * The view that user programs get: reads see the state and the transaction's own changes; changes are held back until the
 * method has returned, so undoing them is forgetting them.
 */
import { NitroError, assert, fromLatin1, latin1, utf8 } from '../base/index.ts'
import type { KeyEntry } from './key-index.ts'
import type { KvEntry } from './kv-codec.ts'
import type { MachineLimits } from './limits.ts'
import type { KeyInput, RangeInput, Transaction } from './program.ts'
import type { State } from './state.ts'

/** Log positions and times that a view shows. */
export interface ViewTimes {
  readonly index: number
  readonly logTime: number
  readonly wallTime: number
}

/** A pending change: key and value bytes in one piece, or undefined for a delete. */
type Pending = Uint8Array | undefined

/** The one implementation of {@link Transaction}; queries see its reading half only. */
export class StateTransaction implements Transaction {
  readonly index: number
  readonly logTime: number
  readonly wallTime: number
  readonly revision: number
  private readonly state: State
  private readonly limits: MachineLimits
  private readonly pending = new Map<string, Pending>()
  private pendingBytes = 0
  private isOpen = true
  /** Damage met while reading. The method may have swallowed the error, but its outcome must not be used. */
  private damage: unknown = undefined

  constructor(state: State, limits: MachineLimits, times: ViewTimes, revision: number) {
    this.state = state
    this.limits = limits
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
    const start = latin1(bytesOf(range.start))
    const end = range.end === undefined ? undefined : latin1(bytesOf(range.end))
    const limit = Math.min(range.limit ?? Number.POSITIVE_INFINITY, this.limits.rangeRecords)
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

  put(key: KeyInput, value: string | Uint8Array): void {
    const name = this.keyOf(key)
    const bytes = bytesOf(value)
    if (bytes.length > this.limits.valueBytes) throw tooLarge('ValueTooLarge', bytes.length, this.limits.valueBytes)
    const both = new Uint8Array(name.length + bytes.length)
    both.set(fromLatin1(name), 0)
    both.set(bytes, name.length)
    this.change(name, both)
  }

  delete(key: KeyInput): boolean {
    const name = this.keyOf(key)
    const there = this.pending.has(name)
      ? this.pending.get(name) !== undefined
      : this.state.index.get(name) !== undefined
    if (there) this.change(name, undefined)
    return there
  }

  /** Ends the view: whatever a method kept of it throws from now on. Throws the damage met, if any. */
  close(): void {
    this.isOpen = false
    if (this.damage !== undefined) throw this.damage
  }

  /** Applies the changes as one revision, if they change anything. */
  commit(): void {
    assert(!this.isOpen, 'a transaction is closed before it is committed')
    let position = 0
    for (const [name, pending] of this.pending) {
      if (pending !== undefined) {
        this.state.put(name, pending, 0, pending.length - name.length, this.revision, position++)
      } else {
        const entry = this.state.index.get(name)
        if (entry !== undefined) this.state.remove(entry, this.revision, position++)
      }
    }
    if (position > 0) this.state.revision = this.revision
  }

  private change(name: string, pending: Pending): void {
    const before = this.pending.get(name)
    const sizeBytes = this.pendingBytes - (before?.length ?? 0) + (pending?.length ?? 0)
    if (sizeBytes > this.limits.transactionBytes) {
      throw tooLarge('RequestTooLarge', sizeBytes, this.limits.transactionBytes)
    }
    if (this.pending.size >= this.limits.transactionKeys && !this.pending.has(name)) {
      const details = { name: 'transactionKeys', limit: this.limits.transactionKeys }
      throw new NitroError('LimitExceeded', `a transaction changes more than ${details.limit} keys`, { details })
    }
    this.pendingBytes = sizeBytes
    this.pending.set(name, pending)
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
    const before = this.state.index.get(name)
    return {
      key: pending.slice(0, name.length),
      value: pending.slice(name.length),
      createRevision: before?.create ?? this.revision,
      modRevision: this.revision,
      version: (before?.version ?? 0) + 1,
      lease: before?.lease ?? 0,
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
    const { create, mod, version, lease } = entry
    return { key: fromLatin1(entry.key), value, createRevision: create, modRevision: mod, version, lease }
  }

  private keyOf(key: KeyInput): string {
    this.mustBeOpen()
    const bytes = bytesOf(key)
    if (bytes.length === 0 || bytes.length > this.limits.keyBytes) {
      throw tooLarge('KeyTooLarge', bytes.length, this.limits.keyBytes)
    }
    return latin1(bytes)
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
