/**
 * The update format: events of a document with what they carry. A bundle is an update of one span, `since` gives one of many,
 * and an encoded document is one that begins at the beginning. Equal sets of events have equal bytes: the reader refuses all
 * others, so bytes can be signed and hashed. `docs/reference/crdt-encoding.md` is the specification.
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { NitroError } from '../../base/index.ts'
import type { Step } from '../kernel/container.ts'
import { compareSteps, holderTag } from '../kernel/container.ts'
import type { OpShape } from '../kernel/op.ts'
import { notCanonical } from './errors.ts'
import type { Row } from './rows.ts'
import { RowReader, RowWriter, fenceKind, fenceShape } from './rows.ts'
import type { WireSpan } from './spans.ts'
import { readSpans, writeSpans } from './spans.ts'
import { checkText, readText, writeText } from './text.ts'

/** The version of the format. */
export const updateVersion = 1

/** Tags from here on are of sequences, whose operations travel as sections of their own. */
export const firstSequenceTag = 11

/** A place that operations of the update are about, or that contains such a place. */
export interface WirePlace extends Step {
  /** Number of the place around it, or -1 for a root. */
  readonly parent: number
  /** The epoch of the root. */
  readonly epoch: number
}

/** Where in an update the operations of one sequence are, as its own codec writes them. */
export interface WireSection {
  readonly place: number
  readonly start: number
  readonly end: number
}

/** An update, taken apart. */
export interface Update {
  readonly bytes: Uint8Array
  /** In the one order of `spans.ts`. The events of all spans in order have the positions 0, 1, 2, ... */
  readonly spans: readonly WireSpan[]
  readonly places: readonly WirePlace[]
  readonly rows: readonly Row[]
  readonly sections: readonly WireSection[]
  /** The state that a compacted document begins with; see `crdt/doc/base.ts`. */
  readonly base: Uint8Array | undefined
}

/** Gives the operations of a type, by tag; undefined for types unknown or without rows. */
export type ShapesOf = (tag: number) => readonly OpShape[] | undefined

/** The one order of places: the outer first, then by the place around, type, name and epoch. */
export function comparePlaces(a: WirePlace, b: WirePlace): number {
  return a.parent - b.parent || compareSteps(a, b) || a.epoch - b.epoch
}

/** Appends all of an update but its sections. `numbers` says which place in the list a row's place is, if rows number otherwise. */
export function writeAllButSections(
  writer: ByteWriter,
  update: Omit<Update, 'bytes' | 'sections'>,
  shapesOf: ShapesOf,
  numbers?: ArrayLike<number>,
  encoder: RowWriter = new RowWriter(),
): void {
  const { base, spans, places, rows } = update
  writer.u8(updateVersion)
  writer.u8(base === undefined ? 0 : 1)
  if (base !== undefined) writer.blob(base)
  writeSpans(writer, spans)
  writePlacesAndRows(writer, places, rows, shapesOf, numbers, encoder)
}

/** Appends what comes after the spans; see {@link writeAllButSections}. */
export function writePlacesAndRows(
  writer: ByteWriter,
  places: readonly WirePlace[],
  rows: readonly Row[],
  shapesOf: ShapesOf,
  numbers: ArrayLike<number> | undefined,
  encoder: RowWriter,
): void {
  writer.uint(places.length)
  for (let i = 0; i < places.length; i++) {
    const { parent, tag, name, epoch } = places[i] as WirePlace
    writer.uint(parent + 1)
    writer.u8(tag)
    writeText(writer, name)
    if (parent < 0) writer.uint(epoch)
  }
  writer.uint(rows.length)
  if (rows.length === 0) return
  let last = -1
  let shapes: readonly OpShape[] | undefined
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as Row
    const place = numbers === undefined ? row.place : (numbers[row.place] as number)
    if (place !== last) shapes = shapesOf((places[place] as WirePlace).tag)
    last = place
    const shape = row.kind === fenceKind ? fenceShape : shapes?.[row.kind]
    encoder.write(writer, place, row.position, row, shape as OpShape)
  }
}

/**
 * Reads an update: what {@link writeAllButSections} wrote, and then the section of each sequence among the places, with its length.
 * Throws `NotCanonical`, `MalformedFrame`, or `UnsupportedFormat`.
 */
export function readUpdate(reader: ByteReader, shapesOf: ShapesOf): Update {
  const version = reader.u8()
  if (version !== updateVersion) throw new NitroError('UnsupportedFormat', `no update of version ${updateVersion}`)
  const flags = reader.u8()
  if (flags > 1) throw notCanonical('flags of an update')
  const base = flags === 1 ? reader.blob() : undefined
  const spans = readSpans(reader)
  const places = readPlaces(reader)
  const used = new Uint8Array(places.length)
  const rows = readRows(reader, places, used, spans, shapesOf)
  const sections: WireSection[] = []
  for (let place = 0; place < places.length; place++) {
    const { parent, tag } = places[place] as WirePlace
    if (parent >= 0) used[parent] = 1
    if (tag < firstSequenceTag) continue
    // A place that is only there because its epoch was raised has an empty section.
    const length = reader.uint()
    if (length > reader.remaining) throw notCanonical('a section beyond the end')
    if (length > 0) used[place] = 1
    sections.push({ place, start: reader.at, end: reader.at + length })
    reader.at += length
  }
  if (used.includes(0)) throw notCanonical('a place that nothing is about')
  if (reader.remaining > 0) throw notCanonical(`${reader.remaining} bytes left over`)
  return { bytes: reader.bytes, spans, places, rows, sections, base }
}

function readPlaces(reader: ByteReader): WirePlace[] {
  const count = reader.uint()
  if (count * 3 > reader.remaining) throw notCanonical('more places than bytes')
  const places: WirePlace[] = []
  for (let i = 0; i < count; i++) {
    const parent = reader.uint() - 1
    const tag = reader.u8()
    const name = readText(reader)
    checkText(name)
    if (parent >= i || (parent >= 0 && places[parent]?.tag !== holderTag)) throw notCanonical('a place within none')
    const place = { parent, tag, name, epoch: parent < 0 ? reader.uint() : (places[parent] as WirePlace).epoch }
    const before = places.at(-1)
    if (before !== undefined && comparePlaces(before, place) >= 0) throw notCanonical('places out of order')
    places.push(place)
  }
  return places
}

function readRows(
  reader: ByteReader,
  places: readonly WirePlace[],
  used: Uint8Array,
  spans: readonly WireSpan[],
  shapesOf: ShapesOf,
): Row[] {
  const count = reader.uint()
  if (count === 0) return []
  if (count > reader.remaining) throw notCanonical('more operations than bytes')
  const events = spans.reduce((sum, { length }) => sum + length, 0)
  const shapes = places.map(({ tag }) => (tag < firstSequenceTag ? shapesOf(tag) : []))
  const rows = new RowReader((place) => shapes[place])
  const found: Row[] = []
  for (let i = 0; i < count; i++) {
    const row = rows.read(reader)
    if (row.position >= events) throw notCanonical('an operation beyond the events')
    if (row.kind === fenceKind) checkFence(places[row.place] as WirePlace)
    used[row.place] = 1
    found.push(row)
  }
  return found
}

function checkFence({ parent, epoch }: WirePlace): void {
  if (parent >= 0 || epoch === 0) throw notCanonical('an epoch raised where there is none')
}
