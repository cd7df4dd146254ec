/** List: a sequence of values. It merges like text, element by element. */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { readValue, writeValue } from '../codec/values.ts'
import type { CausalGraph } from '../graph/graph.ts'
import { opKind } from '../text/op-log.ts'
import { Rope } from '../text/rope.ts'
import { Sequence } from '../text/sequence.ts'

/** See the header. Concurrent insertions both stay, runs whole; a deletion deletes exactly the elements its author saw. */
export class ListSequence extends Sequence<readonly Value[], readonly Value[], Int32Array> {
  /** Everything ever inserted, in order of the inserts. The rope holds indexes of it. */
  protected readonly store: Value[] = []
  private scratch = new Int32Array(64)

  constructor(graph: CausalGraph) {
    super(graph, new Rope((size) => new Int32Array(size)))
  }

  /**
   * Inserts values before `position`. `lv` is the first of `values.length` local versions that the graph has given to this operation;
   * they follow everything known. Values are not copied, and must have a canonical form. Throws `InvalidArgument` beyond the end.
   */
  insert(position: number, values: readonly Value[], lv: number): void {
    this.checkRange(position, 0)
    if (values.length === 0) return
    for (const value of values) this.store.push(value)
    this.logLocalInsert(position, values.length, lv)
  }

  /** Takes an insertion from elsewhere, to be integrated. */
  receiveInsert(position: number, values: readonly Value[], lv: number): void {
    for (const value of values) this.store.push(value)
    this.log.push(opKind.insert, lv, values.length, position)
  }

  /** The element at a position; undefined beyond the end. */
  get(position: number): Value | undefined {
    if (!(position >= 0 && position < this.length)) return undefined
    return this.store[this.current().at(position)]
  }

  /** The elements of `[start, end)`. */
  slice(start: number, end: number = this.length): Value[] {
    const out: Value[] = []
    this.current().read(Math.max(0, start), Math.min(end, this.length), (indexes, from, to) => {
      for (let i = from; i < to; i++) out.push(this.store[indexes[i] as number] as Value)
    })
    return out
  }

  /** Calls `visit` for each element of `[start, end)` with its place in the store. */
  protected visitPlaces(start: number, end: number, visit: (place: number) => void): void {
    this.current().read(start, end, (places, from, to) => {
      for (let i = from; i < to; i++) visit(places[i] as number)
    })
  }

  /** LV of the insert that something in the store belongs to. */
  protected lvOfPlace(place: number): number {
    return this.log.lvOf(this.log.ordinalOfContent(place))
  }

  /** Place in the store of what the insert with an LV inserted. */
  protected placeOfLv(lv: number): number {
    return this.log.contentOf(this.log.ordinalOf(lv))
  }

  /** LV of the insert that put the element at a position, which must exist, there. */
  lvAt(position: number): number {
    return this.lvOfPlace(this.current().at(position))
  }

  /** Inserted values by their place in the store. */
  override contentOf(start: number, end: number): readonly Value[] {
    return this.store.slice(start, end)
  }

  protected override emptyContent(): readonly Value[] {
    return []
  }

  protected override joinContent(pieces: readonly (readonly Value[])[]): readonly Value[] {
    return pieces.flat()
  }

  protected override insertUnits(position: number, start: number, end: number): void {
    const count = end - start
    if (this.scratch.length < count) this.scratch = new Int32Array(Math.max(count, this.scratch.length * 2))
    for (let i = 0; i < count; i++) this.scratch[i] = start + i
    this.rope.insert(position, this.scratch, 0, count)
  }

  protected override writeStored(writer: ByteWriter, pieces: readonly number[]): void {
    for (let i = 0; i < pieces.length; i += 2) {
      for (let k = pieces[i] as number; k < (pieces[i + 1] as number); k++) writeValue(writer, this.store[k] as Value)
    }
  }

  protected override readStored(reader: ByteReader, count: number): readonly Value[] {
    // Each value takes a byte at least.
    if (count > reader.remaining) throw notCanonical(`${count} values in ${reader.remaining} bytes`)
    const values: Value[] = []
    for (let i = 0; i < count; i++) values.push(readValue(reader))
    return values
  }

  protected override appendStored(stored: readonly Value[], start: number, end: number): void {
    for (let i = start; i < end; i++) this.store.push(stored[i] as Value)
  }

  protected override appendErased(count: number): void {
    for (let i = 0; i < count; i++) this.store.push(null)
  }

  protected override eraseStored(start: number, end: number): void {
    this.store.fill(null, start, end)
  }
}
