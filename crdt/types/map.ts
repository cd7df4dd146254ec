/**
 * Map of registers. (A map also holds other typed values, each under its name and type; they are cells of their own, and
 * removing one resets it.)
 *
 *   set(k) ∥ set(k)      the later time wins; equal times: the larger (replica, number)
 *   set(k) → set(k)      the later one: causality beats clocks
 *   set(k) ∥ delete(k)   the set stays
 *   set(k) ∥ reset       the set stays
 *   nested value ∥ its removal   what was done to it concurrently stays, and nothing that was there before
 */
import type { Value } from '../../base/index.ts'
import { sortTexts } from '../codec/text.ts'
import type { CellType } from '../kernel/cell.ts'
import { emptyingBy } from '../kernel/cell.ts'
import { latestEntry } from '../kernel/entries.ts'
import { KeyedCell } from '../kernel/keyed-cell.ts'
import type { Op } from '../kernel/op.ts'
import { opShape } from '../kernel/op.ts'
import { timedValue } from './payloads.ts'

/** Kinds of operation of a map. */
export const mapOps = { set: 0, delete: 1, reset: 2 } as const

/** The registers of a map. */
export class RegisterMap extends KeyedCell<Value> {
  readonly type: CellType = mapType
  protected readonly payload = timedValue

  /** The winning value of a key, or undefined. */
  get(key: string): Value | undefined {
    return latestEntry(this.keys.get(key))?.value
  }

  shown(key: string): Value | undefined {
    return this.get(key)
  }

  /** All values of a key that nobody has replaced, in the order of their dots. */
  conflicts(key: string): Value[] {
    const values: Value[] = []
    for (let entry = this.keys.get(key); entry !== undefined; entry = entry.next) values.push(entry.value)
    return values
  }

  /** How many keys there are. */
  get size(): number {
    return this.keys.size
  }

  value(): Value {
    return Object.fromEntries(sortTexts([...this.keys.keys()]).map((key) => [key, this.get(key) as Value]))
  }

  keyOf(op: Op): string | undefined {
    return op.kind === mapOps.reset ? undefined : op.key
  }

  /** Whether the only write of a key is of this replica and has at least this number: then it can still be rewritten. */
  rewritable(key: string, rid: number, from: number): number {
    const entry = this.keys.get(key)
    return entry !== undefined && entry.next === undefined && entry.rid === rid && entry.seq >= from ? entry.seq : -1
  }

  protected added(op: Op): Value | undefined {
    return op.kind === mapOps.set ? op.value : undefined
  }
}

/** The type of {@link RegisterMap}. */
export const mapType: CellType = {
  tag: 1,
  name: 'map',
  ops: [opShape('set', 'key', 'value', 'time'), opShape('delete', 'key'), opShape('reset')],
  create: () => new RegisterMap(),
  emptying: emptyingBy(mapOps.reset),
  check: () => undefined,
}
