/** Cells that are one list of entries: registers and flags. */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import type { Cell, CellType } from './cell.ts'
import type { Past } from './dot.ts'
import type { Entries, Payload } from './entries.ts'
import { Entry, insertEntry, joinEntries, readEntries, removeCovered, writeEntries } from './entries.ts'
import type { Op } from './op.ts'

/** The common part; a type says what an operation adds and what the entries mean. */
export abstract class EntriesCell<V> implements Cell {
  abstract readonly type: CellType
  protected abstract readonly payload: Payload<V>
  protected entries: Entries<V> = undefined

  abstract value(): Value

  /** The payload an operation adds, or undefined when it only removes. */
  protected abstract added(op: Op): V | undefined

  isEmpty(): boolean {
    return this.entries === undefined
  }

  isVisible(): boolean {
    return !this.isEmpty()
  }

  apply(op: Op, past: Past): void {
    this.entries = removeCovered(this.entries, past)
    const value = this.added(op)
    if (value !== undefined) {
      this.entries = insertEntry(this.entries, new Entry(op.rid, op.seq, op.high, op.low, value))
    }
  }

  join(other: this, mine: Past, theirs: Past): void {
    this.entries = joinEntries(this.entries, other.entries, mine, theirs)
  }

  write(writer: ByteWriter): void {
    writeEntries(writer, this.entries, this.payload)
  }

  read(reader: ByteReader): void {
    this.entries = readEntries(reader, this.payload)
  }

  forget(_stable: Past): void {
    // What is left is what makes the value.
  }
}
