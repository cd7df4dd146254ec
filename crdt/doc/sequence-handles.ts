/** The handles of texts and lists. */
import type { Value } from '../../base/index.ts'
import { NitroError } from '../../base/index.ts'
import { checkText } from '../codec/text.ts'
import { ownValue, ownValues } from '../codec/values.ts'
import type { Anchor, Side } from '../text/anchors.ts'
import type { Dot } from '../kernel/dot.ts'
import type { MarkedSpan } from '../text/marks.ts'
import type { MarkOptions, RichSpan } from '../text/rich-text.ts'
import { Handle } from './handle.ts'
import type { ListContent, TextContent } from './sequence-types.ts'
import { putIn, takeOut } from './sequence.ts'

/** A text. Positions count UTF-16 code units, as JavaScript strings do. */
export class DocText extends Handle {
  /** How many code units it has. */
  get length(): number {
    return this.content.length
  }

  /** Puts text in before a position. Throws `InvalidArgument` beyond the end, and for what is no string. */
  insert(position: number, text: string): void {
    if (typeof text !== 'string') throw new NitroError('InvalidArgument', 'a text takes strings')
    putIn(this.core, this.place, this.content, position, text, text.length)
  }

  /** Takes code units out. Throws `InvalidArgument` beyond the end. */
  delete(position: number, count: number): void {
    takeOut(this.core, this.place, this.content, position, count)
  }

  /** The text of [start, end). */
  slice(start: number, end?: number): string {
    return this.content.slice(start, end)
  }

  /** The whole text. */
  override toString(): string {
    return this.content.toString()
  }

  /**
   * Marks the text of [start, end) under a key, by default growing with what is inserted at its end; the value null takes marks
   * of the key away. Returns the name of the mark. Throws `InvalidArgument` beyond the end, `NotCanonical`.
   */
  mark(start: number, end: number, key: string, given: Value, options: MarkOptions = {}): Dot {
    const { content, core, place } = this
    const value = ownValue(given)
    checkText(key)
    content.checkMark(start, end, key, value, options)
    const before = core.watched ? markedBefore(content, start, end, key) : []
    const lv = core.startEdit(place, content, 1)
    content.mark(start, end, key, value, options, lv)
    const name = core.state.graph.dotOf(lv)
    const takeBack = (): void => {
      if (place.content !== content) return
      if (options.many === true) this.removeMark(name)
      else for (const one of before) this.restoreMark(one, key, options)
    }
    core.edited(place, { kind: 'other', takeBack })
    return name
  }

  /** Takes away one of many marks of a key, by its name. Throws `NotFound`. */
  removeMark(name: Dot): void {
    const { content, core, place } = this
    const made = content.named(name)
    if (made === undefined) throw new NitroError('NotFound', 'no mark has this name')
    content.removeMark(name, core.startEdit(place, content, 1))
    const takeBack = (): void => {
      const start = content.positionOf(made.start)
      const end = content.positionOf(made.end)
      if (place.content !== content || start === undefined || end === undefined || end <= start) return
      this.mark(start, end, made.key, made.value, { many: true, expand: 'none' })
    }
    core.edited(place, { kind: 'other', takeBack })
  }

  /** The marked stretches, in order. */
  spans(): MarkedSpan[] {
    return this.content.spans()
  }

  /** The whole text in stretches with the same marks. */
  richText(): RichSpan[] {
    return this.content.richText()
  }

  /** A place at a position that survives edits, see {@link Anchor}. Throws `InvalidArgument` beyond the end. */
  anchorAt(position: number, side: Side): Anchor {
    return this.content.anchorAt(position, side)
  }

  /** Where an anchor is now; undefined when what it stands at has not come here, or is not of this text. */
  positionOf(anchor: Anchor): number | undefined {
    return this.content.positionOf(anchor)
  }

  private restoreMark({ start, end, value }: Marked, key: string, options: MarkOptions): void {
    const from = this.content.positionOf(start)
    const to = this.content.positionOf(end)
    if (from !== undefined && to !== undefined && to > from) this.mark(from, to, key, value, options)
  }

  private get content(): TextContent {
    return this.place.content as TextContent
  }
}

/** A stretch that had one value under a key, or none (null). */
interface Marked {
  readonly start: Anchor
  readonly end: Anchor
  readonly value: Value
}

/** What stretches of a range had under a key. */
function markedBefore(content: TextContent, start: number, end: number, key: string): Marked[] {
  const marked: Marked[] = []
  const add = (from: number, to: number, value: Value): void => {
    if (to > from) marked.push({ start: content.anchorAt(from, 'before'), end: content.anchorAt(to, 'after'), value })
  }
  let at = start
  for (const span of content.spans()) {
    const from = Math.max(at, span.start)
    const to = Math.min(end, span.end)
    if (to <= from) continue
    add(at, from, null)
    add(from, to, span.marks.get(key) ?? null)
    at = to
  }
  add(at, end, null)
  return marked
}

/** A list of values. */
export class DocList extends Handle {
  /** How many elements it has. */
  get length(): number {
    return this.content.length
  }

  /** The element at a position, or undefined beyond the end. */
  get(position: number): Value | undefined {
    return this.content.get(position)
  }

  /** All elements. */
  values(): Value[] {
    return this.content.slice(0)
  }

  /** Puts elements in before a position. Throws `InvalidArgument` beyond the end, `NotCanonical`. */
  insert(position: number, values: readonly Value[]): void {
    putIn(this.core, this.place, this.content, position, ownValues(values), values.length)
  }

  /** Puts elements in at the end. Throws `NotCanonical`. */
  push(...values: readonly Value[]): void {
    this.insert(this.length, values)
  }

  /** Takes elements out. Throws `InvalidArgument` beyond the end. */
  delete(position: number, count: number = 1): void {
    takeOut(this.core, this.place, this.content, position, count)
  }

  /** A place at a position that survives edits, see {@link Anchor}. Throws `InvalidArgument` beyond the end. */
  anchorAt(position: number, side: Side): Anchor {
    return this.content.anchorAt(position, side)
  }

  /** Where an anchor is now; undefined when what it stands at has not come here, or is not of this list. */
  positionOf(anchor: Anchor): number | undefined {
    return this.content.positionOf(anchor)
  }

  private get content(): ListContent {
    return this.place.content as ListContent
  }
}
