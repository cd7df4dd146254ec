/**
 * A table of things under way, by tag.
 *
 * A tag is slot + generation, so that looking one up is one array access, tags stay small integers, and an answer that
 * comes for a slot's former tenant finds nothing.
 */
import { assert } from '../../base/index.ts'

const slotBits = 16
const slotsMax = 1 << slotBits
const slotMask = slotsMax - 1
const generationMask = (1 << 14) - 1

/** At most 65,536 items; a tag is below 2^30 and is given again only after 16,384 other uses of its slot. */
export class TagTable<T extends object> {
  /** Slots by number; a free one holds undefined. */
  private readonly items: (T | undefined)[] = []
  /** The tag a slot's tenant has, or its next one will have. */
  private readonly tags: number[] = []
  private readonly free: number[] = []
  /** Items in the table. */
  size = 0

  /** Whether another item can be added. */
  get full(): boolean {
    return this.size === slotsMax
  }

  /** Takes an item in and gives its tag. Asserts that the table is not full. */
  add(item: T): number {
    assert(this.size < slotsMax, 'the tag table is full')
    this.size++
    let slot = this.free.pop()
    if (slot === undefined) {
      slot = this.items.length
      this.items.push(item)
      this.tags.push(slot)
      return slot
    }
    this.items[slot] = item
    return this.tags[slot] as number
  }

  /** The item with this tag, which leaves the table; undefined when there is none. */
  take(tag: number): T | undefined {
    const slot = tag & slotMask
    if (this.tags[slot] !== tag) return undefined
    const item = this.items[slot]
    if (item === undefined) return undefined
    this.items[slot] = undefined
    this.tags[slot] = slot | ((((tag >> slotBits) + 1) & generationMask) << slotBits)
    this.free.push(slot)
    this.size--
    return item
  }

  /** All items, in no particular order. The table may change meanwhile; what is added may be missed. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const item of this.items) if (item !== undefined) yield item
  }

  /** Takes all items out. */
  drain(): T[] {
    const all: T[] = []
    for (let slot = 0; slot < this.items.length; slot++) {
      const item = this.items[slot]
      if (item === undefined) continue
      all.push(item)
      this.take(this.tags[slot] as number)
    }
    return all
  }
}
