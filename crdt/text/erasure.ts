/**
 * Forgetting what was deleted. Once everybody has a deletion, nobody will ever need the content it took out: operations, their
 * order and so all anchors stay, the content goes.
 *
 * In bytes the erased units are ranges in the order of the inserts, before the content of the others:
 *
 *   count, then for each: units since the last one (or the beginning), length - 1
 *
 * So a few bytes stand for units that take room where they are read. Therefore nothing may be erased but what the base of the same
 * update covers, which everybody but a new document has, and that takes so much at most.
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { IntColumn } from '../graph/columns.ts'
import type { Ranges } from '../graph/walk.ts'
import { opKind } from './op-log.ts'
import type { RunColumns } from './run-codec.ts'

/** How many units of a document may have lost their content; what is deleted beyond keeps it. */
export const maxForgotten = 2 ** 24

/** Is told of events `[from, to)` whose content is not in the bytes, ascending. Throws `NotCanonical` where it should be. */
export type Forgotten = (from: number, to: number) => void

/** Every content should be there. */
export const nothingForgotten: Forgotten = () => {
  throw notCanonical('content is missing')
}

/** A set of units, as ranges that do not touch, ascending. */
export class RangeSet {
  private readonly starts = new IntColumn()
  private readonly ends = new IntColumn()
  /** For each range how many units are in those before it, as far as was asked. */
  private readonly counts = new IntColumn()

  /** Whether there is nothing in it. */
  get empty(): boolean {
    return this.starts.length === 0
  }

  /** How many units are in it. */
  get size(): number {
    return this.countBefore(Number.MAX_SAFE_INTEGER)
  }

  /** Adds a range that begins at or after the end of all others. */
  append(start: number, end: number): void {
    const last = this.ends.length - 1
    if (last >= 0 && this.ends.at(last) === start) this.ends.data[last] = end
    else {
      this.starts.push(start)
      this.ends.push(end)
    }
  }

  /** Adds ranges in any order, given as `[start, end, ...]`. */
  addAll(ranges: Ranges): void {
    const all: [number, number][] = []
    for (let i = 0; i < ranges.length; i += 2) all.push([ranges[i] as number, ranges[i + 1] as number])
    for (let i = 0; i < this.starts.length; i++) all.push([this.starts.at(i), this.ends.at(i)])
    all.sort((a, b) => a[0] - b[0])
    this.starts.length = this.ends.length = this.counts.length = 0
    for (const [start, end] of all) {
      const last = this.ends.length - 1
      if (last >= 0 && this.ends.at(last) >= start) this.ends.data[last] = Math.max(this.ends.at(last), end)
      else this.append(start, end)
    }
  }

  /** How many units before a place are in the set. */
  countBefore(place: number): number {
    while (this.counts.length < this.starts.length) {
      const index = this.counts.length
      const before = index === 0 ? 0 : this.counts.at(index - 1) + this.ends.at(index - 1) - this.starts.at(index - 1)
      this.counts.push(before)
    }
    const index = this.starts.floor(place - 1)
    return index < 0 ? 0 : this.counts.at(index) + Math.min(place, this.ends.at(index)) - this.starts.at(index)
  }

  /** Cuts pieces `[start, end, ...]` in any order into stretches that are in the set and those that are not, in that order. */
  cut(pieces: readonly number[], visit: (start: number, end: number, inside: boolean) => void): void {
    for (let i = 0; i < pieces.length; i += 2) {
      let at = pieces[i] as number
      const end = pieces[i + 1] as number
      let index = Math.max(0, this.starts.floor(at))
      while (at < end) {
        while (index < this.starts.length && this.ends.at(index) <= at) index++
        const start = index < this.starts.length ? this.starts.at(index) : end
        const inside = start <= at
        const stop = Math.min(end, inside ? this.ends.at(index) : start)
        visit(at, stop, inside)
        at = stop
      }
    }
  }
}

/** Writes which units of pieces are in a set, and returns the pieces of the others. */
export function writeErased(writer: ByteWriter, erased: RangeSet, pieces: readonly number[]): readonly number[] {
  if (erased.empty) {
    writer.uint(0)
    return pieces
  }
  const kept: Ranges = []
  const gone = new RangeSet()
  let before = 0
  erased.cut(pieces, (start, end, inside) => {
    if (inside) gone.append(before, before + end - start)
    else if (kept.at(-1) === start) kept[kept.length - 1] = end
    else kept.push(start, end)
    before += end - start
  })
  const ranges: number[] = []
  let last = 0
  gone.cut([0, before], (start, end, inside) => {
    if (!inside) return
    ranges.push(start - last, end - start - 1)
    last = end
  })
  writer.uint(ranges.length / 2)
  for (const number of ranges) writer.uint(number)
  return kept
}

const nothingErased = new RangeSet()

/** Reads what {@link writeErased} wrote for the inserts of runs. Throws `NotCanonical` or `MalformedFrame`. */
export function readErased(
  reader: ByteReader,
  runs: RunColumns,
  forgotten: Forgotten,
): { erased: RangeSet; kept: number } {
  const units = runs.inserted
  const count = reader.uint()
  if (count === 0) return { erased: nothingErased, kept: units }
  if (count * 2 > reader.remaining) throw notCanonical(`${count} ranges in ${reader.remaining} bytes`)
  const erased = new RangeSet()
  let end = 0
  let kept = units
  for (let i = 0; i < count; i++) {
    const gap = reader.uint()
    const length = reader.uint() + 1
    if (i > 0 && gap === 0) throw notCanonical('two ranges that touch')
    if (end + gap + length > units) throw notCanonical('a range beyond the content')
    erased.append(end + gap, end + gap + length)
    end += gap + length
    kept -= length
  }
  let content = 0
  for (let run = 0; run < runs.runs; run++) {
    if (runs.kinds[run] !== opKind.insert) continue
    const offset = (runs.events[run] as number) - content
    const next = content + (runs.lengths[run] as number)
    erased.cut([content, next], (from, to, inside) => {
      if (inside) forgotten(from + offset, to + offset)
    })
    content = next
  }
  return { erased, kept }
}
