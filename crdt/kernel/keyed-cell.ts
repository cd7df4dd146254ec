/** Cells that are a list of entries for each key: sets and maps. */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { checkText, compareTexts, readText, sortTexts, writeText } from '../codec/text.ts'
import type { Cell, CellType } from './cell.ts'
import { nothing } from './cell.ts'
import type { Past } from './dot.ts'
import type { Entries, Payload } from './entries.ts'
import { Entry, insertEntry, joinEntries, readEntries, removeCovered, writeEntries } from './entries.ts'
import type { Op } from './op.ts'

/** The common part; a type says which key an operation is about, what it adds and what the entries of a key mean. */
export abstract class KeyedCell<V> implements Cell {
  abstract readonly type: CellType
  protected abstract readonly payload: Payload<V>
  /** Only keys with entries are here. */
  protected readonly keys = new Map<string, Entry<V>>()

  abstract value(): Value

  /** What users see under a key, or undefined for nothing. */
  abstract shown(key: string): Value | undefined

  /** All keys with entries. */
  allKeys(): IterableIterator<string> {
    return this.keys.keys()
  }

  /** The key of an operation, or undefined when it removes all keys. */
  abstract keyOf(op: Op): string | undefined

  /** The payload an operation adds, or undefined when it only removes. */
  protected abstract added(op: Op): V | undefined

  isEmpty(): boolean {
    return this.keys.size === 0
  }

  isVisible(): boolean {
    return !this.isEmpty()
  }

  apply(op: Op, past: Past): void {
    const key = this.keyOf(op)
    if (key === undefined) {
      for (const [key, entries] of this.keys) this.keep(key, removeCovered(entries, past))
      return
    }
    const before = this.keys.get(key)
    const left = before === undefined ? undefined : removeCovered(before, past)
    const value = this.added(op)
    if (value === undefined) {
      if (before !== undefined) this.keep(key, left)
    } else {
      const entry = new Entry(op.rid, op.seq, op.high, op.low, value)
      this.keys.set(key, left === undefined ? entry : insertEntry(left, entry))
    }
  }

  join(other: this, mine: Past, theirs: Past): void {
    for (const [key, entries] of this.keys) {
      if (!other.keys.has(key)) this.keep(key, joinEntries(entries, undefined, mine, theirs))
    }
    for (const [key, entries] of other.keys) this.keep(key, joinEntries(this.keys.get(key), entries, mine, theirs))
  }

  write(writer: ByteWriter): void {
    writer.uint(this.keys.size)
    for (const key of sortTexts([...this.keys.keys()])) {
      writeText(writer, key)
      writeEntries(writer, this.keys.get(key), this.payload)
    }
  }

  read(reader: ByteReader): void {
    let last: string | undefined
    for (let count = reader.uint(); count > 0; count--) {
      const key = readText(reader)
      if (last !== undefined && compareTexts(last, key) >= 0) throw notCanonical('keys out of order')
      last = key
      this.checkKey(key)
      const entries = readEntries(reader, this.payload)
      if (entries === undefined) throw notCanonical('a key without entries')
      this.keys.set(key, entries)
    }
  }

  forget(stable: Past): void {
    for (const [key, entries] of this.keys) this.keep(key, this.forgetKey(entries, stable))
  }

  /** What of the entries of a key is still needed. */
  protected forgetKey(entries: Entry<V>, _stable: Past): Entries<V> {
    return entries
  }

  /** Throws `NotCanonical` for a string that is no key of this type. */
  protected checkKey(key: string): void {
    checkText(key)
  }

  private keep(key: string, entries: Entries<V>): void {
    if (entries === undefined) this.keys.delete(key)
    else this.keys.set(key, entries)
  }
}

/** Whether all entries lie in a past. */
export function allCovered(entries: Entries<unknown>, past: Past): boolean {
  for (let entry = entries; entry !== undefined; entry = entry.next) {
    if (past !== nothing && past.covers(entry.rid, entry.seq)) continue
    return false
  }
  return true
}
