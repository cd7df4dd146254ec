/**
 * The live part of a sequence: its operations, its content as it is now, and the walker that brings the one into the other.
 *
 * Operations that follow everything known are edits as they stand: they are only logged, as part of the last run when they go on
 * with it, and reach the rope when somebody reads. So typing costs next to nothing, and whoever types alone never needs more than
 * the log and the rope. Only what was made concurrently goes through the walker.
 */
import { NitroError, assert } from '../../base/index.ts'
import type { CausalGraph } from '../graph/graph.ts'
import { walkOrder } from '../graph/walk-order.ts'
import { OpLog, opKind } from './op-log.ts'
import type { OpKind } from './op-log.ts'
import type { Rope, Units } from './rope.ts'
import { Walker } from './walker.ts'
import type { EditSink } from './walker.ts'

/** An edit of the content as it stands after the edits before it: first `removed` units at `position` go, then `inserted` comes. */
export interface SequencePatch<Content> {
  readonly position: number
  readonly removed: number
  readonly inserted: Content
}

/** See the header. `Content` is what users see, and `U` is what the rope is made of. */
export abstract class LiveSequence<Content, U extends Units> implements EditSink {
  protected readonly graph: CausalGraph
  readonly log = new OpLog()
  protected readonly rope: Rope<U>
  private readonly walker: Walker
  /** Everything with a smaller LV is counted in `length`. */
  protected integrated = 0
  /** Everything with a smaller LV is in the rope. */
  private synced = 0
  private patches: SequencePatch<Content>[] | undefined
  /** Whether edits change `length` and are told, and whether they change the rope. */
  private counting = false
  private writing = false
  /** How many units there are now. */
  length = 0

  protected constructor(graph: CausalGraph, rope: Rope<U>) {
    this.graph = graph
    this.rope = rope
    this.walker = new Walker(graph, this.log)
  }

  /** Inserted units `[start, end)` by their place in the store, as content. */
  abstract contentOf(start: number, end: number): Content
  protected abstract emptyContent(): Content
  /** Puts inserted units `[start, end)` into the rope. */
  protected abstract insertUnits(position: number, start: number, end: number): void

  // --- operations ---

  /** Notes that units were appended to the store by operations from `lv` on, made here after everything known. */
  protected logLocalInsert(position: number, count: number, lv: number): void {
    this.log.push(opKind.insert, lv, count, position)
    this.length += count
    this.integrated = lv + count
  }

  /** Throws unless a local edit stays within what is there. */
  protected checkRange(position: number, count: number): void {
    if (!(Number.isSafeInteger(position) && Number.isSafeInteger(count) && position >= 0 && count >= 0))
      throw new NitroError('InvalidArgument', `position ${position} and count ${count} must be non-negative integers`)
    if (position + count > this.length)
      throw new NitroError('InvalidArgument', `${position} + ${count} is beyond the length, ${this.length}`)
  }

  /**
   * Deletes units. `lv` is the first of `count` local versions that the graph has given to this operation; they follow everything
   * known. Throws `InvalidArgument`, in time if {@link checkRange} is asked before the graph.
   */
  delete(position: number, count: number, lv: number): void {
    this.checkRange(position, count)
    if (count === 0) return
    this.log.push(opKind.delete, lv, count, position)
    this.length -= count
    this.integrated = lv + count
  }

  /** Takes deletions from elsewhere, to be integrated. */
  receiveDelete(kind: OpKind, position: number, count: number, lv: number): void {
    this.log.push(kind, lv, count, position)
  }

  /**
   * Brings operations with LVs below `end` into the content; those of all spans up to there have been received. The edits are
   * appended to `patches`, if given.
   */
  integrate(end: number, patches?: SequencePatch<Content>[]): void {
    const { graph } = this
    this.patches = patches
    while (this.integrated < end) {
      const run = this.log.firstRunFrom(this.integrated)
      if (run === this.log.runs || this.log.lvs.at(run) >= end) {
        this.integrated = end
        break
      }
      // What belongs to other values needs no look at all.
      const start = Math.max(this.integrated, this.log.lvs.at(run))
      const stop = this.sequentialUntil(start, end)
      if (stop > start) this.follow(start, stop)
      else this.merge(start, this.concurrentUntil(start, end))
    }
    assert(graph.length >= end, 'the graph has what is integrated')
    this.patches = undefined
  }

