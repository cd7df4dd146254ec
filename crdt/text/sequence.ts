/**
 * A sequence of a document: its operations, its content as it is now, and the walker that brings the one into the other.
 *
 * Operations that follow everything known are edits as they stand: they are only logged, as part of the last run when they go on
 * with it, and reach the rope when somebody reads. So typing costs next to nothing, and whoever types alone never needs more than
 * the log and the rope. Only what was made concurrently goes through the walker.
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { NitroError, assert } from '../../base/index.ts'
import type { CausalGraph } from '../graph/graph.ts'
import type { Anchor, Side } from './anchors.ts'
import { endAnchor, startAnchor } from './anchors.ts'
import { collectRuns, takeRuns } from './exchange.ts'
import { walkOrder } from '../graph/walk-order.ts'
import type { Ranges } from '../graph/walk.ts'
import { OpLog, opKind } from './op-log.ts'
import type { OpKind } from './op-log.ts'
import type { Rope, Units } from './rope.ts'
import type { RunColumns } from './run-codec.ts'
import { readRuns, writeRuns } from './run-codec.ts'
import { Walker } from './walker.ts'
import type { EditSink } from './walker.ts'

/** An edit of the content as it stands after the edits before it: first `removed` units at `position` go, then `inserted` comes. */
export interface SequencePatch<Content> {
  readonly position: number
  readonly removed: number
  readonly inserted: Content
}

/** Operations that were read from bytes and checked, for {@link Sequence.receive}. */
export interface ReadOperations<Stored> {
  readonly runs: RunColumns
  readonly stored: Stored
}

/**
 * Common part of texts and lists. `Content` is what users see, `Stored` is inserted content as it is read from bytes, and `U` is
 * what the rope is made of.
 */
export abstract class Sequence<Content, Stored, U extends Units> implements EditSink {
  protected readonly graph: CausalGraph
  readonly log = new OpLog()
  protected readonly rope: Rope<U>
  private readonly walker: Walker
  /** Everything with a smaller LV is counted in `length`. */
  private integrated = 0
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
  protected abstract joinContent(pieces: readonly Content[]): Content
  /** Writes the stored units of pieces `[start, end, start, end, ...]`. */
  protected abstract writeStored(writer: ByteWriter, pieces: readonly number[]): void
  /** Reads exactly `count` units. Throws `NotCanonical` or `MalformedFrame`. */
  protected abstract readStored(reader: ByteReader, count: number): Stored
  /** Appends units `[start, end)` of what was read to the store. */
  protected abstract appendStored(stored: Stored, start: number, end: number): void
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

  /** Whether there are operations with LVs in `[start, end)`. */
  hasOperations(start: number, end: number): boolean {
    const run = this.log.firstRunFrom(start)
    return run < this.log.runs && this.log.lvs.at(run) < end
  }

  /** Appends the operations with LVs in the ranges. The n-th event of all ranges, in their order, is called n. */
  writeOperations(writer: ByteWriter, ranges: Ranges): void {
    const { runs, pieces } = collectRuns(this.log, ranges)
    writeRuns(writer, runs)
    this.writeStored(writer, pieces)
  }

  /** Reads what {@link writeOperations} wrote for so many events. Changes nothing. Throws `NotCanonical` or `MalformedFrame`. */
  readOperations(reader: ByteReader, events: number): ReadOperations<Stored> {
    const runs = readRuns(reader, events)
    return { runs, stored: this.readStored(reader, runs.inserted) }
  }

