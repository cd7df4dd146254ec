/**
 * The slots of a movable list: a list of places where elements are or were. A slot either makes an element, and holds its first
 * value, or is where an element was moved to, and holds the dot of the slot that made it.
 *
 *   made here       [value]
 *   moved to here   [rid, seq]
 */
import type { ByteReader, Value } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { ListSequence } from './list.ts'

/** See the header. An element is named by the LV of the slot that made it. */
export class SlotSequence extends ListSequence {
  /** How much of the store {@link newMoves} has looked at. */
  private scanned = 0

  /** LV of the slot at a position. */
  slotAt(position: number): number {
    return this.lvAt(position)
  }

  /** LVs of all slots that are there. */
  slots(): number[] {
    const lvs: number[] = []
    this.visitPlaces(0, this.length, (place) => lvs.push(this.lvOfPlace(place)))
    return lvs
  }

  /** LVs of the slots that were there at a version. */
  slotsAt(version: readonly number[]): number[] {
    return this.insertsAt(version)
  }

  /** The element in a slot. A move of something that is no element makes an element of its own, which has no value. */
  elementOf(slot: number): number {
    const held = this.store[this.placeOfLv(slot)] as readonly Value[]
    if (held.length === 1) return slot
    const made = this.graph.lvOf(held[0] as number, held[1] as number)
    return made >= 0 && made < slot && this.log.isInsert(made) && this.madeHere(made) ? made : slot
  }

  private madeHere(slot: number): boolean {
    return (this.store[this.placeOfLv(slot)] as readonly Value[]).length === 1
  }

  /** The value an element was made with. */
  firstValue(element: number): Value {
    const held = this.store[this.placeOfLv(element)] as readonly Value[]
    return held.length === 1 ? (held[0] as Value) : null
  }

  /** Position of a slot that is there. */
  slotPosition(slot: number): number {
    const { tree } = this.wholeTree()
    tree.seekId(this.log.ordinalOf(slot))
    tree.locateEnd()
    return tree.endPosition
  }

  /** Slots that elements were moved to and that have come since this was asked last. */
  newMoves(): number[] {
    const moves: number[] = []
    for (; this.scanned < this.store.length; this.scanned++) {
      if ((this.store[this.scanned] as readonly Value[]).length === 2) moves.push(this.lvOfPlace(this.scanned))
    }
    return moves
  }

  /** Nothing is forgotten: an element that was moved still needs the slot that made it, deleted or not. */
  override forget(): number {
    return 0
  }

  protected override readStored(reader: ByteReader, count: number): readonly Value[] {
    const values = super.readStored(reader, count)
    for (const held of values) {
      const fits =
        Array.isArray(held) && (held.length === 1 || (held.length === 2 && held.every((one) => isSmall(one as Value))))
      if (!fits) throw notCanonical('not the slot of a movable list')
    }
    return values
  }
}

function isSmall(value: Value): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