  /** Up to where operations follow everything before them, and nothing later in the batch is concurrent with them. */
  private sequentialUntil(start: number, end: number): number {
    const { graph } = this
    const run = graph.runAt(start)
    if (!graph.includesAllBefore(run)) return start
    if (graph.endOfRun(run) >= end) return end
    // What stands in the midst of a critical range needs no look at each run.
    return Math.max(start, Math.min(end, graph.criticalEnd(start)))
  }

  private concurrentUntil(start: number, end: number): number {
    const { graph } = this
    for (let lv = graph.endOfRun(graph.runAt(start)); lv < end; lv = graph.endOfRun(graph.runAt(lv))) {
      if (graph.criticalBefore(lv) === lv) return lv
    }
    return end
  }

  /** Counts operations that are edits as they stand; they are written when somebody reads. */
  private follow(start: number, end: number): void {
    this.counting = true
    this.edit(start, end)
    this.counting = false
    this.integrated = end
  }

  /** Brings the rope up to an LV. What it lacks are operations that are edits as they stand. */
  private sync(end: number): void {
    if (this.synced >= end) return
    this.writing = true
    this.edit(this.synced, end)
    this.writing = false
    this.synced = end
  }

  /** The rope with everything integrated in it. */
  protected current(): Rope<U> {
    this.sync(this.integrated)
    return this.rope
  }

  private edit(start: number, end: number): void {
    const { log } = this
    for (let run = log.firstRunFrom(start); run < log.runs; run++) {
      const first = log.lvs.at(run)
      if (first >= end) break
      const skip = Math.max(0, start - first)
      const count = Math.min(end - first, log.lengthOf(run)) - skip
      const kind = log.kinds.at(run)
      const position = log.positions.at(run)
      const length = this.counting ? this.length : this.rope.length
      if (kind === opKind.insert) {
        const at = Math.min(position + skip, length)
        if (at < position + skip) log.beyondEnd = true
        this.inserted(at, log.contents.at(run) + skip, count)
      } else {
        const at = kind === opKind.delete ? position : position - skip - count + 1
        const there = Math.max(0, Math.min(count, length - at))
        if (there < count) log.beyondEnd = true
        if (there > 0) this.deleted(at, there)
      }
    }
  }

  /** Sends concurrent operations through the walker. */
  private merge(start: number, end: number): void {
    this.sync(start)
    const { graph, walker } = this
    let oldest = start
    for (let lv = start; lv < end; lv = graph.endOfRun(graph.runAt(lv))) {
      oldest = Math.min(oldest, graph.parentsOf(lv)[0] ?? -1)
    }
    walker.prepare(oldest, start, this.length)
    this.counting = true
    this.writing = true
    if (graph.endOfRun(graph.runAt(start)) >= end) walker.apply(start, end, this)
    else {
      const order = walkOrder(graph, start, end)
      for (let i = 0; i < order.length; i += 2) walker.apply(order[i] as number, order[i + 1] as number, this)
    }
    this.counting = false
    this.writing = false
    walker.finish(end)
    this.integrated = end
    this.synced = end
  }

  /** The walker with every item from the beginning in its tree. */
  protected wholeTree(): Walker {
    this.walker.prepareAll(this.integrated, this.length)
    return this.walker
  }

  // --- what edits come to ---

  /** Counts, tells, and writes an insertion, as is asked for. */
  inserted(position: number, place: number, count: number): void {
    if (this.writing) this.insertUnits(position, place, place + count)
    if (!this.counting) return
    this.length += count
    this.patches?.push({ position, removed: 0, inserted: this.contentOf(place, place + count) })
  }

  /** Counts, tells, and writes a deletion, as is asked for. */
  deleted(position: number, count: number): void {
    if (this.writing) this.rope.remove(position, count)
    if (!this.counting) return
    this.length -= count
    this.patches?.push({ position, removed: count, inserted: this.emptyContent() })
  }
}