  /** Takes operations in, to be integrated. `lvOf` gives the LV of an event, ascending, or -1 for one that is known already. */
  receive({ runs, stored }: ReadOperations<Stored>, lvOf: (event: number) => number): void {
    takeRuns(runs, lvOf, (kind, lv, count, position, content) => {
      if (kind === opKind.insert) this.appendStored(stored, content, content + count)
      this.log.push(kind, lv, count, position)
    })
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
        this.inserted(at, log.ordinals.at(run) + skip, count)
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
    const order = walkOrder(graph, start, end)
    for (let i = 0; i < order.length; i += 2) walker.apply(order[i] as number, order[i + 1] as number, this)
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
  inserted(position: number, ordinal: number, count: number): void {
    const start = this.log.contentOf(ordinal)
    if (this.writing) this.insertUnits(position, start, start + count)
    if (!this.counting) return
    this.length += count
    this.patches?.push({ position, removed: 0, inserted: this.contentOf(start, start + count) })
  }

  /** Counts, tells, and writes a deletion, as is asked for. */
  deleted(position: number, count: number): void {
    if (this.writing) this.rope.remove(position, count)
    if (!this.counting) return
    this.length -= count
    this.patches?.push({ position, removed: count, inserted: this.emptyContent() })
  }

  // --- items by name ---

  /**
   * The anchor at a position: before the item behind it or after the item in front of it; the start or end where there is none.
   * Throws `InvalidArgument` beyond the end.
   */
  anchorAt(position: number, side: Side): Anchor {
    this.checkRange(position, 0)
    if (side === 'before' ? position === this.length : position === 0)
      return side === 'before' ? endAnchor : startAnchor
    const { tree } = this.wholeTree()
    tree.seekEnd(side === 'before' ? position : position - 1)
    return { at: side, ...this.graph.dotOf(this.log.lvOf(tree.id)) }
  }

  /** The position of an anchor now; undefined when its item has not arrived, or is none of this sequence. */
  positionOf(anchor: Anchor): number | undefined {
    if (anchor.at === 'start') return 0
    if (anchor.at === 'end') return this.length
    const lv = this.graph.lvOf(anchor.rid, anchor.seq)
    if (lv < 0 || lv >= this.integrated || !this.log.isInsert(lv)) return undefined
    const { tree } = this.wholeTree()
    tree.seekId(this.log.ordinalOf(lv))
    tree.locateEnd()
    return tree.endPosition + (anchor.at === 'after' && !tree.deleted ? 1 : 0)
  }

  /** Where units inserted by operations `[start, end)` are now, as positions `[start, end, ...]` in order of the operations. */
  visibleRanges(start: number, end: number): Ranges {
    const { log } = this
    const { tree } = this.wholeTree()
    const ranges: Ranges = []
    for (let run = log.firstRunFrom(start); run < log.runs; run++) {
      const first = Math.max(start, log.lvs.at(run))
      const last = Math.min(end, log.lvs.at(run) + log.lengthOf(run))
      if (first >= end) break
      if (log.kinds.at(run) !== opKind.insert) continue
      for (let lv = first; lv < last;) {
        tree.seekId(log.ordinals.at(run) + lv - log.lvs.at(run))
        const count = Math.min(tree.rest, last - lv)
        tree.locateEnd()
        const at = tree.endPosition
        if (!tree.deleted && ranges.at(-1) === at) ranges[ranges.length - 1] = at + count
        else if (!tree.deleted) ranges.push(at, at + count)
        lv += count
      }
    }
    return ranges
  }

  /** LV of the insert of the unit that a deletion took out; undefined for one beyond the end, which took nothing. */
  takenBy(lv: number): number | undefined {
    const target = this.wholeTree().tree.targetOf(this.log.ordinalOf(lv))
    return target < 0 ? undefined : this.log.lvOf(target)
  }

  /** LV of the insert of the unit at a position. */
  unitAt(position: number): number {
    const { tree } = this.wholeTree()
    tree.seekEnd(position)
    return this.log.lvOf(tree.id)
  }

  /** Where the unit of an insert stands, or would stand if it were not deleted. */
  positionOfUnit(lv: number): number {
    const { tree } = this.wholeTree()
    tree.seekId(this.log.ordinalOf(lv))
    tree.locateEnd()
    return tree.endPosition
  }

  /** Order of the units of two different inserts, deleted or not: negative if the first stands in front. */
  compareUnits(a: number, b: number): number {
    return this.wholeTree().tree.compare(this.log.ordinalOf(a), this.log.ordinalOf(b))
  }

  // --- the past ---

  /** The content at a version, which must be integrated. */
  at(version: readonly number[]): Content {
    const { tree } = this.movedTo(version)
    const pieces: Content[] = []
    tree.seekStart()
    for (let more = tree.toNextItem(); more; more = tree.toNextRow()) {
      if (tree.current !== 1) continue
      const start = this.log.contentOf(tree.id)
      pieces.push(this.contentOf(start, start + tree.rest))
    }
    return this.joinContent(pieces)
  }

  /** LVs of the inserts whose units are there at a version, in order of the units. */
  protected insertsAt(version: readonly number[]): number[] {
    const { tree } = this.movedTo(version)
    const lvs: number[] = []
    tree.seekStart()
    for (let more = tree.toNextItem(); more; more = tree.toNextRow()) {
      if (tree.current !== 1) continue
      for (let i = 0; i < tree.rest; i++) lvs.push(this.log.lvOf(tree.id + i))
    }
    return lvs
  }

  private movedTo(version: readonly number[]): Walker {
    const walker = this.wholeTree()
    walker.moveTo(version)
    return walker
  }
}
