/**
 * Movable list: a list whose elements keep their identity when they are moved or get another value.
 *
 * | Concurrently | Result |
 * | --- | --- |
 * | insert and insert | both, as in a list |
 * | move and move of one element | it is at one place: the last mover wins. Never twice, never lost |
 * | move and set | both: the element has the new value at the new place |
 * | set and set | the last writer wins |
 * | delete and move | the move wins: the element is at its new place |
 * | delete and set | the element is deleted |
 * | delete and delete | the element is deleted |
 *
 * The last is the one that knows of the other, otherwise the deeper in the causal graph, then the greater replica. A move is a
 * deletion of all slots the element has and an insertion of a new one (slots.ts). After concurrent moves it has several, of
 * which all but the last mover's are hidden, until the next move or deletion clears them away.
 */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import { NitroError } from '../../base/index.ts'
import { readValue, writeValue } from '../codec/values.ts'
import type { CausalGraph, Dot } from '../graph/graph.ts'
import type { Ranges } from '../graph/walk.ts'
import type { LvOf } from '../text/exchange.ts'
import type { ReadOperations, SequencePatch } from '../text/sequence.ts'
import type { SideOperation } from '../text/side-log.ts'
import { SideLog, readSide } from '../text/side-log.ts'
import { SlotSequence } from './slots.ts'

/** A new value for an element, which is named by the dot that made it. */
interface SetValue {
  readonly element: Dot
  readonly value: Value
}

/** Operations of a movable list that were read and checked. */
export interface ReadMovable {
  readonly slots: ReadOperations<readonly Value[]>
  readonly sets: readonly SideOperation<SetValue>[]
}

/** See the header. Positions are those of elements. Local edits take LVs that the graph has given and that follow everything. */
export class MovableSequence {
  private readonly graph: CausalGraph
  private readonly slots: SlotSequence
  private readonly sets = new SideLog<SetValue>()
  /** By element the LV and value of the last set. */
  private readonly values = new Map<number, { lv: number; value: Value }>()
  /** By element that was ever moved the slots that are there, the last mover's first. */
  private readonly moved = new Map<number, number[]>()
  /** Slots that are there but not the last mover's. */
  private hidden: number[] = []
  /** Positions of the hidden slots, ascending, while known. */
  private hiddenAt: number[] | undefined = []
  private setsArrived = false

  constructor(graph: CausalGraph) {
    this.graph = graph
    this.slots = new SlotSequence(graph)
  }

  /** How many elements there are. */
  get length(): number {
    return this.slots.length - this.hidden.length
  }

  /** The value at a position; undefined beyond the end. */
  get(position: number): Value | undefined {
    if (!(position >= 0 && position < this.length)) return undefined
    return this.valueOfElement(this.elementAt(position))
  }

  /** All values. */
  toArray(): Value[] {
    return this.elements().map((element) => this.valueOfElement(element))
  }

  /** Name of the element at a position, which must exist: it stays the same when the element is moved. */
  nameAt(position: number): Dot {
    this.check(position, 1)
    return this.graph.dotOf(this.elementAt(position))
  }

  /** Where the element with a name is; -1 when it is deleted or has not arrived. */
  indexOf(name: Dot): number {
    const element = this.graph.lvOf(name.rid, name.seq)
    return element < 0 ? -1 : this.elements().indexOf(element)
  }

  // --- local edits ---

  /** Inserts values, one operation each. Throws `InvalidArgument` beyond the end. */
  insert(position: number, values: readonly Value[], lv: number): void {
    this.check(position, 0)
    const slots = values.map((value): Value => [value])
    this.slots.insert(this.gap(position), slots, lv)
    this.changed()
  }

  /** How many operations {@link delete} of these elements takes. */
  deleteLength(position: number, count: number): number {
    this.check(position, count)
    return this.slotsOf(position, count).length
  }

  /** Deletes elements. */
  delete(position: number, count: number, lv: number): void {
    this.check(position, count)
    this.clear(this.slotsOf(position, count), lv)
  }

  /** How many operations {@link move} of this element takes. */
  moveLength(from: number): number {
    this.check(from, 1)
    return this.slotsOf(from, 1).length + 1
  }

