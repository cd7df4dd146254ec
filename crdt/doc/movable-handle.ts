/** The handle of a movable list. */
import type { Value } from '../../base/index.ts'
import { ownValue, ownValues, sameValue } from '../codec/values.ts'
import type { Dot } from '../kernel/dot.ts'
import { Handle } from './handle.ts'
import type { MovableContent } from './sequence-types.ts'
import { deleteElements, insertElements } from './sequence-types.ts'

/** A list whose elements can be moved and set; an element keeps its name while it does. */
export class DocMovableList extends Handle {
  /** How many elements it has. */
  get length(): number {
    return this.content.length
  }

  /** The element at a position, or undefined beyond the end. */
  get(position: number): Value | undefined {
    return this.content.get(position)
  }

  /** All elements. */
  values(): Value[] {
    return this.content.toArray()
  }

  /** The name of the element at a position, good for as long as the element lives. Throws `InvalidArgument` beyond the end. */
  nameAt(position: number): Dot {
    return this.content.nameAt(position)
  }

  /** Where the element of a name is; -1 when it is not there. */
  indexOf(name: Dot): number {
    return this.content.indexOf(name)
  }

  /** Puts elements in before a position. Throws `InvalidArgument` beyond the end, `NotCanonical`. */
  insert(position: number, values: readonly Value[]): void {
    insertElements(this.core, this.place, this.content, position, ownValues(values, ownElement))
  }

  /** Puts elements in at the end. Throws `NotCanonical`. */
  push(...values: readonly Value[]): void {
    this.insert(this.length, values)
  }

  /** Takes elements out. Throws `InvalidArgument` beyond the end. */
  delete(position: number, count: number = 1): void {
    deleteElements(this.core, this.place, this.content, position, count)
  }

  /** Moves the element at `from` so that it is at `to` afterwards. Throws `InvalidArgument` beyond the end. */
  move(from: number, to: number): void {
    const { content, core, place } = this
    content.check(from, 1)
    content.check(to, 1)
    if (from === to) return
    const lv = core.startEdit(place, content, content.moveLength(from))
    const name = content.nameAt(from)
    const value = content.get(from) as Value
    content.move(from, to, lv)
    const takeBack = (): void => {
      const now = place.content === content ? content.indexOf(name) : -1
      if (now >= 0) this.move(now, Math.min(from, content.length - 1))
    }
    core.edited(place, { kind: 'other', takeBack }, { position: from, removed: 1, inserted: [] })
    core.edited(place, { kind: 'other', takeBack: () => undefined }, { position: to, removed: 0, inserted: [value] })
  }

  /** Gives the element at a position another value. Throws `InvalidArgument` beyond the end, `NotCanonical`. */
  set(position: number, given: Value): void {
    const { content, core, place } = this
    content.check(position, 1)
    const value = ownElement(given)
    const before = content.get(position) as Value
    const name = content.nameAt(position)
    content.set(position, value, core.startEdit(place, content, 1))
    const takeBack = (): void => {
      const now = place.content === content ? content.indexOf(name) : -1
      if (now >= 0 && sameValue(content.get(now), value)) this.set(now, before)
    }
    core.edited(place, { kind: 'other', takeBack }, { position, removed: 1, inserted: [value] })
  }

  private get content(): MovableContent {
    return this.place.content as MovableContent
  }
}

/** An own copy of an element. It is stored in a slot, one level deeper, and must not be too deep there. */
function ownElement(value: Value): Value {
  return typeof value === 'object' ? ((ownValue([value]) as readonly Value[])[0] as Value) : ownValue(value)
}
