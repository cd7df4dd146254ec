/**
 * The current content of a sequence: a B+ tree of chunks with the sizes of the subtrees in the inner nodes, so that inserting,
 * deleting and reading at a position take logarithmic time. A text keeps code units in it, a list the places of its elements in
 * the store of everything ever inserted.
 */
import { assert } from '../../base/index.ts'

/** What chunks are made of. */
export type Units = Uint16Array | Int32Array

const chunkSize = 1024
const fanOut = 32

interface Leaf<U> {
  readonly units: U
  length: number
}

interface Inner<U> {
  readonly children: Node<U>[]
  readonly sizes: number[]
}

type Node<U> = Leaf<U> | Inner<U>

function isLeaf<U>(node: Node<U>): node is Leaf<U> {
  return 'units' in node
}

/** See the header. `make` makes an empty chunk of a size. */
export class Rope<U extends Units> {
  private readonly make: (size: number) => U
  private root: Node<U>
  private readonly path: Inner<U>[] = []
  private readonly slots: number[] = []
  /** Where the chunk at the end of the path begins; -1 when the path is no longer one. Edits are mostly near the last one. */
  private start = -1
  length = 0

  constructor(make: (size: number) => U) {
    this.make = make
    this.root = { units: make(chunkSize), length: 0 }
  }

  /** Inserts `source[from, to)` before `position`. */
  insert(
    position: number,
    source: ArrayLike<number> & { subarray(from: number, to: number): ArrayLike<number> },
    from: number,
    to: number,
  ): void {
    let at = position
    let next = from
    while (next < to) {
      // A long insertion fills one chunk after the other.
      const count = Math.min(to - next, chunkSize >> 1)
      let offset = this.descend(at, true)
      let leaf = this.leafAt()
      if (leaf.length + count > chunkSize) {
        this.splitLeaf(leaf)
        offset = this.descend(at, true)
        leaf = this.leafAt()
      }
      const { units } = leaf
      if (offset < leaf.length) units.copyWithin(offset + count, offset, leaf.length)
      if (count === 1) units[offset] = source[next] as number
      else units.set(source.subarray(next, next + count), offset)
      leaf.length += count
      this.grow(count)
      at += count
      next += count
    }
  }

  /** Removes `count` units from `position` on. */
  remove(position: number, count: number): void {
    assert(position >= 0 && position + count <= this.length, 'only what is there is removed')
    let left = count
    while (left > 0) {
      const offset = this.descend(position, false)
      const leaf = this.leafAt()
      const here = Math.min(left, leaf.length - offset)
      leaf.units.copyWithin(offset, offset + here, leaf.length)
      leaf.length -= here
      this.grow(-here)
      if (leaf.length < chunkSize >> 2) this.mend()
      left -= here
    }
  }

  /** The unit at a position. */
  at(position: number): number {
    const offset = this.descend(position, false)
    return this.leafAt().units[offset] as number
  }

  /** Calls `visit` with the pieces of `[start, end)` in order. */
  read(start: number, end: number, visit: (units: U, from: number, to: number) => void): void {
    if (start < end) this.readNode(this.root, start, end, visit)
  }

  private readNode(
    node: Node<U>,
    start: number,
    end: number,
    visit: (units: U, from: number, to: number) => void,
  ): void {
    if (isLeaf(node)) {
      visit(node.units, start, end)
      return
    }
    let before = 0
    for (let i = 0; i < node.children.length && before < end; i++) {
      const size = node.sizes[i] as number
      if (before + size > start) {
        this.readNode(node.children[i] as Node<U>, Math.max(0, start - before), Math.min(size, end - before), visit)
      }
      before += size
    }
  }

