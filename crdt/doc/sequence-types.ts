/** Texts and lists as contents of a document. */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import type { CausalGraph } from '../graph/graph.ts'
import type { ContentType } from '../kernel/container.ts'
import { ListSequence } from '../list/list.ts'
import { TextSequence } from '../text/text.ts'
import type { SequenceContent } from './sequence.ts'

/** The tag of texts. */
export const textTag = 12

/** The tag of lists. */
export const listTag = 13

/** A text in a document. */
export class TextContent extends TextSequence implements SequenceContent {
  readonly type: ContentType<SequenceContent>
  readonly nothing = ''

  constructor(graph: CausalGraph, type: ContentType<SequenceContent>) {
    super(graph)
    this.type = type
  }

  /** Throws `InvalidArgument` unless the range is within the text. */
  check(position: number, count: number): void {
    this.checkRange(position, count)
  }

  takeOut(position: number, count: number, lv: number): string {
    const removed = this.slice(position, position + count)
    this.delete(position, count, lv)
    return removed
  }

  putIn(position: number, content: unknown, lv: number): void {
    this.insert(position, content as string, lv)
  }

  isEmpty(): boolean {
    return this.log.units === 0
  }

  isVisible(): boolean {
    return this.length > 0
  }

  value(): Value {
    return this.toString()
  }

  write(_writer: ByteWriter): void {
    // The operations are the state; they travel as a section.
  }

  read(_reader: ByteReader): void {
    // See write.
  }
}

/** A list in a document. */
export class ListContent extends ListSequence implements SequenceContent {
  readonly type: ContentType<SequenceContent>
  readonly nothing: readonly Value[] = []

  constructor(graph: CausalGraph, type: ContentType<SequenceContent>) {
    super(graph)
    this.type = type
  }

  /** Throws `InvalidArgument` unless the range is within the list. */
  check(position: number, count: number): void {
    this.checkRange(position, count)
  }

  takeOut(position: number, count: number, lv: number): readonly Value[] {
    const removed = this.slice(position, position + count)
    this.delete(position, count, lv)
    return removed
  }

  putIn(position: number, content: unknown, lv: number): void {
    this.insert(position, content as readonly Value[], lv)
  }

  isEmpty(): boolean {
    return this.log.units === 0
  }

  isVisible(): boolean {
    return this.length > 0
  }

  value(): Value {
    return this.slice(0)
  }

  write(_writer: ByteWriter): void {
    // The operations are the state; they travel as a section.
  }

  read(_reader: ByteReader): void {
    // See write.
  }
}

/** The types of texts and lists over a graph, by tag. */
export function sequenceTypes(graph: CausalGraph): [number, ContentType<SequenceContent>][] {
  const text: ContentType<SequenceContent> = { tag: textTag, name: 'text', create: () => new TextContent(graph, text) }
  const list: ContentType<SequenceContent> = { tag: listTag, name: 'list', create: () => new ListContent(graph, list) }
  return [
    [textTag, text],
    [listTag, list],
  ]
}
