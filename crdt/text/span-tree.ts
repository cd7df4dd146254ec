/**
 * The items of a sequence in their final order, tombstones included, as runs in a B+ tree.
 *
 * Each item has two states at once. Its *current* state is what it is at the version that the walker stands at:
 *   0 not inserted yet, 1 there, 1 + n deleted n times (by concurrent deletions).
 * Its *end* state is what it is once everything known is applied: there, or deleted by anyone ever.
 * Inner nodes sum up how many items of a subtree are there in the one and in the other sense, so that a position of an operation
 * is found by the first sum, and becomes a position in the document by the second.
 *
 * A row is a run of items with consecutive ids, each after the first with the one before it as left origin:
 *   id of the first, length, left origin of the first, right origin of all, state (current * 2 + 1 if deleted in the end)
 *
 * Ids are ordinals of inserts (see op-log.ts). What was there before the tree begins, at a critical version, is one long run of
 * ids from `placeholder` on: its true length need not be known.
 */
import { SpanStore, column, fanOut, leafRows, placeholder, stride } from './span-store.ts'

/** See the header. It stands at a place: `offset` items into row `row` of leaf `leaf`, where the methods leave it. */
export class SpanTree extends SpanStore {
  private leaf = 0
  private row = 0
  private offset = 0
  private savedLeaf = 0
  private savedRow = 0
  private savedOffset = 0
  private savedEnd = 0
  /** How many items before the place are there in the end. */
  endPosition = 0

  /** Goes to the item at a current position, which must exist. */
  seekCurrent(position: number): void {
    const { children, currents, ends, rows } = this
    let rest = position
    let end = 0
    let node = this.root
    for (let level = this.height; level > 0; level--) {
      let i = node * fanOut
      for (let size = currents[i] as number; size <= rest; size = currents[++i] as number) {
        rest -= size
        end += ends[i] as number
      }
      node = children[i] as number
    }
    let at = node * leafRows * stride
    let row = 0
    for (;;) {
      const state = rows[at + column.state] as number
      const length = rows[at + column.length] as number
      if (state >> 1 === 1) {
        if (rest < length) break
        rest -= length
      }
      if ((state & 1) === 0) end += length
      at += stride
      row++
    }
    this.leaf = node
    this.row = row
    this.offset = rest
    this.endPosition = ((rows[at + column.state] as number) & 1) === 0 ? end + rest : end
  }

  /** Goes to the item at a position of the document, which must exist. */
  seekEnd(position: number): void {
    const { children, ends, rows } = this
    let rest = position
    let node = this.root
    for (let level = this.height; level > 0; level--) {
      let i = node * fanOut
      for (let size = ends[i] as number; size <= rest; size = ends[++i] as number) rest -= size
      node = children[i] as number
    }
    let at = node * leafRows * stride
    let row = 0
    for (;;) {
      const length = rows[at + column.length] as number
      if (((rows[at + column.state] as number) & 1) === 0) {
        if (rest < length) break
        rest -= length
      }
      at += stride
      row++
    }
    this.leaf = node
    this.row = row
    this.offset = rest
    this.endPosition = position
  }

  /** Goes to the gap before everything. */
  seekStart(): void {
    let node = this.root
    for (let level = this.height; level > 0; level--) node = this.children[node * fanOut] as number
    this.leaf = node
    this.row = 0
    this.offset = 0
    this.endPosition = 0
  }

  /** Goes to the item with an id. Does not set `endPosition`. */
  seekId(id: number): void {
    const leaf = this.leafOfId(id)
    const { rows } = this
    let row = 0
    for (let at = leaf * leafRows * stride; ; at += stride, row++) {
      const offset = id - (rows[at] as number)
      if (offset >= 0 && offset < (rows[at + column.length] as number)) {
        this.leaf = leaf
        this.row = row
        this.offset = offset
        return
      }
    }
  }

