/**
 * The event graph walker: turns operations that were made at other versions into edits of the document as it is now.
 *
 * An operation says a position in the document that its author saw. The walker keeps all items since some critical version in a
 * tree (span-tree.ts), and moves that tree's current version to the parents of the operation: it *retreats* over what the author
 * did not know, *advances* over what it knows and the author did, too. There the position means what the author meant. The item goes
 * to its place among concurrent ones, and the tree tells where that is in the document (J. Gentle, M. Kleppmann: Collaborative text
 * editing with Eg-walker, 2025).
 *
 * The place among concurrent items is that of FugueMax (M. Weidner, M. Kleppmann: The art of the Fugue, 2023), found by
 * the scan of Yjs over left and right origins, which gives the same order: runs never interleave, typed forwards or backwards,
 * wherever that can be had. Concurrent items at the very same place stand in order of their replicas.
 *
 * A position beyond the end of what its author saw cannot come from a correct author. It has a meaning all the same, so that all
 * replicas go on alike: an insert goes to the end, a deletion deletes nothing.
 */
import { assert } from '../../base/index.ts'
import type { CausalGraph } from '../graph/graph.ts'
import type { Ranges } from '../graph/walk.ts'
import { diff, sameFrontier } from '../graph/walk.ts'
import { walkOrder } from '../graph/walk-order.ts'
import { opKind } from './op-log.ts'
import type { OpLog } from './op-log.ts'
import { SpanTree } from './span-tree.ts'

/** What is told about the edits that operations come to. */
export interface EditSink {
  /** Units `[place, place + count)` of everything ever inserted now stand before `position`. */
  inserted(position: number, place: number, count: number): void
  /** What stood in `[position, position + count)` is gone. */
  deleted(position: number, count: number): void
}

/** For operations whose edits are in the document already. */
const silent: EditSink = { inserted: () => undefined, deleted: () => undefined }

/** See the header. */
export class Walker {
  private readonly graph: CausalGraph
  private readonly log: OpLog
  readonly tree = new SpanTree()
  /** The critical version before everything in the tree; -2 when there is no tree. */
  private base = -2
  /** All operations with smaller LVs are in the tree, or before its base. */
  private applied = 0
  /** The version the tree's current states are of. */
  private version: readonly number[] = []
  /** Length of the document at the base is what the tree has beyond this. */
  private surplus = 0
  private keepAll = false

  constructor(graph: CausalGraph, log: OpLog) {
    this.graph = graph
    this.log = log
  }

  /**
   * Makes the tree hold everything with an LV below `end`, all of which is in the document, whose length is given. The tree begins
   * at a critical version at or before `oldest`.
   */
  prepare(oldest: number, end: number, documentLength: number): void {
    // How long the document was at a later base is concluded from how long it is now, which takes that all positions are valid.
    const base = this.keepAll || this.log.beyondEnd ? -1 : this.graph.criticalBefore(oldest)
    // A tree is kept as long as nothing looks behind its base, and catching up is less work than beginning anew.
    const stands = this.base === -1 || (this.base >= 0 && this.graph.criticalBefore(this.base) === this.base)
    if (!stands || base < this.base || this.applied <= base) this.begin(base)
    if (this.applied < end) this.catchUp(end)
    this.surplus = this.tree.endLength - documentLength
    assert(this.base >= 0 || this.surplus === 0, 'a whole tree is as long as the document')
  }

  /** Makes the tree hold everything from the beginning on, from now on: every item has its id. */
  prepareAll(end: number, documentLength: number): void {
    this.keepAll = true
    if (this.base !== -1) this.begin(-1)
    this.prepare(-1, end, documentLength)
  }

  private begin(base: number): void {
    this.base = base
    this.tree.reset(this.log.ordinalOf(base + 1))
    this.applied = base + 1
    this.version = base < 0 ? [] : [base]
    this.surplus = 0
  }

  private catchUp(end: number): void {
    const order = walkOrder(this.graph, this.applied, end)
    for (let i = 0; i < order.length; i += 2) this.apply(order[i] as number, order[i + 1] as number, silent)
    this.applied = end
  }

  /** Applies operations of one run of the graph. Everything that they include must be in the tree. */
  apply(start: number, end: number, sink: EditSink): void {
    const { log } = this
    let run = log.firstRunFrom(start)
    if (run === log.runs || log.lvs.at(run) >= end) return
    this.tree.reserve(log.units)
    this.moveToParents(start)
    for (; run < log.runs; run++) {
      const first = log.lvs.at(run)
      if (first >= end) break
      const skip = Math.max(0, start - first)
      const count = Math.min(end - first, log.lengthOf(run)) - skip
      const ordinal = log.ordinals.at(run) + skip
      const position = log.positions.at(run)
      const kind = log.kinds.at(run)
      if (kind === opKind.insert) this.insert(position + skip, ordinal, count, log.contents.at(run) + skip, sink)
      else if (kind === opKind.delete) this.remove(position, count, ordinal, false, sink)
      else this.remove(position - skip - count + 1, count, ordinal, true, sink)
    }
    this.version = [end - 1]
  }

  /** Tells that everything with a smaller LV is in the tree now. */
  finish(end: number): void {
    this.applied = end
  }

