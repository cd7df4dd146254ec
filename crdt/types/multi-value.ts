/**
 * Multi-value register.
 *
 *   set ∥ set      both values stay, in the order of their dots, until a later set replaces what it has seen
 *   set → set      the later one
 *   set ∥ reset    the set stays
 */
import type { Value } from '../../base/index.ts'
import type { CellType } from '../kernel/cell.ts'
import { emptyingBy } from '../kernel/cell.ts'
import { EntriesCell } from '../kernel/entries-cell.ts'
import type { Op } from '../kernel/op.ts'
import { opShape } from '../kernel/op.ts'
import { plainValue } from './payloads.ts'

/** Kinds of operation of a multi-value register. */
export const multiValueOps = { set: 0, reset: 1 } as const

/** A register that keeps every concurrent value. */
export class MultiValue extends EntriesCell<Value> {
  readonly type: CellType = multiValueType
  protected readonly payload = plainValue

  /** All values nobody has replaced; equal ones appear as often as they were written. */
  values(): Value[] {
    const values: Value[] = []
    for (let entry = this.entries; entry !== undefined; entry = entry.next) values.push(entry.value)
    return values
  }

  value(): Value {
    return this.values()
  }

  protected added(op: Op): Value | undefined {
    return op.kind === multiValueOps.set ? op.value : undefined
  }
}

/** The type of {@link MultiValue}. */
export const multiValueType: CellType = {
  tag: 3,
  name: 'multi-value',
  ops: [opShape('set', 'value'), opShape('reset')],
  create: () => new MultiValue(),
  emptying: emptyingBy(multiValueOps.reset),
  check: () => undefined,
}
