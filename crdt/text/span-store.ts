/**
 * The bare B+ tree under span-tree.ts, in typed arrays: leaves of rows, inner nodes with sums, and the table that finds the leaf of
 * an item. Rows are never removed from the sequence, only joined; so nodes never become empty and never have to be merged.
 */
import { IntColumn } from '../graph/columns.ts'

/** Ids from here on stand for what was there before a tree begins. */
export const placeholder = 0x4000_0000

/** How many placeholders there are. More than any document has items. */
const placeholders = 0x2000_0000

/** Rows of a leaf, and children of an inner node. */
export const leafRows = 32
/** Children of an inner node. */
export const fanOut = 16
/** Numbers of a row. */
export const stride = 5
/** Columns of a row; see span-tree.ts. */
export const column = { id: 0, length: 1, left: 2, right: 3, state: 4 } as const

function grown(data: Int32Array, needed: number): Int32Array {
  if (needed <= data.length) return data
  const out = new Int32Array(Math.max(needed, data.length * 2))
  out.set(data)
  return out
}

/** See the header. */
export class SpanStore {
  protected rows: Int32Array = new Int32Array(leafRows * stride * 8)
  protected counts: Int32Array = new Int32Array(8)
  protected leafParents: Int32Array = new Int32Array(8)
  protected nexts: Int32Array = new Int32Array(8)
  protected children: Int32Array = new Int32Array(fanOut * 4)
  protected currents: Int32Array = new Int32Array(fanOut * 4)
  protected ends: Int32Array = new Int32Array(fanOut * 4)
  protected nodeParents: Int32Array = new Int32Array(4)
  /** Where a leaf, or a node, is in the columns of its parent. */
  protected leafSlots: Int32Array = new Int32Array(8)
  protected nodeSlots: Int32Array = new Int32Array(4)
  private nodeCounts: Int32Array = new Int32Array(4)
  private leaves = 0
  private nodes = 0
  protected root = 0
  protected height = 1
  /** Leaf of each insert, by ordinal from `base` on. Deletions keep the id of what they deleted here; -1 for nothing. */
  protected where: Int32Array = new Int32Array(64)
  /** Ordinal of the first operation that is not before this tree. */
  base = 0
  private readonly placeStarts = new IntColumn()
  private readonly placeLeaves = new IntColumn()
  /** Items that are there at the current version, and in the end. */
  currentLength = 0
  endLength = 0

  /** Empties the tree. `base` is the ordinal of the first operation to come; what was before it is placeholders. */
  reset(base: number): void {
    this.base = base
    this.leaves = 0
    this.nodes = 0
    this.height = 1
    this.placeStarts.length = 0
    this.placeLeaves.length = 0
    this.root = this.newNode(-1)
    const leaf = this.newLeaf(this.root)
    this.nexts[leaf] = -1
    this.nodeCounts[this.root] = 1
    this.children[this.root * fanOut] = leaf
    this.leafSlots[leaf] = this.root * fanOut
    const size = base > 0 ? placeholders : 0
    if (size > 0) {
      this.setRow(0, placeholder, size, -1, -1, 2)
      this.counts[leaf] = 1
      this.placeStarts.push(placeholder)
      this.placeLeaves.push(leaf)
    }
    this.currents[this.root * fanOut] = size
    this.ends[this.root * fanOut] = size
    this.currentLength = size
    this.endLength = size
  }

  /** Makes room in the tables for operations up to an ordinal. */
  reserve(ordinals: number): void {
    this.where = grown(this.where, ordinals - this.base)
  }

  protected setRow(at: number, id: number, length: number, left: number, right: number, state: number): void {
    const { rows } = this
    rows[at] = id
    rows[at + column.length] = length
    rows[at + column.left] = left
    rows[at + column.right] = right
    rows[at + column.state] = state
  }

  /** Leaf that holds the item with an id. */
  protected leafOfId(id: number): number {
    if (id < placeholder) return this.where[id - this.base] as number
    return this.placeLeaves.at(this.placeStarts.floor(id))
  }

  /** Notes that the run of placeholders from `id` on is a row of its own in this leaf. */
  protected placeRow(id: number, leaf: number): void {
    const index = this.placeStarts.floor(id)
    if (index >= 0 && this.placeStarts.at(index) === id) this.placeLeaves.data[index] = leaf
    else {
      this.placeStarts.insert(index + 1, id)
      this.placeLeaves.insert(index + 1, leaf)
    }
  }

  /** Adds to the sums over a leaf, up to the root. */
  protected addSums(leaf: number, current: number, end: number): void {
    const { currents, ends, nodeParents, nodeSlots } = this
    this.currentLength += current
    this.endLength += end
    let slot = this.leafSlots[leaf] as number
    for (let node = this.leafParents[leaf] as number; ; node = nodeParents[node] as number) {
      currents[slot] = (currents[slot] as number) + current
      ends[slot] = (ends[slot] as number) + end
      if (node === this.root) return
      slot = nodeSlots[node] as number
    }
  }

  private newLeaf(parent: number): number {
    const leaf = this.leaves++
    this.rows = grown(this.rows, this.leaves * leafRows * stride)
    this.counts = grown(this.counts, this.leaves)
    this.leafParents = grown(this.leafParents, this.leaves)
    this.leafSlots = grown(this.leafSlots, this.leaves)
    this.nexts = grown(this.nexts, this.leaves)
    this.counts[leaf] = 0
    this.leafParents[leaf] = parent
    return leaf
  }

