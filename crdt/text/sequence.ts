/** A sequence of a document: the live part, what goes in and out as bytes, items by name, and the past. */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import type { Ranges } from '../graph/walk.ts'
import { diff } from '../graph/walk.ts'
import type { Anchor, Side } from './anchors.ts'
import { endAnchor, startAnchor } from './anchors.ts'
import type { Forgotten } from './erasure.ts'
import { RangeSet, nothingForgotten, readErased, writeErased } from './erasure.ts'
import { collectRuns, positionAfter, takeRuns } from './exchange.ts'
import type { LvOf } from './exchange.ts'
import { LiveSequence } from './live-sequence.ts'
import { opKind } from './op-log.ts'
import type { OpKind } from './op-log.ts'
import type { Units } from './rope.ts'
import { RunColumns, readRuns, writeRuns } from './run-codec.ts'
import type { Walker } from './walker.ts'

export type { SequencePatch } from './live-sequence.ts'

/** Operations that were read from bytes and checked, for {@link Sequence.receive}. */
export interface ReadOperations<Stored> {
  readonly runs: RunColumns
  /** Which of the inserted units, counted from 0, have no content any more. */
  readonly erased: RangeSet
  /** The content of the others. */
  readonly stored: Stored
}

/** Common part of texts and lists. `Stored` is inserted content as it is read from bytes. */
export abstract class Sequence<Content, Stored, U extends Units> extends LiveSequence<Content, U> {
  /** Places in the store that have no content any more. */
  private readonly erased = new RangeSet()
  /** Room for what is being written. */
  private readonly collected = new RunColumns()

  protected abstract joinContent(pieces: readonly Content[]): Content
  /** Writes the stored units of pieces `[start, end, start, end, ...]`. */
  protected abstract writeStored(writer: ByteWriter, pieces: readonly number[]): void
  /** Reads exactly `count` units. Throws `NotCanonical` or `MalformedFrame`. */
  protected abstract readStored(reader: ByteReader, count: number): Stored
  /** Appends units `[start, end)` of what was read to the store. */
  protected abstract appendStored(stored: Stored, start: number, end: number): void
  /** Appends units without content to the store. */
  protected abstract appendErased(count: number): void
  /** Forgets the content of units `[start, end)` of the store. */
  protected abstract eraseStored(start: number, end: number): void

  /** Whether there are operations with LVs in `[start, end)`. */
  hasOperations(start: number, end: number): boolean {
    const run = this.log.firstRunFrom(start)
    return run < this.log.runs && this.log.lvs.at(run) < end
  }

  /** Appends the operations with LVs in the ranges. The n-th event of all ranges, in their order, is called n. */
  writeOperations(writer: ByteWriter, ranges: Ranges): void {
    const pieces = collectRuns(this.log, ranges, this.collected)
    writeRuns(writer, this.collected)
    this.writeStored(writer, writeErased(writer, this.erased, pieces))
  }

  /**
   * Reads what {@link writeOperations} wrote for so many events; `forgotten` checks those without content. Changes nothing. Throws
   * `NotCanonical` or `MalformedFrame`, and what `forgotten` throws.
   */
  readOperations(reader: ByteReader, events: number, forgotten: Forgotten = nothingForgotten): ReadOperations<Stored> {
    const runs = readRuns(reader, events)
    const { erased, kept } = readErased(reader, runs, forgotten)
    return { runs, erased, stored: this.readStored(reader, kept) }
  }

  /**
   * By how many units a deletion reaches beyond what was ever inserted, up to now and by the operations themselves; 0 when none
   * does. `known` is false for a sequence that they begin; `spanEnds` gives the events that begin another author's or another
   * branch, ascending: a run may go over them.
   */
  beyondEnd({ runs }: ReadOperations<Stored>, known: boolean, spanEnds: () => readonly number[]): number {
    const most = runs.inserted + (known ? this.log.inserted : 0)
    if (runs.furthest <= most) return 0
    const ends = spanEnds()
    let at = 0
    let beyond = 0
    for (let run = 0; run < runs.runs; run++) {
      const kind = runs.kinds[run] as OpKind
      if (kind === opKind.insert) continue
      const start = runs.events[run] as number
      const end = start + (runs.lengths[run] as number)
      for (let event = start; event < end;) {
        while (at < ends.length && (ends[at] as number) <= event) at++
        const stop = Math.min(end, ends[at] ?? end)
        const position = positionAfter(kind, runs.positions[run] as number, event - start)
        beyond = Math.max(beyond, position + (kind === opKind.delete ? stop - event : 1) - most)
        event = stop
      }
    }
    return beyond
  }

  /** Takes operations in, to be integrated. */
  receive({ runs, erased, stored }: ReadOperations<Stored>, lvOf: LvOf): void {
    const last = runs.runs - 1
    if (last < 0) return
    const end = (runs.events[last] as number) + (runs.lengths[last] as number) - 1
    const first = lvOf(0)
    if (first >= 0 && erased.empty && lvOf(end) === first + end) {
      // All of it is new and in one piece, as when a document is loaded.
      this.appendStored(stored, 0, runs.inserted)
      this.log.pushAll(runs, first)
      return
    }
    takeRuns(runs, lvOf, (kind, lv, count, position, content) => {
      if (kind === opKind.insert) {
        if (erased.empty) {
          this.appendStored(stored, content, content + count)
          this.log.push(kind, lv, count, position)
          return
        }
        let place = this.log.inserted
        erased.cut([content, content + count], (start, end, inside) => {
          if (inside) {
            this.appendErased(end - start)
            this.erased.append(place, place + end - start)
          } else {
            const before = erased.countBefore(start)
            this.appendStored(stored, start - before, end - before)
          }
          place += end - start
        })
      }
      this.log.push(kind, lv, count, position)
    })
  }

  /** How many units have no content any more. */
  get forgotten(): number {
    return this.erased.size
  }

  /**
   * Forgets the content that deletions of a version took out, of so many units at most, and returns of how many. Everybody must
   * have them: what else is known of older versions can't be read any more.
   */
  forget(version: readonly number[], unitsMax: number): number {
    const { log } = this
    const { tree } = this.wholeTree()
    const gone: Ranges = []
    for (const [start, end] of pairs(diff(this.graph, [], version).bOnly)) {
      for (let run = log.firstRunFrom(start); run < log.runs && log.lvs.at(run) < end; run++) {
        if (log.kinds.at(run) === opKind.insert) continue
        const first = Math.max(start, log.lvs.at(run))
        const last = Math.min(end, log.lvs.at(run) + log.lengthOf(run))
        for (let lv = first; lv < last; lv++) {
          const target = tree.targetOf(log.ordinals.at(run) + lv - log.lvs.at(run))
          if (target >= 0) gone.push(log.contentOf(target), log.contentOf(target) + 1)
        }
      }
    }
    const all = new RangeSet()
    all.addAll(gone)
    const added: Ranges = []
    let room = unitsMax
    all.cut([0, log.inserted], (from, to, inside) => {
      if (!inside || room === 0) return
      this.erased.cut([from, to], (start, end, before) => {
        const count = before ? 0 : Math.min(end - start, room)
        if (count === 0) return
        room -= count
        added.push(start, start + count)
        this.eraseStored(start, start + count)
      })
    })
    this.erased.addAll(added)
    return unitsMax - room
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

function pairs(ranges: Ranges): (readonly [number, number])[] {
  return ranges.flatMap((start, i) => (i % 2 === 0 ? [[start, ranges[i + 1] as number] as const] : []))
}
