/**
 * Sets of values.
 *
 *   add(x) ∥ remove(x)   add-wins set: x is in; remove-wins set: x is out
 *   add(x) ∥ reset       both: x is in
 *   remove(x) ∥ reset    both: x is out
 *   one after the other  the later one
 *
 * The add-wins set keeps, for each element, the dots of maximal adds: no tombstones. The remove-wins set keeps maximal
 * operations of both kinds, and an element is in when all of them are adds; a remove that every replica has seen is
 * forgotten with {@link Cell.forget}.
 */
import type { Value } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { sortTexts } from '../codec/text.ts'
import { elementKey, elementOf, isElementKey } from '../codec/values.ts'
import type { CellType } from '../kernel/cell.ts'
import { emptyingBy } from '../kernel/cell.ts'
import type { Past } from '../kernel/dot.ts'
import type { Entries, Entry } from '../kernel/entries.ts'
import { KeyedCell, allCovered } from '../kernel/keyed-cell.ts'
import type { Op } from '../kernel/op.ts'
import { opShape } from '../kernel/op.ts'
import { inOrOut, onlyDot } from './payloads.ts'

/** Kinds of operation of both sets. */
export const setOps = { add: 0, remove: 1, reset: 2 } as const

const ops = [opShape('add', 'value'), opShape('remove', 'value'), opShape('reset')]

/** What both sets have in common. */
export abstract class ElementSet<V> extends KeyedCell<V> {
  protected abstract holds(entries: Entries<V>): boolean

  /** Whether the element is in the set. */
  has(element: Value): boolean {
    return this.hasKey(elementKey(element))
  }

  /** The same, for a key that {@link keyOf} gave. */
  hasKey(key: string): boolean {
    return this.holds(this.keys.get(key))
  }

  shown(key: string): Value | undefined {
    return this.hasKey(key) ? true : undefined
  }

  /** How many elements are in the set; counts them. */
  get size(): number {
    let size = 0
    for (const entries of this.keys.values()) if (this.holds(entries)) size++
    return size
  }

  /** The elements, in no particular order. */
  *elements(): Generator<Value> {
    for (const [key, entries] of this.keys) if (this.holds(entries)) yield elementOf(key)
  }

  override isVisible(): boolean {
    for (const entries of this.keys.values()) if (this.holds(entries)) return true
    return false
  }

  value(): Value {
    const keys = [...this.keys.keys()].filter((key) => this.hasKey(key))
    return sortTexts(keys).map(elementOf)
  }

  keyOf(op: Op): string | undefined {
    return op.kind === setOps.reset ? undefined : elementKey(op.value)
  }

  protected override checkKey(key: string): void {
    super.checkKey(key)
    if (!isElementKey(key)) throw notCanonical('an element of a set')
  }
}

/** A set in which a concurrent add keeps an element. */
export class AddWinsSet extends ElementSet<true> {
  readonly type: CellType = addWinsType
  protected readonly payload = onlyDot

  protected holds(entries: Entries<true>): boolean {
    return entries !== undefined
  }

  protected added(op: Op): true | undefined {
    return op.kind === setOps.add ? true : undefined
  }
}

/** A set from which a concurrent remove takes an element. */
export class RemoveWinsSet extends ElementSet<boolean> {
  readonly type: CellType = removeWinsType
  protected readonly payload = inOrOut

  protected holds(entries: Entries<boolean>): boolean {
    for (let entry = entries; entry !== undefined; entry = entry.next) if (!entry.value) return false
    return entries !== undefined
  }

  protected added(op: Op): boolean | undefined {
    return op.kind === setOps.reset ? undefined : op.kind === setOps.add
  }

  protected override forgetKey(entries: Entry<boolean>, stable: Past): Entries<boolean> {
    // A remove beside an add must stay: it still decides.
    for (let entry: Entries<boolean> = entries; entry !== undefined; entry = entry.next) {
      if (entry.value) return entries
    }
    return allCovered(entries, stable) ? undefined : entries
  }
}

/** The type of {@link AddWinsSet}. */
export const addWinsType: CellType = {
  tag: 8,
  name: 'add-wins set',
  ops,
  create: () => new AddWinsSet(),
  emptying: emptyingBy(setOps.reset),
  check: () => undefined,
}

/** The type of {@link RemoveWinsSet}. */
export const removeWinsType: CellType = {
  tag: 9,
  name: 'remove-wins set',
  ops,
  create: () => new RemoveWinsSet(),
  emptying: emptyingBy(setOps.reset),
  check: () => undefined,
}