  /** Sets `endPosition` for the place it stands at: how many items before it are there in the end. */
  locateEnd(): void {
    const { rows } = this
    let end = 0
    let at = this.leaf * leafRows * stride
    for (let row = 0; row < this.row; row++, at += stride) {
      if (((rows[at + column.state] as number) & 1) === 0) end += rows[at + column.length] as number
    }
    if (this.row < (this.counts[this.leaf] as number) && ((rows[at + column.state] as number) & 1) === 0)
      end += this.offset
    let slot = this.leafSlots[this.leaf] as number
    for (let node = this.leafParents[this.leaf] as number; ; node = this.nodeParents[node] as number) {
      for (let i = node * fanOut; i < slot; i++) end += this.ends[i] as number
      if (node === this.root) break
      slot = this.nodeSlots[node] as number
    }
    this.endPosition = end
  }

  /** Goes to the beginning of the next row; false at the end, where it stays. Keeps `endPosition` as it is. */
  toNextRow(): boolean {
    if (this.row + 1 < (this.counts[this.leaf] as number)) this.row++
    else {
      const next = this.nexts[this.leaf] as number
      if (next < 0) return false
      this.leaf = next
      this.row = 0
    }
    this.offset = 0
    return true
  }

  /** From a gap to the item behind it; false at the end. Keeps `endPosition` as it is. */
  toNextItem(): boolean {
    return this.inRow || (this.row < (this.counts[this.leaf] as number) && this.toNextRow())
  }

  /** Goes to the gap behind the item it stands at. */
  stepItem(): void {
    this.offset++
    if (!this.deleted) this.endPosition++
  }

  /** Whether it stands at an item, not behind a row. */
  get inRow(): boolean {
    return this.row < (this.counts[this.leaf] as number) && this.rest > 0
  }

  private get at(): number {
    return (this.leaf * leafRows + this.row) * stride
  }

  /** Id of the item it stands at. */
  get id(): number {
    return (this.rows[this.at] as number) + this.offset
  }

  /** How many items are left in the row it stands in. */
  get rest(): number {
    return (this.rows[this.at + column.length] as number) - this.offset
  }

  /** Left origin of the first item of the row. */
  get left(): number {
    return this.rows[this.at + column.left] as number
  }

  /** Right origin of the row. */
  get right(): number {
    return this.rows[this.at + column.right] as number
  }

  /** Current state of the row. */
  get current(): number {
    return (this.rows[this.at + column.state] as number) >> 1
  }

  /** Whether the row is deleted in the end. */
  get deleted(): boolean {
    return ((this.rows[this.at + column.state] as number) & 1) === 1
  }

  /** Order of two different items: negative if `a` stands before `b`. */
  compare(a: number, b: number): number {
    let x = this.leafOfId(a)
    let y = this.leafOfId(b)
    if (x === y) return this.rowOf(x, a) - this.rowOf(x, b) || a - b
    let slotX = this.leafSlots[x] as number
    let slotY = this.leafSlots[y] as number
    x = this.leafParents[x] as number
    y = this.leafParents[y] as number
    while (x !== y) {
      slotX = this.nodeSlots[x] as number
      slotY = this.nodeSlots[y] as number
      x = this.nodeParents[x] as number
      y = this.nodeParents[y] as number
    }
    return slotX - slotY
  }

  private rowOf(leaf: number, id: number): number {
    const { rows } = this
    for (let row = 0, at = leaf * leafRows * stride; ; row++, at += stride) {
      const offset = id - (rows[at] as number)
      if (offset >= 0 && offset < (rows[at + column.length] as number)) return row
    }
  }

  /** Remembers the place, to come back with {@link restore}. No change may happen in between. */
  save(): void {
    this.savedLeaf = this.leaf
    this.savedRow = this.row
    this.savedOffset = this.offset
    this.savedEnd = this.endPosition
  }

  /** Goes back to where {@link save} was called. */
  restore(): void {
    this.leaf = this.savedLeaf
    this.row = this.savedRow
    this.offset = this.savedOffset
    this.endPosition = this.savedEnd
  }

  /** Goes behind the items that are left in the row. */
  skipRow(): void {
    if (!this.deleted) this.endPosition += this.rest
    this.offset += this.rest
  }

  // --- changes ---

  /** Inserts a run, there in both senses, at the place: in a row, at its beginning, or behind it. */
  insert(id: number, length: number, left: number, right: number): void {
    this.ensureRoom()
    if (this.offset > 0 && this.row < (this.counts[this.leaf] as number)) {
      if (this.rest > 0) this.splitRow()
      else this.row++
      this.offset = 0
    }
    if (this.row === 0 || !this.extendPrevious(id, length, left, right)) {
      this.openRow()
      this.setRow(this.at, id, length, left, right, 2)
    }
    this.where.fill(this.leaf, id - this.base, id - this.base + length)
    this.addSums(this.leaf, length, length)
  }

