/**
 * The operations of one sequence, as runs in columns, in order of local versions (LVs).
 *
 *   kind           what unit i of a run does, in the state that its own parents make
 *   insert         puts the next unit of content before position `pos + i`
 *   delete         removes what stands at `pos`: the unit after it moves there and goes next (the delete key, or a range)
 *   deleteBack     removes what stands at `pos - i` (the backspace key)
 *
 * A unit is one operation: a UTF-16 code unit, or an element of a list. Besides its LV a unit has an *ordinal*: the how many-th
 * operation of this sequence it is. Ordinals are dense even when other values of the document take LVs in between, and have the
 * same order as LVs, so tables are indexed by ordinal.
 */
import { assert } from '../../base/index.ts'
import { IntColumn } from '../graph/columns.ts'
import type { RunColumns } from './run-codec.ts'

/** What the operations of a run do. */
export const opKind = { insert: 0, delete: 1, deleteBack: 2 } as const

/** One of {@link opKind}. */
export type OpKind = 0 | 1 | 2

/**
 * What a run becomes when an operation right behind it goes on with it: its kind, or -1 when the operation does not. The first two
 * single deletions decide the direction. Runs are as long as this makes them, unit by unit, so the same operations have the
 * same runs, however they came.
 */
export function continued(had: OpKind, at: number, size: number, kind: OpKind, position: number): OpKind | -1 {
  if (kind === opKind.insert) return had === opKind.insert && position === at + size ? had : -1
  if (had === opKind.insert) return -1
  if (position === at && (had === opKind.delete || size === 1)) return opKind.delete
  if (position === at - size && (had === opKind.deleteBack || size === 1)) return opKind.deleteBack
  return -1
}

/** See the header. Content is kept beside it, in the order of the inserts. */
export class OpLog {
  readonly lvs = new IntColumn()
  readonly kinds = new IntColumn()
  readonly positions = new IntColumn()
  readonly ordinals = new IntColumn()
  /** For each run how many units of content were inserted before it. */
  readonly contents = new IntColumn()
  /** How many operations there are. */
  units = 0
  /** How many of them are inserts. */
  inserted = 0
  /** Whether an operation had a position beyond the end of what its author saw: no correct author does that. */
  beyondEnd = false
  private hint = 0

  /** How many runs there are. */
  get runs(): number {
    return this.lvs.length
  }

  /** How many operations a run has. */
  lengthOf(run: number): number {
    const next = run + 1 === this.ordinals.length ? this.units : this.ordinals.at(run + 1)
    return next - this.ordinals.at(run)
  }

  /** LV after the last operation. */
  get end(): number {
    const last = this.lvs.length - 1
    return last < 0 ? 0 : this.lvs.at(last) + this.lengthOf(last)
  }

  /** Adds operations, as part of the last run as far as they go on with it. */
  push(kind: OpKind, lv: number, length: number, position: number): void {
    assert(lv >= this.end && length > 0, 'operations come in order')
    const run = this.lvs.length - 1
    let taken = 0
    if (run >= 0) {
      const size = this.units - this.ordinals.at(run)
      if (this.lvs.at(run) + size === lv) {
        const joined = continued(this.kinds.at(run) as OpKind, this.positions.at(run), size, kind, position)
        if (joined >= 0) {
          this.kinds.data[run] = joined
          taken = joined === kind ? length : 1
        }
      }
    }
    if (taken === 0) {
      this.lvs.push(lv)
      this.kinds.push(length === 1 && kind === opKind.deleteBack ? opKind.delete : kind)
      this.positions.push(position)
      this.ordinals.push(this.units)
      this.contents.push(this.inserted)
      taken = length
    }
    this.units += taken
    if (kind === opKind.insert) this.inserted += taken
    if (taken < length) this.push(kind, lv + 1, length - 1, kind === opKind.deleteBack ? position - 1 : position)
  }

  /** Adds runs none of which goes on with the one before, except perhaps the first; their events have LVs from `lv` on. */
  pushAll(runs: RunColumns, lv: number): void {
    if (runs.runs === 0) return
    this.push(
      runs.kinds[0] as OpKind,
      lv + (runs.events[0] as number),
      runs.lengths[0] as number,
      runs.positions[0] as number,
    )
    const { lvs, kinds, positions, ordinals, contents } = this
    for (let run = 1; run < runs.runs; run++) {
      const kind = runs.kinds[run] as OpKind
      const length = runs.lengths[run] as number
      lvs.push(lv + (runs.events[run] as number))
      kinds.push(kind)
      positions.push(runs.positions[run] as number)
      ordinals.push(this.units)
      contents.push(this.inserted)
      this.units += length
      if (kind === opKind.insert) this.inserted += length
    }
  }

  /** The first run with an operation at or after an LV; {@link runs} when there is none. */
  firstRunFrom(lv: number): number {
    const { lvs, hint } = this
    let run = lvs.length - 1
    if (run < 0 || lv >= this.end) return lvs.length
    if (lvs.at(run) <= lv) return run
    run = hint
    if (!(run < lvs.length && lvs.at(run) <= lv && (run + 1 === lvs.length || lvs.at(run + 1) > lv)))
      run = lvs.floor(lv)
    if (run < 0) return 0
    this.hint = run
    return lvs.at(run) + this.lengthOf(run) > lv ? run : run + 1
  }

  /** How many operations of this sequence have a smaller LV. */
  ordinalOf(lv: number): number {
    const run = this.firstRunFrom(lv)
    if (run === this.runs) return this.units
    return this.ordinals.at(run) + Math.max(0, lv - this.lvs.at(run))
  }

  /** Whether the operation with this LV is one of this sequence, and an insert. */
  isInsert(lv: number): boolean {
    const run = this.firstRunFrom(lv)
    return run < this.runs && this.lvs.at(run) <= lv && this.kinds.at(run) === opKind.insert
  }

  /** LV of an operation by its ordinal. */
  lvOf(ordinal: number): number {
    const run = this.ordinals.floor(ordinal)
    return this.lvs.at(run) + ordinal - this.ordinals.at(run)
  }

  /** Where the content of an insert is, by its ordinal. */
  contentOf(ordinal: number): number {
    const run = this.ordinals.floor(ordinal)
    return this.contents.at(run) + ordinal - this.ordinals.at(run)
  }

  /** The ordinal of the insert that a unit of content belongs to. */
  ordinalOfContent(content: number): number {
    // Deletions have the content index of the next insert, so the last run at an index is the insert.
    const run = this.contents.floor(content)
    return this.ordinals.at(run) + content - this.contents.at(run)
  }
}
