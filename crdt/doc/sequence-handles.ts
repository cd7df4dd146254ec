/** The handles of texts and lists. */
import type { Value } from '../../base/index.ts'
import { ownValue } from '../codec/values.ts'
import type { Anchor, Side } from '../text/anchors.ts'
import { Handle } from './handle.ts'
import type { ListContent, TextContent } from './sequence-types.ts'
import { putIn, takeOut } from './sequence.ts'

/** A text. Positions count UTF-16 code units, as JavaScript strings do. */
export class DocText extends Handle {
  /** How many code units it has. */
  get length(): number {
    return this.content.length
  }

  /** Puts text in before a position. Throws `InvalidArgument` beyond the end. */
  insert(position: number, text: string): void {
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

  /** A place at a position that survives edits, see {@link Anchor}. Throws `InvalidArgument` beyond the end. */
  anchorAt(position: number, side: Side): Anchor {
    return this.content.anchorAt(position, side)
  }

  /** Where an anchor is now; undefined when what it stands at has not come here, or is not of this text. */
  positionOf(anchor: Anchor): number | undefined {
    return this.content.positionOf(anchor)
  }

  private get content(): TextContent {
    return this.place.content as TextContent
  }
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
    putIn(this.core, this.place, this.content, position, values.map(ownValue), values.length)
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
