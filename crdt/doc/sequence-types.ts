/** Texts and lists as contents of a document. */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import type { CausalGraph, Dot } from '../graph/graph.ts'
import type { ContentType } from '../kernel/container.ts'
import { ListSequence } from '../list/list.ts'
import { MovableSequence } from '../list/movable.ts'
import type { LvOf } from '../text/exchange.ts'
import type { Mark } from '../text/marks.ts'
import type { MarkOptions, ReadRichText } from '../text/rich-text.ts'
import { RichText } from '../text/rich-text.ts'
import type { DocCore } from './core.ts'
import type { SequenceContent, UnitSequence } from './sequence.ts'
import { takeOut } from './sequence.ts'
import type { Place } from './state.ts'

/** The tag of movable lists. */
export const movableListTag = 11

/** The tag of texts. */
export const textTag = 12

/** The tag of lists. */
export const listTag = 13

/** A text in a document. Its operations are its state, and travel as a section; so there is nothing to write otherwise. */
export class TextContent extends RichText implements UnitSequence {
  readonly type: ContentType<SequenceContent>
  readonly nothing = ''
  markings = 0

  constructor(graph: CausalGraph, type: ContentType<SequenceContent>) {
    super(graph)
    this.type = type
  }

  override mark(start: number, end: number, key: string, value: Value, options: MarkOptions, lv: number): Mark {
    this.markings++
    return super.mark(start, end, key, value, options, lv)
  }

  override removeMark(name: Dot, lv: number): Mark {
    this.markings++
    return super.removeMark(name, lv)
  }

  override receive(read: ReadRichText, lvOf: LvOf): void {
    this.markings += read.marks.length
    super.receive(read, lvOf)
  }

  check(position: number, count: number): void {
    this.checkRange(position, count)
  }

  putIn(position: number, content: unknown, lv: number): void {
    this.insert(position, content as string, lv)
  }

  takeAll(core: DocCore, place: Place): void {
    takeOut(core, place, this, 0, this.length)
  }

  isEmpty(): boolean {
    return !this.hasOperations(0, this.graph.length)
  }

  isVisible(): boolean {
    return this.length > 0
  }

  value(): Value {
    return this.toString()
  }

  write(_writer: ByteWriter): void {
    // See above.
  }

  read(_reader: ByteReader): void {
    // See above.
  }
}

/** A list in a document. As for texts, there is nothing to write. */
export class ListContent extends ListSequence implements UnitSequence {
  readonly type: ContentType<SequenceContent>
  readonly nothing: readonly Value[] = []
  readonly markings = 0

  constructor(graph: CausalGraph, type: ContentType<SequenceContent>) {
    super(graph)
    this.type = type
  }

  check(position: number, count: number): void {
    this.checkRange(position, count)
  }

  putIn(position: number, content: unknown, lv: number): void {
    this.insert(position, content as readonly Value[], lv)
  }

  takeAll(core: DocCore, place: Place): void {
    takeOut(core, place, this, 0, this.length)
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
    // See above.
  }

  read(_reader: ByteReader): void {
    // See above.
  }
}

/** A movable list in a document. As for texts, there is nothing to write. */
export class MovableContent extends MovableSequence implements SequenceContent {
  readonly type: ContentType<SequenceContent>
  readonly markings = 0
  private readonly events: CausalGraph

  constructor(graph: CausalGraph, type: ContentType<SequenceContent>) {
    super(graph)
    this.events = graph
    this.type = type
  }

  takeAll(core: DocCore, place: Place): void {
    deleteElements(core, place, this, 0, this.length)
  }

  isEmpty(): boolean {
    return !this.hasOperations(0, this.events.length)
  }

  isVisible(): boolean {
    return this.length > 0
  }

  value(): Value {
    return this.toArray()
  }

  write(_writer: ByteWriter): void {
    // See above.
  }

  read(_reader: ByteReader): void {
    // See above.
  }
}

/** Deletes elements of a movable list, as a local edit. Throws `InvalidArgument` beyond its end. */
export function deleteElements(
  core: DocCore,
  place: Place,
  list: MovableContent,
  position: number,
  count: number,
): void {
  list.check(position, count)
  if (count === 0) return
  const before = core.watched ? list.toArray().slice(position, position + count) : []
  const lv = core.startEdit(place, list, list.deleteLength(position, count))
  list.delete(position, count, lv)
  const takeBack = (): void => {
    if (place.content === list) insertElements(core, place, list, Math.min(position, list.length), before)
  }
  core.edited(place, { kind: 'other', takeBack }, { position, removed: count, inserted: [] })
}

/** Inserts values into a movable list, as a local edit. Throws `InvalidArgument` beyond its end. */
export function insertElements(
  core: DocCore,
  place: Place,
  list: MovableContent,
  position: number,
  values: readonly Value[],
): void {
  list.check(position, 0)
  if (values.length === 0) return
  const lv = core.startEdit(place, list, values.length)
  list.insert(position, values, lv)
  if (!core.watched) return
  const names = values.map((_, i) => list.nameAt(position + i))
  const takeBack = (): void => {
    if (place.content !== list) return
    for (const name of names) {
      const at = list.indexOf(name)
      if (at >= 0) deleteElements(core, place, list, at, 1)
    }
  }
  core.edited(place, { kind: 'other', takeBack }, { position, removed: 0, inserted: values })
}

/** The types of texts and lists over a graph, by tag. */
export function sequenceTypes(graph: CausalGraph): [number, ContentType<SequenceContent>][] {
  type Type = ContentType<SequenceContent>
  const text: Type = { tag: textTag, name: 'text', create: () => new TextContent(graph, text) }
  const list: Type = { tag: listTag, name: 'list', create: () => new ListContent(graph, list) }
  const movable: Type = { tag: movableListTag, name: 'movable list', create: () => new MovableContent(graph, movable) }
  return [text, list, movable].map((type) => [type.tag, type])
}
