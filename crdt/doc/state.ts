/**
 * The inside of a document: the graph of its events, the values they have made, and the journal of their operations.
 *
 * An address is a place under one epoch of its root; the journal speaks of addresses. What belongs to an epoch that is no more
 * stays in the journal, for those who lack it, and changes nothing.
 */
import { ByteWriter, assert, present } from '../../base/index.ts'
import type { Row } from '../codec/rows.ts'
import { RowWriter, fenceKind } from '../codec/rows.ts'
import type { ShapesOf } from '../codec/update.ts'
import { CausalGraph } from '../graph/graph.ts'
import type { Cell } from '../kernel/cell.ts'
import type { Container, ContentType } from '../kernel/container.ts'
import { Forest } from '../kernel/container.ts'
import type { Past } from '../kernel/dot.ts'
import { HybridClock } from '../kernel/hlc.ts'
import type { Op } from '../kernel/op.ts'
import { cellTypes } from '../types/index.ts'
import type { Floor } from './floor.ts'
import { Journal } from './journal.ts'
import type { Numbering } from './numbering.ts'
import { numberPlaces } from './numbering.ts'
import { sequenceTypes } from './sequence-types.ts'
import type { DocContent, SequenceContent } from './sequence.ts'
import { isSequence } from './sequence.ts'

/** A place of a document. */
export type Place = Container<DocContent>

/** A place under one epoch. */
export interface Address {
  readonly place: Place
  readonly epoch: number
}

/** The operations of the types that are cells. */
export const shapesOf: ShapesOf = (tag) => cellTypes.get(tag)?.ops

/** See the header. */
export class DocState {
  readonly graph = new CausalGraph()
  readonly forest: Forest<DocContent>
  readonly clock = new HybridClock()
  /** Where the document was compacted. */
  floor: Floor | undefined
  readonly addresses: Address[] = []
  readonly journal = new Journal((address) => shapesOf(this.addresses[address]?.place.tag ?? -1) ?? [])
  /** For encoding, so that each bundle needs no memory of its own. */
  readonly scratch = new ByteWriter(1024)
  readonly section = new ByteWriter(1024)
  readonly rows = new RowWriter()
  /** The table of an update about one place; bundles in a row are nearly always about the same. */
  private lone: { readonly address: number; readonly numbering: Numbering } | undefined
  /** By the index of the place: its newest address. */
  private readonly newest: number[] = []

  constructor() {
    this.forest = new Forest(new Map<number, ContentType<DocContent>>([...cellTypes, ...sequenceTypes(this.graph)]))
  }

  /** The address of a place under an epoch, by default the present one. */
  addressOf(place: Place, epoch: number = place.epoch): number {
    const newest = this.newest[place.index]
    if (newest !== undefined && (this.addresses[newest] as Address).epoch === epoch) return newest
    for (let i = this.addresses.length - 1; i >= 0; i--) {
      const address = this.addresses[i] as Address
      if (address.place !== place || address.epoch !== epoch) continue
      if (epoch === place.epoch) this.newest[place.index] = i
      return i
    }
    const made = this.addresses.push({ place, epoch }) - 1
    if (epoch === place.epoch) this.newest[place.index] = made
    return made
  }

  /** An address by its number. */
  address(number: number): Address {
    return present(this.addresses[number], 'address')
  }

  /** The table of places for an update. */
  numbering(rows: readonly Row[], sequences: ReadonlyMap<Place, SequenceContent> | undefined): Numbering {
    const address = this.onlyAddress(rows, sequences)
    if (address < 0) return numberPlaces(this, rows, sequences?.keys())
    if (this.lone?.address !== address) {
      this.lone = { address, numbering: numberPlaces(this, rows, sequences?.keys()) }
    }
    return this.lone.numbering
  }

  /** The address that all is about, or -1. */
  private onlyAddress(rows: readonly Row[], sequences: ReadonlyMap<Place, SequenceContent> | undefined): number {
    if (rows.length === 0) {
      if (sequences?.size !== 1) return -1
      for (const place of sequences.keys()) return this.addressOf(place)
    }
    if (sequences !== undefined && sequences.size > 0) return -1
    const first = (rows[0] as Row).place
    for (let i = 1; i < rows.length; i++) if ((rows[i] as Row).place !== first) return -1
    return first
  }

  /** Carries out an operation under the epoch of its address: a lower one than now counts no more, a higher one begins. */
  carryOut(address: number, op: Op, past: Past): void {
    const { place, epoch } = this.address(address)
    if (epoch < place.epoch) return
    if (epoch > place.epoch) this.raise(place, epoch)
    if (op.kind === fenceKind) return
    const { content } = place
    assert(!isSequence(content), 'rows are of cells')
    content.apply(op, past)
    if (op.high !== 0 || op.low !== 0) this.clock.observe(op.high, op.low)
  }

  /** Raises the epoch of the root of a place. */
  raise(place: Place, epoch: number): void {
    let root = place
    while (root.parent !== undefined) root = root.parent
    root.raise(epoch)
  }

  /** All sequences there are. */
  *sequences(): Generator<readonly [Place, SequenceContent]> {
    for (const place of this.forest.all) if (isSequence(place.content)) yield [place, place.content]
  }

  /** The cell of a place that is known to hold one. */
  cellOf(place: Place): Cell {
    assert(!isSequence(place.content), 'the place holds a cell')
    return place.content
  }

  /** The dot of a row and the rest of it, as an operation. */
  opOf({ position, kind, high, low, key, value }: Row): Op {
    const { rid, seq } = this.graph.dotOf(position)
    return { rid, seq, kind, high, low, key, value }
  }
}