  /** Moves the element at `from` so that it is at `to` afterwards. */
  move(from: number, to: number, lv: number): void {
    this.check(from, 1)
    this.check(to, 1)
    const element = this.elementAt(from)
    const slots = this.slotsOf(from, 1)
    this.clear(slots, lv)
    const { rid, seq } = this.graph.dotOf(element)
    const slot = lv + slots.length
    this.slots.insert(this.gap(to), [[rid, seq]], slot)
    this.slots.newMoves()
    this.moved.set(element, [slot])
    this.changed()
  }

  /** Gives the element at a position another value, by one operation. */
  set(position: number, value: Value, lv: number): void {
    this.check(position, 1)
    const element = this.elementAt(position)
    this.sets.push(lv, { element: this.graph.dotOf(element), value })
    this.values.set(element, { lv, value })
  }

  /** Throws `InvalidArgument` unless the elements exist. */
  check(position: number, count: number): void {
    if (Number.isSafeInteger(position) && Number.isSafeInteger(count) && position >= 0 && count >= 0) {
      if (position + count <= this.length) return
    }
    throw new NitroError('InvalidArgument', `${position} + ${count} is no place in a list of ${this.length}`)
  }

  // --- operations from elsewhere ---

  /** Whether there are operations with LVs in `[start, end)`. */
  hasOperations(start: number, end: number): boolean {
    return this.slots.hasOperations(start, end) || this.sets.hasIn(start, end)
  }

  /** Appends the operations with LVs in the ranges. The n-th event of all ranges, in their order, is called n. */
  writeOperations(writer: ByteWriter, ranges: Ranges): void {
    this.slots.writeOperations(writer, ranges)
    this.sets.write(writer, ranges, ({ element, value }) => {
      writer.uint(element.rid)
      writer.uint(element.seq)
      writeValue(writer, value)
    })
  }

  /** Reads what {@link writeOperations} wrote for so many events. Changes nothing. Throws `NotCanonical` or `MalformedFrame`. */
  readOperations(reader: ByteReader, events: number): ReadMovable {
    const slots = this.slots.readOperations(reader, events)
    return { slots, sets: readSide(reader, events, readSet) }
  }

  /** By how many units a deletion reaches beyond the end; see `Sequence.beyondEnd`. */
  beyondEnd({ slots }: ReadMovable, known: boolean, spanEnds: () => readonly number[]): number {
    return this.slots.beyondEnd(slots, known, spanEnds)
  }

  /** Takes operations in, to be integrated. */
  receive({ slots, sets }: ReadMovable, lvOf: LvOf): void {
    this.slots.receive(slots, lvOf)
    for (const { event, item } of sets) {
      const lv = lvOf(event)
      if (lv < 0) continue
      this.sets.push(lv, item)
      this.setsArrived = true
    }
  }

  /** Brings operations with LVs below `end` into the list, and appends the edits to `patches`, if given. */
  integrate(end: number, patches?: SequencePatch<readonly Value[]>[]): void {
    const before = patches === undefined ? undefined : this.shown()
    this.slots.integrate(end)
    if (this.setsArrived) this.applySets()
    for (const slot of this.slots.newMoves()) this.moved.set(this.slots.elementOf(slot), [])
    if (this.moved.size > 0) this.findHidden()
    this.changed()
    if (patches !== undefined && before !== undefined) this.tell(before, patches)
  }

  private applySets(): void {
    this.setsArrived = false
    this.values.clear()
    for (const [index, { element, value }] of this.sets.items.entries()) {
      const made = this.graph.lvOf(element.rid, element.seq)
      const lv = this.sets.lvs.at(index)
      const had = this.values.get(made)
      if (made >= 0 && (had === undefined || this.graph.compareWriters(had.lv, lv) < 0))
        this.values.set(made, { lv, value })
    }
  }

  /** For all moved elements: which slots are there, and which of them is the last mover's. */
  private findHidden(): void {
    for (const list of this.moved.values()) list.length = 0
    for (const slot of this.slots.slots()) this.moved.get(this.slots.elementOf(slot))?.push(slot)
    this.hidden = []
    for (const list of this.moved.values()) {
      list.sort((a, b) => this.graph.compareWriters(b, a))
      for (let i = 1; i < list.length; i++) this.hidden.push(list[i] as number)
    }
  }

  // --- the past ---

