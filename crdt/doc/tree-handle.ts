/** The handle of a tree: places by index instead of positions. */
import type { Value } from '../../base/index.ts'
import { NitroError } from '../../base/index.ts'
import { noValue } from '../kernel/op.ts'
import { nodeId, rootId } from '../types/tree-log.ts'
import { positionBetween } from '../types/tree-position.ts'
import type { Tree, TreeNode } from '../types/tree.ts'
import { treeOps } from '../types/tree.ts'
import { Handle } from './handle.ts'

/** A tree of nodes that can be moved. A node is named by a text; the root, which always is there, by ''. */
export class DocTree extends Handle {
  /** Whether the node is in the tree. */
  has(node: string): boolean {
    return this.cell.has(node)
  }

  /** The value of a node, or null. */
  get(node: string): Value {
    return this.cell.get(node)
  }

  /** The node that another one hangs under, '' for the root; undefined when it is not in the tree. */
  parent(node: string): string | undefined {
    return this.has(node) ? this.cell.place(node)?.parent : undefined
  }

  /** The children of a node, in order. */
  children(node: string = rootId): string[] {
    return this.cell.children(node)
  }

  /** Everything below a node, by default the whole tree. */
  nodes(node: string = rootId): TreeNode[] {
    return this.cell.nodes(node)
  }

  /**
   * Makes a node under another one, by default as its last child, and returns its name. Throws `NotFound` when there is no
   * such parent, `NotCanonical` for a value that merged state can't hold.
   */
  create(parent: string = rootId, index?: number, value: Value = null): string {
    this.mustHave(parent)
    const position = this.positionAt(parent, index, undefined)
    const { rid, seq } = this.core.perform(this.place, treeOps.create, '', [parent, position])
    const node = nodeId(rid, seq)
    if (value !== null) this.set(node, value)
    return node
  }

  /**
   * Hangs a node, with all below it, under another one, by default as its last child; `index` counts without the node itself.
   * Throws `NotFound`, and `InvalidArgument` when the parent is the node or below it.
   */
  move(node: string, parent: string, index?: number): void {
    this.mustHave(parent)
    this.mustHave(node)
    for (let at: string | undefined = parent; at !== undefined && at !== rootId; at = this.cell.place(at)?.parent) {
      if (at === node) throw new NitroError('InvalidArgument', `${parent} is ${node} or below it`)
    }
    const position = this.positionAt(parent, index, node)
    this.core.perform(this.place, treeOps.move, node, [parent, position])
  }

  /** Takes a node out, with all below it. Throws `NotFound`. */
  delete(node: string): void {
    this.mustHave(node)
    this.core.perform(this.place, treeOps.delete, node, noValue)
  }

  /** Sets the value of a node. Throws `NotFound`, `NotCanonical`. */
  set(node: string, value: Value): void {
    this.mustHave(node)
    this.core.perform(this.place, treeOps.set, node, value)
  }

  private get cell(): Tree {
    return this.place.content as Tree
  }

  private mustHave(node: string): void {
    if (node !== rootId && !this.has(node)) throw new NitroError('NotFound', `no node ${node} in the tree`)
  }

  /** A position among the children of a node. Where concurrent nodes share one, those to the right are moved first. */
  private positionAt(parent: string, index: number | undefined, without: string | undefined): string {
    const siblings = this.children(parent).filter((node) => node !== without)
    const at = Math.max(0, Math.min(index ?? siblings.length, siblings.length))
    const left = this.positionOf(siblings[at - 1])
    let right = this.positionOf(siblings[at])
    if (left !== undefined && left === right) {
      let end = at
      while (this.positionOf(siblings[end]) === left) end++
      const bound = this.positionOf(siblings[end])
      let before: string = left
      for (const node of siblings.slice(at, end)) {
        before = positionBetween(before, bound)
        this.core.perform(this.place, treeOps.move, node, [parent, before])
      }
      right = this.positionOf(siblings[at])
    }
    return positionBetween(left, right)
  }

  private positionOf(node: string | undefined): string | undefined {
    return node === undefined ? undefined : this.cell.place(node)?.position
  }
}