  private extendPrevious(id: number, length: number, left: number, right: number): boolean {
    const { rows } = this
    const before = this.at - stride
    const size = rows[before + column.length] as number
    if (left !== id - 1 || (rows[before] as number) + size !== id) return false
    if (rows[before + column.state] !== 2 || rows[before + column.right] !== right) return false
    rows[before + column.length] = size + length
    return true
  }

  /**
   * Changes the state of the item it stands at and of the following ones of its row, at most `count`, and returns how many.
   * `by` is added to the current state; with `ever` they are deleted in the end.
   */
  change(count: number, by: number, ever: boolean): number {
    this.ensureRoom()
    if (this.offset > 0) this.splitRow()
    const size = this.rest
    if (count < size) {
      this.offset = count
      this.splitRow()
      this.row--
    }
    const changed = Math.min(count, size)
    const { rows } = this
    const at = this.at + column.state
    const state = rows[at] as number
    const next = (state + 2 * by) | (ever ? 1 : 0)
    rows[at] = next
    const current = (next >> 1 === 1 ? changed : 0) - (state >> 1 === 1 ? changed : 0)
    const end = (next & 1) === (state & 1) ? 0 : -changed
    if (current !== 0 || end !== 0) this.addSums(this.leaf, current, end)
    this.joinWithPrevious()
    return changed
  }

  /** Sees to it that two rows can be added to the leaf. */
  private ensureRoom(): void {
    if ((this.counts[this.leaf] as number) + 2 <= leafRows) return
    const right = this.splitLeaf(this.leaf)
    const kept = this.counts[this.leaf] as number
    if (this.row >= kept) {
      this.leaf = right
      this.row -= kept
    }
  }

  /** Makes a free row at the place. */
  private openRow(): void {
    const count = this.counts[this.leaf] as number
    const at = this.at
    if (this.row < count) this.rows.copyWithin(at + stride, at, (this.leaf * leafRows + count) * stride)
    this.counts[this.leaf] = count + 1
  }

  /** Splits the row before the item it stands at, and goes to the second half. */
  private splitRow(): void {
    const { offset, leaf } = this
    this.row++
    this.offset = 0
    this.openRow()
    const { rows, at } = this
    const first = at - stride
    const id = (rows[first] as number) + offset
    const rest = (rows[first + column.length] as number) - offset
    rows[first + column.length] = offset
    this.setRow(at, id, rest, id - 1, rows[first + column.right] as number, rows[first + column.state] as number)
    if (id >= placeholder) this.placeRow(id, leaf)
  }

  /** Joins the row it stands at with the one before it in the leaf, if one row can say both. */
  private joinWithPrevious(): void {
    if (this.row === 0) return
    const { rows, at } = this
    const before = at - stride
    const size = rows[before + column.length] as number
    const id = rows[at] as number
    if ((rows[before] as number) + size !== id || rows[at + column.left] !== id - 1 || id >= placeholder) return
    if (rows[at + column.state] !== rows[before + column.state]) return
    if (rows[at + column.right] !== rows[before + column.right]) return
    rows[before + column.length] = size + (rows[at + column.length] as number)
    const count = this.counts[this.leaf] as number
    rows.copyWithin(at, at + stride, (this.leaf * leafRows + count) * stride)
    this.counts[this.leaf] = count - 1
    this.row--
  }

  /** Remembers what a deletion deleted: items from `target` on, for the ordinals from `ordinal` on, or down from there. */
  recordTargets(ordinal: number, target: number, count: number, back: boolean): void {
    const start = ordinal - this.base
    for (let i = 0; i < count; i++) this.where[back ? start - i : start + i] = target + i
  }

  /** Remembers that deletions deleted nothing. */
  recordNothing(ordinal: number, count: number): void {
    this.where.fill(-1, ordinal - this.base, ordinal - this.base + count)
  }

  /** What a deletion deleted; -1 for nothing. */
  targetOf(ordinal: number): number {
    return this.where[ordinal - this.base] as number
  }
}
