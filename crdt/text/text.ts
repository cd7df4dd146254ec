/** Text: a sequence of UTF-16 code units, as JavaScript counts positions in strings. */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import type { CausalGraph } from '../graph/graph.ts'
import { opKind } from './op-log.ts'
import { Rope } from './rope.ts'
import { Sequence } from './sequence.ts'
import { readUnits, writeUnits } from './unit-codec.ts'
import { UnitStore, filler, textOf } from './unit-store.ts'

/** See the header. Concurrent insertions both stay, whole and next to each other; a deletion deletes exactly what its author saw. */
export class TextSequence extends Sequence<string, Uint8Array | Uint16Array, Uint16Array> {
  readonly store = new UnitStore()

  constructor(graph: CausalGraph) {
    super(graph, new Rope((size) => new Uint16Array(size)))
  }

  /**
   * Inserts text before `position`. `lv` is the first of `text.length` local versions that the graph has given to this operation;
   * they follow everything known. Throws `InvalidArgument` beyond the end.
   */
  insert(position: number, text: string, lv: number): void {
    this.checkRange(position, 0)
    if (text.length === 0) return
    this.store.append(text)
    this.logLocalInsert(position, text.length, lv)
  }

  /** Takes an insertion from elsewhere, to be integrated. */
  receiveInsert(position: number, text: string, lv: number): void {
    this.store.append(text)
    this.log.push(opKind.insert, lv, text.length, position)
  }

  /** Takes an insertion of code units `[start, end)` of an array from elsewhere, to be integrated. */
  receiveUnits(position: number, units: Uint8Array | Uint16Array, start: number, end: number, lv: number): void {
    this.store.appendUnits(units, start, end)
    this.log.push(opKind.insert, lv, end - start, position)
  }

  /** The text of `[start, end)`. */
  slice(start: number, end: number = this.length): string {
    let out = ''
    this.current().read(Math.max(0, start), Math.min(end, this.length), (units, from, to) => {
      out += textOf(units, from, to)
    })
    return out
  }

  /** The whole text. */
  override toString(): string {
    return this.slice(0)
  }

  /** Inserted text by its place in the store. */
  override contentOf(start: number, end: number): string {
    return this.store.slice(start, end)
  }

  protected override emptyContent(): string {
    return ''
  }

  protected override joinContent(pieces: readonly string[]): string {
    return pieces.join('')
  }

  protected override insertUnits(position: number, start: number, end: number): void {
    this.rope.insert(position, this.store.data, start, end)
  }

  protected override writeStored(writer: ByteWriter, pieces: readonly number[]): void {
    writeUnits(writer, this.store, pieces)
  }

  protected override readStored(reader: ByteReader, count: number): Uint8Array | Uint16Array {
    return readUnits(reader, count)
  }

  protected override appendStored(stored: Uint8Array | Uint16Array, start: number, end: number): void {
    this.store.appendUnits(stored, start, end)
  }

  protected override appendErased(count: number): void {
    this.store.appendFiller(count)
  }

  protected override eraseStored(start: number, end: number): void {
    this.store.data.fill(filler, start, end)
  }
}