  private moveToParents(lv: number): void {
    if (this.version.length === 1 && this.version[0] === lv - 1 && this.graph.startOfRun(this.graph.runAt(lv)) < lv)
      return
    this.moveTo(this.graph.parentsOf(lv))
  }

  /** Moves the tree's current states to a version that it holds. */
  moveTo(version: readonly number[]): void {
    if (sameFrontier(this.version, version)) return
    const { aOnly, bOnly } = diff(this.graph, this.version, version)
    this.shift(aOnly, -1)
    this.shift(bOnly, 1)
    this.version = version
  }

  /** Adds to the states of everything that operations did. In which order does not matter: states are counts. */
  private shift(ranges: Ranges, by: number): void {
    const { log, tree } = this
    for (let i = 0; i < ranges.length; i += 2) {
      const start = ranges[i] as number
      const end = ranges[i + 1] as number
      for (let run = log.firstRunFrom(start); run < log.runs; run++) {
        const first = log.lvs.at(run)
        if (first >= end) break
        const skip = Math.max(0, start - first)
        const count = Math.min(end - first, log.lengthOf(run)) - skip
        const ordinal = log.ordinals.at(run) + skip
        if (log.kinds.at(run) === opKind.insert) this.shiftItems(ordinal, count, by)
        else {
          for (let k = 0; k < count;) {
            const target = tree.targetOf(ordinal + k)
            let size = 1
            // A deletion that hit nothing is below every id; it must not be taken for the neighbour of the first one.
            if (target >= 0) {
              while (k + size < count && tree.targetOf(ordinal + k + size) === target + size) size++
              if (size > 1) this.shiftItems(target, size, by)
              else {
                while (k + size < count && size <= target && tree.targetOf(ordinal + k + size) === target - size) size++
                this.shiftItems(target - size + 1, size, by)
              }
            }
            k += size
          }
        }
      }
    }
  }

  private shiftItems(id: number, count: number, by: number): void {
    const { tree } = this
    for (let done = 0; done < count;) {
      tree.seekId(id + done)
      done += tree.change(count - done, by, false)
    }
  }

  private insert(position: number, ordinal: number, count: number, place: number, sink: EditSink): void {
    const { tree } = this
    const at = Math.min(position, tree.currentLength - this.surplus)
    if (at < position) this.log.beyondEnd = true
    let left = -1
    if (at === 0) tree.seekStart()
    else {
      tree.seekCurrent(at - 1)
      left = tree.id
      tree.stepItem()
    }
    const right = this.findPlace(left, ordinal)
    sink.inserted(tree.endPosition, place, count)
    tree.insert(ordinal, count, left, right)
  }

  /**
   * The tree stands behind the item's left origin. Finds its right origin, which is returned, and goes to its place between them:
   * they can have only items between that its author did not know.
   */
  private findPlace(left: number, ordinal: number): number {
    const { tree } = this
    if (tree.inRow && tree.current !== 0) return tree.id
    tree.save()
    if (!tree.toNextItem()) return -1
    if (tree.current !== 0) {
      const right = tree.id
      tree.restore()
      return right
    }
    let more = true
    while (more && tree.current === 0) more = tree.toNextRow()
    const right = more ? tree.id : -1
    tree.restore()
    this.scan(left, right, ordinal)
    return right
  }

  private scan(left: number, right: number, ordinal: number): void {
    const { tree } = this
    tree.save()
    let scanning = false
    for (let more = tree.toNextItem(); more && tree.current === 0; more = tree.toNextItem()) {
      const otherLeft = tree.left
      if (otherLeft === left) {
        const otherRight = tree.right
        if (otherRight === right) {
          if (this.goesBefore(ordinal, tree.id)) break
          scanning = false
        } else scanning = right < 0 || (otherRight >= 0 && tree.compare(otherRight, right) < 0)
      } else if (left >= 0 && (otherLeft < 0 || tree.compare(otherLeft, left) < 0)) break
      tree.skipRow()
      if (!scanning) tree.save()
    }
    tree.restore()
  }

  /** Order of concurrent items with the same origins. */
  private goesBefore(a: number, b: number): boolean {
    return this.graph.compare(this.log.lvOf(a), this.log.lvOf(b)) < 0
  }

  /** Deletes `count` items from `position` on; with `back`, the last of them was the first operation. */
  private remove(position: number, count: number, ordinal: number, back: boolean, sink: EditSink): void {
    const { tree } = this
    const left = Math.max(0, Math.min(count, tree.currentLength - this.surplus - position))
    // Of a range that reaches beyond the end only the part before it deletes anything.
    const beyond = count - left
    if (beyond > 0) {
      tree.recordNothing(back ? ordinal : ordinal + left, beyond)
      this.log.beyondEnd = true
    }
    const first = back ? ordinal + count - 1 : ordinal
    for (let done = 0; done < left;) {
      tree.seekCurrent(position)
      const id = tree.id
      const end = tree.endPosition
      const wasThere = !tree.deleted
      const size = tree.change(left - done, 1, true)
      tree.recordTargets(back ? first - done : first + done, id, size, back)
      if (wasThere) sink.deleted(end, size)
      done += size
    }
  }
}
