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
  /** By slot: a number that was given with the item. */
  private readonly notes: number[] = []
  /** Items in the table. */
  size = 0
  /** The note of the item that was taken last. */
  takenNote = 0

  /** Whether another item can be added. */
  get full(): boolean {
    return this.size === slotsMax
  }

  /** Takes an item in, with a number that belongs to it, and gives its tag. Asserts that the table is not full. */
  add(item: T, note = 0): number {
    assert(this.size < slotsMax, 'the tag table is full')
    this.size++
    let slot = this.free.pop()
    if (slot === undefined) {
      slot = this.items.length
      this.items.push(item)
      this.tags.push(slot)
      this.notes.push(note)
      return slot
    }
    this.items[slot] = item
    this.notes[slot] = note
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
    this.takenNote = this.notes[slot] as number
    this.free.push(slot)
    this.size--
    return item
  }

  /** All items, in no particular order. The table may change meanwhile; what is added may be missed. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const item of this.items) if (item !== undefined) yield item
  }

  /** Takes all items out, and then tells of each, with its note. */
  drain(each: (item: T, note: number) => void): void {
    const all: { readonly item: T; readonly note: number }[] = []
    for (const tag of [...this.tags]) {
      const item = this.take(tag)
      if (item !== undefined) all.push({ item, note: this.takenNote })
    }
    for (const { item, note } of all) each(item, note)
  }
}