  /** The values at a version, which must be integrated. */
  at(version: readonly number[]): Value[] {
    const slots = this.slots.slotsAt(version)
    const last = new Map<number, number>()
    for (const slot of slots) {
      const element = this.slots.elementOf(slot)
      const other = last.get(element)
      if (other === undefined || this.graph.compareWriters(other, slot) < 0) last.set(element, slot)
    }
    const values = new Map<number, { lv: number; value: Value }>()
    for (const [index, { element, value }] of this.sets.items.entries()) {
      const lv = this.sets.lvs.at(index)
      if (!this.graph.includes(version, lv)) continue
      const made = this.graph.lvOf(element.rid, element.seq)
      const had = values.get(made)
      if (had === undefined || this.graph.compareWriters(had.lv, lv) < 0) values.set(made, { lv, value })
    }
    return slots.flatMap((slot) => {
      const element = this.slots.elementOf(slot)
      if (last.get(element) !== slot) return []
      return [values.has(element) ? (values.get(element)?.value as Value) : this.slots.firstValue(element)]
    })
  }

  // --- inside ---

  private valueOfElement(element: number): Value {
    const set = this.values.get(element)
    return set === undefined ? this.slots.firstValue(element) : set.value
  }

  private elementAt(position: number): number {
    return this.slots.elementOf(this.slots.slotAt(this.gap(position)))
  }

  private elements(): number[] {
    const hidden = new Set(this.hidden)
    return this.slots.slots().flatMap((slot) => (hidden.has(slot) ? [] : [this.slots.elementOf(slot)]))
  }

  private shown(): { element: number; value: Value }[] {
    return this.elements().map((element) => ({ element, value: this.valueOfElement(element) }))
  }

  /** The position among slots of an element, or of the gap before it. */
  private gap(position: number): number {
    this.hiddenAt ??= this.hidden.map((slot) => this.slots.slotPosition(slot)).sort((a, b) => a - b)
    let at = position
    for (const hidden of this.hiddenAt) {
      if (hidden > at) break
      at++
    }
    return at
  }

  /** The slots of elements, ascending by position. */
  private slotsOf(position: number, count: number): number[] {
    const places: number[] = []
    for (let i = position; i < position + count; i++) {
      const at = this.gap(i)
      const slot = this.slots.slotAt(at)
      places.push(at)
      for (const other of this.moved.get(this.slots.elementOf(slot)) ?? []) {
        if (other !== slot) places.push(this.slots.slotPosition(other))
      }
    }
    return places.sort((a, b) => a - b)
  }

  /** Deletes slots at ascending positions, the last stretch first. */
  private clear(places: readonly number[], lv: number): void {
    const gone = new Set(places.map((at) => this.slots.slotAt(at)))
    let next = lv
    for (let end = places.length; end > 0;) {
      let start = end - 1
      while (start > 0 && (places[start - 1] as number) + 1 === places[start]) start--
      this.slots.delete(places[start] as number, end - start, next)
      next += end - start
      end = start
    }
    for (const slot of gone) {
      const element = this.slots.elementOf(slot)
      if (this.moved.has(element)) this.moved.set(element, [])
    }
    this.hidden = this.hidden.filter((slot) => !gone.has(slot))
    this.changed()
  }

  private changed(): void {
    this.hiddenAt = this.hidden.length === 0 ? [] : undefined
  }

  /** What changed, as one edit. */
  private tell(before: readonly { element: number; value: Value }[], patches: SequencePatch<readonly Value[]>[]): void {
    const after = this.shown()
    const same = (x: number, y: number): boolean =>
      before[x]?.element === after[y]?.element && before[x]?.value === after[y]?.value
    const most = Math.min(before.length, after.length)
    let start = 0
    while (start < most && same(start, start)) start++
    let end = 0
    while (end < most - start && same(before.length - 1 - end, after.length - 1 - end)) end++
    const removed = before.length - start - end
    const inserted = after.slice(start, after.length - end).map(({ value }) => value)
    if (removed > 0 || inserted.length > 0) patches.push({ position: start, removed, inserted })
  }
}

function readSet(reader: ByteReader): SetValue {
  const element = { rid: reader.uint(), seq: reader.uint() }
  return { element, value: readValue(reader) }
}
