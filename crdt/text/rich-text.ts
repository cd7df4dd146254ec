/** Text with marks: see text.ts and marks.ts. */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import { NitroError } from '../../base/index.ts'
import { checkText } from '../codec/text.ts'
import { ownValue } from '../codec/values.ts'
import type { Dot } from '../graph/graph.ts'
import type { Ranges } from '../graph/walk.ts'
import type { Anchor } from './anchors.ts'
import type { Forgotten } from './erasure.ts'
import type { LvOf } from './exchange.ts'
import type { Expand, Mark, MarkBody, MarkedSpan, PlacedMark } from './marks.ts'
import { readMark, spansOf, writeMark } from './marks.ts'
import type { ReadOperations } from './sequence.ts'
import type { SideOperation } from './side-log.ts'
import { SideLog, readSide } from './side-log.ts'
import { TextSequence } from './text.ts'

/** How to mark. */
export interface MarkOptions {
  /** Which edges take in what is inserted there; `after` unless said. */
  readonly expand?: Expand
  /** Whether marks of this key stand beside each other (comments); each is removed by its name. */
  readonly many?: boolean
}

/** A stretch of text with the same marks all over. */
export interface RichSpan extends Pick<MarkedSpan, 'marks' | 'many'> {
  readonly text: string
}

/** Operations of a text with marks that were read and checked. */
export interface ReadRichText extends ReadOperations<Uint8Array | Uint16Array> {
  readonly marks: readonly SideOperation<MarkBody>[]
}

const nothing = { marks: new Map<string, Value>(), many: new Map<string, never[]>() }

/** See the header. */
export class RichText extends TextSequence {
  private readonly marks = new SideLog<Mark>()

  /**
   * Marks `[start, end)`, by one operation, `lv`, that follows everything known. The value null takes a mark away. Returns the mark.
   * Throws `InvalidArgument` beyond the end, and `NotCanonical`.
   */
  mark(start: number, end: number, key: string, value: Value, options: MarkOptions, lv: number): Mark {
    this.checkMark(start, end, key, value, options)
    const { expand = 'after', many = false } = options
    const before = expand === 'before' || expand === 'both'
    const after = expand === 'after' || expand === 'both'
    const mark: Mark = {
      lv,
      key,
      value,
      start: before ? this.anchorAt(start, 'after') : this.anchorAt(start, 'before'),
      end: after ? this.anchorAt(end, 'before') : this.anchorAt(end, 'after'),
      name: many ? this.graph.dotOf(lv) : undefined,
    }
    this.marks.push(lv, mark)
    return mark
  }

  /** Throws what {@link mark} would throw. */
  checkMark(start: number, end: number, key: string, value: Value, options: MarkOptions = {}): void {
    this.checkRange(start, end - start)
    if (end <= start) throw new NitroError('InvalidArgument', 'a mark needs a range that is not empty')
    if (options.many === true && value === null)
      throw new NitroError('InvalidArgument', 'one of many marks is removed by its name')
    checkText(key)
    ownValue(value)
  }

  /** Removes one of many marks of a key, by one operation, `lv`. Throws `NotFound` when no mark has this name. */
  removeMark(name: Dot, lv: number): Mark {
    const made = this.named(name)
    if (made === undefined) throw new NitroError('NotFound', 'no mark has this name')
    const mark: Mark = { ...made, lv, value: null }
    this.marks.push(lv, mark)
    return mark
  }

  /** The mark that an operation made, if it made one of many. */
  named(name: Dot): Mark | undefined {
    const lv = this.graph.lvOf(name.rid, name.seq)
    const index = this.marks.lvs.floor(lv)
    const mark = this.marks.items[index]
    return mark?.lv === lv && mark.name?.rid === name.rid && mark.name.seq === name.seq ? mark : undefined
  }

  /** The marked stretches, in order. */
  spans(): MarkedSpan[] {
    const placed: PlacedMark[] = []
    for (const mark of this.marks.items) {
      const start = this.placeOf(mark.start)
      const end = this.placeOf(mark.end)
      if (start >= 0 && end > start) placed.push({ mark, start, end })
    }
    return spansOf(placed, this.length, (a, b) => this.graph.compareWriters(a, b))
  }

  private placeOf(anchor: Anchor): number {
    return this.positionOf(anchor) ?? -1
  }

  /** The whole text in stretches with the same marks, those without any included. */
  richText(): RichSpan[] {
    const out: RichSpan[] = []
    let at = 0
    for (const { start, end, marks, many } of this.spans()) {
      if (start > at) out.push({ text: this.slice(at, start), ...nothing })
      out.push({ text: this.slice(start, end), marks, many })
      at = end
    }
    if (at < this.length) out.push({ text: this.slice(at), ...nothing })
    return out
  }

  override hasOperations(start: number, end: number): boolean {
    return super.hasOperations(start, end) || this.marks.hasIn(start, end)
  }

  override writeOperations(writer: ByteWriter, ranges: Ranges): void {
    super.writeOperations(writer, ranges)
    this.marks.write(writer, ranges, (mark) => writeMark(writer, mark))
  }

  override readOperations(reader: ByteReader, events: number, forgotten?: Forgotten): ReadRichText {
    const { runs, erased, stored } = super.readOperations(reader, events, forgotten)
    return { runs, erased, stored, marks: readSide(reader, events, readMark) }
  }

  override receive(read: ReadRichText, lvOf: LvOf): void {
    super.receive(read, lvOf)
    for (const { event, item } of read.marks) {
      const lv = lvOf(event)
      if (lv >= 0) this.marks.push(lv, { lv, ...item })
    }
  }
}
