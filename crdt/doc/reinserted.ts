/**
 * Content that was put back. A deletion can't be taken back as such, the same content is inserted anew, under new names; here
 * stands which new ones are for which old ones, so that undoing an older insertion finds them.
 */
import type { DocCore, LocalEdit } from './core.ts'
import type { UnitSequence } from './sequence.ts'
import { putIn } from './sequence.ts'
import type { Place } from './state.ts'

/** An insertion or deletion. */
type UnitEdit = Exclude<LocalEdit, { kind: 'other' }>

/** Units inserted by operations from `old` on, now there as those inserted from `fresh` on. */
interface Renamed {
  readonly old: number
  readonly fresh: number
  readonly length: number
}

/** See the header. */
export class Reinserted {
  private readonly renamed = new Map<UnitSequence, Renamed[]>()

  /** Puts back what a deletion took out, where it would stand now. */
  putBack(core: DocCore, place: Place, { sequence, lv, length, removed }: UnitEdit): void {
    if (place.content !== sequence) return
    const olds: number[] = []
    for (let i = 0; i < length; i++) olds.push(sequence.takenBy(lv + i) ?? -1)
    const [first] = olds
    if (first === undefined || first < 0) return
    const fresh = core.state.graph.length
    putIn(core, place, sequence, this.positionFor(sequence, this.root(sequence, first)), removed, length)
    let list = this.renamed.get(sequence)
    if (list === undefined) this.renamed.set(sequence, (list = []))
    for (let i = 0; i < length;) {
      let size = 1
      while (i + size < length && olds[i + size] === (olds[i] as number) + size) size++
      list.push({ old: olds[i] as number, fresh: fresh + i, length: size })
      i += size
    }
  }

  /**
   * Where a unit that was deleted would stand now. Copies of deleted units come to stand in front of all deleted ones there, so
   * those of units that stand behind it are stepped over.
   */
  private positionFor(sequence: UnitSequence, unit: number): number {
    let position = sequence.positionOfUnit(unit)
    while (position > 0) {
      const before = sequence.unitAt(position - 1)
      const root = this.root(sequence, before)
      if (root === before || sequence.compareUnits(root, unit) < 0) break
      position--
    }
    return position
  }

  /** The insert that a unit is a copy of, or its own. */
  private root(sequence: UnitSequence, unit: number): number {
    for (const { old, fresh, length } of this.renamed.get(sequence) ?? []) {
      if (unit >= fresh && unit < fresh + length) return this.root(sequence, old + unit - fresh)
    }
    return unit
  }

  /** What is left of units inserted by operations [start, end), under whatever names: positions and lengths, the last first. */
  left(sequence: UnitSequence, start: number, end: number): [position: number, length: number][] {
    const found: [number, number][] = []
    this.collect(sequence, start, end, found)
    return found.sort(([a], [b]) => b - a)
  }

  private collect(sequence: UnitSequence, start: number, end: number, found: [number, number][]): void {
    const ranges = sequence.visibleRanges(start, end)
    for (let i = 0; i < ranges.length; i += 2) {
      found.push([ranges[i] as number, (ranges[i + 1] as number) - (ranges[i] as number)])
    }
    for (const { old, fresh, length } of this.renamed.get(sequence) ?? []) {
      const from = Math.max(start, old)
      const to = Math.min(end, old + length)
      if (from < to) this.collect(sequence, fresh + from - old, fresh + to - old, found)
    }
  }
}
