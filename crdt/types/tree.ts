/**
 * Tree of nodes that can be moved, without cycles.
 *
 *   move(n) ∥ move(n)         the later time wins; equal times: the larger (replica, number)
 *   move(a under b) ∥ move(b under a)   the one that comes second in that order does nothing
 *   move(n) ∥ delete(n)       the same rule: deleting is moving to the trash
 *   delete(parent) ∥ change below it    the change is made, out of sight; moving the node elsewhere brings it back
 *   set(n) ∥ set(n)           a register for each node: the later time wins, causality beats clocks
 *   siblings                  by position, then by node; concurrent nodes at one place stand next to each other
 *
 * All replicas carry out all moves in the order of (time, dot), skipping those that would make a cycle (Kleppmann et al. 2021,
 * "A highly-available move operation for replicated trees"). A move that arrives late is put in its place: the later ones are
 * taken back and done again. Moves that every replica has seen are folded into the start of the log.
 */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import type { Cell, CellType } from '../kernel/cell.ts'
import type { Past } from '../kernel/dot.ts'
import type { Op } from '../kernel/op.ts'
import { opShape } from '../kernel/op.ts'
import { checkPosition } from './tree-position.ts'
import { TreeValues } from './tree-values.ts'
import type { Move, Place } from './tree-log.ts'
import { TreeLog, isNodeId, nodeId, rootId, trashId } from './tree-log.ts'

/** Kinds of operation of a tree. `key` is the node; a creation's node is its own dot. Places are [parent, position]. */
export const treeOps = { create: 0, move: 1, delete: 2, set: 3 } as const

/** A node as users see it. */
export interface TreeNode {
  readonly id: string
  readonly value: Value
  readonly children: readonly TreeNode[]
}

/** A tree. Nodes are named by the dot of their creation, `replica:number`; the root is ''. */
export class Tree implements Cell {
  readonly type: CellType = treeType
  /** The moves; others only watch it. */
  readonly log = new TreeLog()
  private readonly values = new TreeValues()

  /** Whether the node is somewhere below the root. */
  has(id: string): boolean {
    return this.log.isBelowRoot(id)
  }

  /** Where a node is, or undefined for one that nobody has created. */
  place(id: string): Place | undefined {
    return this.log.places.get(id)
  }

  /** The value of a node, or null. */
  get(id: string): Value {
    return this.values.get(id)
  }

  /** The children of a node in order; of the root for ''. */
  children(id: string): string[] {
    return this.log.children(id)
  }

  value(): Value {
    const flat = (id: string): Value => [id, this.get(id), this.children(id).map(flat)]
    return this.children(rootId).map(flat)
  }

  /** All that is below a node; of the whole tree for ''. */
  nodes(id: string = rootId): TreeNode[] {
    return this.children(id).map((id) => ({ id, value: this.get(id), children: this.nodes(id) }))
  }

  isEmpty(): boolean {
    return this.log.isEmpty() && this.values.isEmpty()
  }

  isVisible(): boolean {
    return this.log.children(rootId).length > 0
  }

  apply(op: Op, past: Past): void {
    if (op.kind === treeOps.set) this.values.set(op, past)
    else this.log.add(moveOf(op))
  }

  join(other: Tree, mine: Past, theirs: Past): void {
    this.log.join(other.log)
    this.values.join(other.values, mine, theirs)
  }

  write(writer: ByteWriter): void {
    this.log.write(writer)
    this.values.write(writer)
  }

  read(reader: ByteReader): void {
    this.log.read(reader)
    this.values.read(reader)
  }

  forget(stable: Past): void {
    this.log.forget(stable)
  }
}

function moveOf(op: Op): Move {
  const { rid, seq, high, low, key, kind, value } = op
  const [parent, position] = kind === treeOps.delete ? [trashId, ''] : (value as readonly [string, string])
  return { rid, seq, high, low, node: kind === treeOps.create ? nodeId(rid, seq) : key, place: { parent, position } }
}

/** The type of {@link Tree}. */
export const treeType: CellType = {
  tag: 10,
  name: 'tree',
  ops: [
    opShape('create', 'value', 'time'),
    opShape('move', 'key', 'value', 'time'),
    opShape('delete', 'key', 'time'),
    opShape('set', 'key', 'value', 'time'),
  ],
  create: () => new Tree(),
  emptying: (cell) => (cell as Tree).children(rootId).map((key) => ({ kind: treeOps.delete, key })),
  check({ kind, key, value }) {
    if (kind !== treeOps.create && !isNodeId(key)) throw notCanonical('a node of a tree')
    if (kind !== treeOps.create && kind !== treeOps.move) return
    if (!Array.isArray(value) || value.length !== 2) throw notCanonical('a place in a tree')
    const [parent, position] = value as readonly Value[]
    if (typeof parent !== 'string' || (parent !== rootId && !isNodeId(parent))) throw notCanonical('a parent in a tree')
    checkPosition(position)
  },
}