  /**
   * Fills `path` and `slots` with the way to the chunk of a position and returns the place in it. With `gap` the position is one
   * between units, and the end of a chunk is preferred to the beginning of the next.
   */
  private descend(position: number, gap: boolean): number {
    const here = position - this.start
    if (this.start >= 0 && here >= 0 && here < this.leafAt().length + (gap ? 1 : 0)) return here
    let node = this.root
    let rest = position
    this.path.length = 0
    this.slots.length = 0
    while (!isLeaf(node)) {
      const { sizes } = node
      const last = sizes.length - 1
      let slot = 0
      if (gap) while (slot < last && rest > (sizes[slot] as number)) rest -= sizes[slot++] as number
      else while (slot < last && rest >= (sizes[slot] as number)) rest -= sizes[slot++] as number
      this.path.push(node)
      this.slots.push(slot)
      node = node.children[slot] as Node<U>
    }
    this.start = position - rest
    return rest
  }

  private leafAt(): Leaf<U> {
    const depth = this.path.length
    if (depth === 0) return this.root as Leaf<U>
    return (this.path[depth - 1] as Inner<U>).children[this.slots[depth - 1] as number] as Leaf<U>
  }

  /** Adds to all sizes on the path. */
  private grow(by: number): void {
    this.length += by
    for (let i = 0; i < this.path.length; i++) {
      const { sizes } = this.path[i] as Inner<U>
      const slot = this.slots[i] as number
      sizes[slot] = (sizes[slot] as number) + by
    }
  }

  private splitLeaf(leaf: Leaf<U>): void {
    this.start = -1
    const half = leaf.length >> 1
    const units = this.make(chunkSize)
    units.set(leaf.units.subarray(half, leaf.length))
    const right: Leaf<U> = { units, length: leaf.length - half }
    leaf.length = half
    this.addSibling(right, half, right.length)
  }

  /** Puts a node behind the one at the end of the path, which keeps `kept` of its units. */
  private addSibling(right: Node<U>, kept: number, moved: number): void {
    let added = right
    let keeps = kept
    let moves = moved
    for (let depth = this.path.length - 1; depth >= 0; depth--) {
      const node = this.path[depth] as Inner<U>
      const slot = this.slots[depth] as number
      node.sizes[slot] = keeps
      node.sizes.splice(slot + 1, 0, moves)
      node.children.splice(slot + 1, 0, added)
      if (node.children.length <= fanOut) return
      const half = node.children.length >> 1
      const sizes = node.sizes.splice(half)
      added = { children: node.children.splice(half), sizes }
      keeps = sum(node.sizes)
      moves = sum(sizes)
    }
    this.root = { children: [this.root, added], sizes: [keeps, moves] }
  }

  /** Joins the small chunk at the end of the path with a neighbour, and drops nodes that have become empty. */
  private mend(): void {
    this.start = -1
    for (let depth = this.path.length - 1; depth >= 0; depth--) {
      const node = this.path[depth] as Inner<U>
      const slot = this.slots[depth] as number
      const left = slot > 0 ? slot - 1 : slot
      if (node.children.length > 1 && joined(node.children[left] as Node<U>, node.children[left + 1] as Node<U>)) {
        node.sizes[left] = (node.sizes[left] as number) + (node.sizes[left + 1] as number)
        node.sizes.splice(left + 1, 1)
        node.children.splice(left + 1, 1)
      }
      if (node.children.length >= fanOut >> 2) break
    }
    while (!isLeaf(this.root) && this.root.children.length === 1) this.root = this.root.children[0] as Node<U>
  }
}

/** Moves what is in the right node to the left one if it fits well. */
function joined<U extends Units>(left: Node<U>, right: Node<U>): boolean {
  if (isLeaf(left) && isLeaf(right)) {
    if (left.length + right.length > (chunkSize * 3) >> 2) return false
    left.units.set(right.units.subarray(0, right.length), left.length)
    left.length += right.length
    return true
  }
  if (isLeaf(left) || isLeaf(right) || left.children.length + right.children.length > (fanOut * 3) >> 2) return false
  left.children.push(...right.children)
  left.sizes.push(...right.sizes)
  return true
}

function sum(numbers: readonly number[]): number {
  let total = 0
  for (const one of numbers) total += one
  return total
}
