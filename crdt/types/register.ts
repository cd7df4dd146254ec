/**
 * Register, last writer wins.
 *
 *   set ∥ set      the later time wins; equal times: the larger (replica, number)
 *   set → set      the later one, whatever the clocks say: causality beats clocks
 *   set ∥ reset    the set stays
 *
 * A dot store of all maximal writes, and a chooser on (time, dot): so the clock decides only between writes that are truly
 * concurrent.
 */
import type { Value } from '../../base/index.ts'
import type { CellType } from '../kernel/cell.ts'
import { emptyingBy } from '../kernel/cell.ts'
import { EntriesCell } from '../kernel/entries-cell.ts'
import { latestEntry } from '../kernel/entries.ts'
import type { Op } from '../kernel/op.ts'
import { opShape } from '../kernel/op.ts'
import { timedValue } from './payloads.ts'

/** Kinds of operation of a register. */
export const registerOps = { set: 0, reset: 1 } as const

/** A last-writer-wins register. */
export class Register extends EntriesCell<Value> {
  readonly type: CellType = registerType
  protected readonly payload = timedValue

  /** The winning value, or undefined when there is none. */
  get(): Value | undefined {
    return latestEntry(this.entries)?.value
  }

  value(): Value {
    return this.get() ?? null
  }

  /** Whether the only write is of this replica and has at least this number: then it can still be rewritten. */
  rewritable(rid: number, from: number): number {
    const { entries } = this
    return entries !== undefined && entries.next === undefined && entries.rid === rid && entries.seq >= from
      ? entries.seq
      : -1
  }

  protected added(op: Op): Value | undefined {
    return op.kind === registerOps.set ? op.value : undefined
  }
}

/** The type of {@link Register}. */
export const registerType: CellType = {
  tag: 2,
  name: 'register',
  ops: [opShape('set', 'value', 'time'), opShape('reset')],
  create: () => new Register(),
  emptying: emptyingBy(registerOps.reset),
  check: () => undefined,
}