  private newNode(parent: number): number {
    const node = this.nodes++
    this.children = grown(this.children, this.nodes * fanOut)
    this.currents = grown(this.currents, this.nodes * fanOut)
    this.ends = grown(this.ends, this.nodes * fanOut)
    this.nodeCounts = grown(this.nodeCounts, this.nodes)
    this.nodeParents = grown(this.nodeParents, this.nodes)
    this.nodeSlots = grown(this.nodeSlots, this.nodes)
    this.nodeParents[node] = parent
    // Looking for a position stops at a sum, never behind the last child: the unused ones are endless.
    this.currents.fill(0x7fff_ffff, node * fanOut, (node + 1) * fanOut)
    this.ends.fill(0x7fff_ffff, node * fanOut, (node + 1) * fanOut)
    return node
  }

  /** Moves the second half of a leaf's rows to a new leaf behind it, and returns that. */
  protected splitLeaf(leaf: number): number {
    const parent = this.leafParents[leaf] as number
    const added = this.newLeaf(parent)
    const { rows, counts } = this
    const count = counts[leaf] as number
    const half = count >> 1
    const from = (leaf * leafRows + half) * stride
    const to = added * leafRows * stride
    rows.copyWithin(to, from, (leaf * leafRows + count) * stride)
    counts[leaf] = half
    counts[added] = count - half
    this.nexts[added] = this.nexts[leaf] as number
    this.nexts[leaf] = added
    let current = 0
    let end = 0
    for (let at = to; at < to + (count - half) * stride; at += stride) {
      const id = rows[at] as number
      const length = rows[at + column.length] as number
      const state = rows[at + column.state] as number
      if (state >> 1 === 1) current += length
      if ((state & 1) === 0) end += length
      if (id >= placeholder) this.placeRow(id, added)
      else if (length === 1) this.where[id - this.base] = added
      else this.where.fill(added, id - this.base, id - this.base + length)
    }
    this.addChild(leaf, added, current, end, true)
    return added
  }

  /** Puts a child behind another one, from whose sums the given are taken away. `leaf` says what they are. */
  private addChild(behind: number, child: number, current: number, end: number, leaf: boolean): void {
    const parents = leaf ? this.leafParents : this.nodeParents
    if (this.nodeCounts[parents[behind] as number] === fanOut) this.splitNode(parents[behind] as number)
    const parent = (leaf ? this.leafParents : this.nodeParents)[behind] as number
    const slot = (leaf ? this.leafSlots : this.nodeSlots)[behind] as number
    const count = this.nodeCounts[parent] as number
    const stop = parent * fanOut + count
    const { children, currents, ends } = this
    children.copyWithin(slot + 2, slot + 1, stop)
    currents.copyWithin(slot + 2, slot + 1, stop)
    ends.copyWithin(slot + 2, slot + 1, stop)
    children[slot + 1] = child
    currents[slot] = (currents[slot] as number) - current
    currents[slot + 1] = current
    ends[slot] = (ends[slot] as number) - end
    ends[slot + 1] = end
    this.nodeCounts[parent] = count + 1
    this.adopt(parent, slot + 1, leaf)
  }

  /** Tells the children of a node, from an index on, where they are. */
  private adopt(node: number, from: number, leaf: boolean): void {
    const parents = leaf ? this.leafParents : this.nodeParents
    const slots = leaf ? this.leafSlots : this.nodeSlots
    const stop = node * fanOut + (this.nodeCounts[node] as number)
    for (let i = from; i < stop; i++) {
      const child = this.children[i] as number
      parents[child] = node
      slots[child] = i
    }
  }

  /** Levels are counted from the leaves: a node's children are leaves if going down from it takes one step. */
  private levelOf(node: number): number {
    let level = this.height
    for (let up = this.nodeParents[node] as number; up >= 0; up = this.nodeParents[up] as number) level--
    return level
  }

  private splitNode(node: number): void {
    if (node === this.root) this.addRoot()
    const leaf = this.levelOf(node) === 1
    const right = this.newNode(this.nodeParents[node] as number)
    const { children, currents, ends, nodeCounts } = this
    const half = fanOut >> 1
    const from = node * fanOut + half
    const to = right * fanOut
    children.copyWithin(to, from, from + half)
    currents.copyWithin(to, from, from + half)
    ends.copyWithin(to, from, from + half)
    currents.fill(0x7fff_ffff, from, from + half)
    ends.fill(0x7fff_ffff, from, from + half)
    nodeCounts[node] = half
    nodeCounts[right] = half
    let current = 0
    let end = 0
    for (let i = to; i < to + half; i++) {
      current += currents[i] as number
      end += ends[i] as number
    }
    this.adopt(right, to, leaf)
    this.addChild(node, right, current, end, false)
  }

  private addRoot(): void {
    const old = this.root
    const root = this.newNode(-1)
    this.root = root
    this.height++
    this.nodeParents[old] = root
    this.nodeSlots[old] = root * fanOut
    this.nodeCounts[root] = 1
    this.children[root * fanOut] = old
    this.currents[root * fanOut] = this.currentLength
    this.ends[root * fanOut] = this.endLength
  }
}
