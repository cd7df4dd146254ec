/**
 * Operations in bytes, one after the other, each in terms of the one before it. The journal of a document and the update format
 * both use it.
 *
 *   head          bits 0-2 kind; bit 3 same place as before; bit 4 right after the one before; bits 5-6 time:
 *                 0 as before or none, 1 the next tick of the same millisecond, 2 written out; bit 7 is 0
 *   place         unless bit 3: number of the place in the table that goes with the rows
 *   gap           unless bit 4: how many positions are skipped, at least 1
 *   time          for 2: change of wall milliseconds (zigzag), tick
 *   key, value    for kinds that have them
 */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import { maxWallMs, tickOf, timeHigh, timeLow, wallOf } from '../kernel/hlc.ts'
import type { OpShape } from '../kernel/op.ts'
import { noValue, opShape } from '../kernel/op.ts'
import { notCanonical } from './errors.ts'
import { checkText, readText, writeText } from './text.ts'
import { readValue, writeValue } from './values.ts'

/** The kind of the operation that raises the epoch of a root; the same for every type. */
export const fenceKind = 7

/** What raising an epoch carries: nothing, the place says it all. */
export const fenceShape: OpShape = opShape('fence')

/** One operation among others. */
export interface Row {
  /** Number of the place in a table. */
  readonly place: number
  /** Where it stands among all operations, sequences' included; ascending. */
  position: number
  readonly kind: number
  readonly high: number
  readonly low: number
  readonly key: string
  readonly value: Value
}

const samePlace = 0x08
const noGap = 0x10
const timeShift = 5
const startLow = timeLow(0, 0)

/** Writes rows. */
export class RowWriter {
  private place = -1
  private position = 0
  private high = 0
  private low = startLow

  /** Begins anew, with nothing before. */
  reset(): this {
    this.place = -1
    this.position = 0
    this.high = 0
    this.low = startLow
    return this
  }

  /** Appends one row; positions must ascend. */
  write(
    writer: ByteWriter,
    place: number,
    position: number,
    op: Omit<Row, 'place' | 'position'>,
    shape: OpShape,
  ): void {
    const { kind, high, low } = op
    let time = 0
    if (shape.time && (high !== this.high || low !== this.low)) {
      time = high === this.high && low === this.low + 1 && tickOf(low) > 0 ? 1 : 2
    }
    const head =
      kind | (place === this.place ? samePlace : 0) | (position === this.position ? noGap : 0) | (time << timeShift)
    writer.u8(head)
    if (place !== this.place) writer.uint(place)
    if (position !== this.position) writer.uint(position - this.position)
    if (time === 2) {
      const change = wallOf(high, low) - wallOf(this.high, this.low)
      writer.uint(change < 0 ? -2 * change - 1 : 2 * change)
      writer.uint(tickOf(low))
    }
    if (shape.time) {
      this.high = high
      this.low = low
    }
    if (shape.key) writeText(writer, op.key)
    if (shape.value) writeValue(writer, op.value)
    this.place = place
    this.position = position + 1
  }
}

/** Reads what {@link RowWriter} wrote. Throws `NotCanonical` or `MalformedFrame`. */
export class RowReader {
  /** Keeps the shape, as {@link ByteReader.kept}. */
  static readonly kept: RowReader = new RowReader(() => undefined)
  private place = -1
  private position = 0
  private high = 0
  private low = startLow
  /** The operations of the type of a place, or undefined when there is no such place for rows. */
  private readonly shapes: (place: number) => readonly OpShape[] | undefined

  constructor(shapes: (place: number) => readonly OpShape[] | undefined) {
    this.shapes = shapes
  }

  read(reader: ByteReader): Row {
    const head = reader.u8()
    const kind = head & 0x07
    if ((head & samePlace) === 0) {
      const place = reader.uint()
      if (place === this.place) throw notCanonical('a place written twice')
      this.place = place
    }
    const shapes = this.shapes(this.place)
    const shape = kind === fenceKind ? fenceShape : shapes?.[kind]
    if (shapes === undefined || shape === undefined || head > 0x7f) throw notCanonical('the head of an operation')
    if ((head & noGap) === 0) {
      const gap = reader.uint()
      if (gap === 0) throw notCanonical('a gap of nothing')
      this.position += gap
    }
    this.readTime(reader, head >> timeShift, shape.time)
    const key = shape.key ? readText(reader) : ''
    if (key !== '') checkText(key)
    const value = shape.value ? readValue(reader) : noValue
    const position = this.position++
    const high = shape.time ? this.high : 0
    return { place: this.place, position, kind, high, low: shape.time ? this.low : 0, key, value }
  }

  private readTime(reader: ByteReader, code: number, timed: boolean): void {
    if (code === 0) return
    if (!timed || code > 2) throw notCanonical('a time where none belongs')
    if (code === 1) {
      this.low++
      if (tickOf(this.low) === 0) throw notCanonical('a tick too many')
      return
    }
    const zigzag = reader.uint()
    const wall = wallOf(this.high, this.low) + (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2)
    const tick = reader.uint()
    if (wall < 0 || wall > maxWallMs || tick > 0xffff) throw notCanonical('a time above the limit')
    const high = timeHigh(wall)
    const low = timeLow(wall, tick)
    const near = high === this.high && (low === this.low || (low === this.low + 1 && tick > 0))
    if (near) throw notCanonical('a time written out for nothing')
    this.high = high
    this.low = low
  }
}
