/**
 * Marks: what ranges of a text are said to be. The rules are those of Peritext (G. Litt, S. Lim, M. Kleppmann, P. van Hardenberg,
 * 2022).
 *
 * | Concurrently | Result |
 * | --- | --- |
 * | same key on overlapping ranges | on the overlap the last writer wins: causally later, then deeper, then greater replica |
 * | mark and unmark | the same, an unmark is a mark with the value null |
 * | different keys | both |
 * | a key that may be there many times (comments) | all of them; each is removed by its own name |
 * | text inserted in a marked range | is marked |
 * | text inserted at the edge of one | as `expand` says: `after` (bold), `none` (links, comments), `before`, `both` |
 *
 * A mark holds on to characters with anchors, so it keeps its range whatever happens around it. `expand` decides which side of
 * which character each end holds on to.
 */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { readText, writeText } from '../codec/text.ts'
import { readValue, writeValue } from '../codec/values.ts'
import type { Dot } from '../graph/graph.ts'
import type { Anchor } from './anchors.ts'

/** At which edges a mark takes in what is inserted there. */
export type Expand = 'none' | 'before' | 'after' | 'both'

/** One operation on marks. */
export interface Mark {
  readonly lv: number
  readonly key: string
  /** Null takes the mark away. */
  readonly value: Value
  readonly start: Anchor
  readonly end: Anchor
  /** For keys that may be there many times: the dot of the operation that made the mark. */
  readonly name: Dot | undefined
}

/** One of several marks of a key. */
export interface NamedMark {
  readonly name: Dot
  readonly value: Value
}

/** A stretch of text with its marks: by key the value, or all that are there for keys that may be there many times. */
export interface MarkedSpan {
  readonly start: number
  readonly end: number
  readonly marks: ReadonlyMap<string, Value>
  readonly many: ReadonlyMap<string, readonly NamedMark[]>
}

/** A mark with its range in the text as it is now. */
export interface PlacedMark {
  readonly mark: Mark
  readonly start: number
  readonly end: number
}

/** What competes: marks of the same key, or of the same key and name. */
function slotOf({ key, name }: Mark): string {
  return name === undefined ? `k${key}` : `n${name.rid}:${name.seq}:${key}`
}

/**
 * The stretches of a text of `length` units between which no mark begins or ends, in order, without those that have no marks; equal
 * neighbours are one. `compare` is the order in which the last writer wins.
 */
export function spansOf(
  placed: readonly PlacedMark[],
  length: number,
  compare: (a: number, b: number) => number,
): MarkedSpan[] {
  const edges = new Map<number, PlacedMark[]>()
  const note = (at: number, one: PlacedMark): void => {
    const there = edges.get(at)
    if (there === undefined) edges.set(at, [one])
    else there.push(one)
  }
  for (const one of placed) {
    if (one.start >= one.end) continue
    note(one.start, one)
    note(one.end, one)
  }
  const active = new Map<string, Mark[]>()
  const spans: MarkedSpan[] = []
  const positions = [...edges.keys()].sort((a, b) => a - b)
  for (const [i, at] of positions.entries()) {
    for (const { mark, end } of edges.get(at) ?? []) {
      const slot = slotOf(mark)
      const there = active.get(slot) ?? []
      if (end === at) {
        const left = there.filter((other) => other !== mark)
        if (left.length === 0) active.delete(slot)
        else active.set(slot, left)
      } else
        active.set(
          slot,
          [...there, mark].sort((a, b) => compare(a.lv, b.lv)),
        )
    }
    const next = positions[i + 1] ?? length
    if (next > at) addSpan(spans, at, next, active, compare)
  }
  return spans
}

function addSpan(
  spans: MarkedSpan[],
  start: number,
  end: number,
  active: ReadonlyMap<string, readonly Mark[]>,
  compare: (a: number, b: number) => number,
): void {
  const winners = [...active.values()].flatMap((marks) => marks.at(-1) ?? []).filter(({ value }) => value !== null)
  if (winners.length === 0) return
  winners.sort((a, b) => (a.key === b.key ? compare(a.lv, b.lv) : a.key < b.key ? -1 : 1))
  const marks = new Map<string, Value>()
  const many = new Map<string, NamedMark[]>()
  for (const { key, value, name } of winners) {
    if (name === undefined) marks.set(key, value)
    else many.set(key, [...(many.get(key) ?? []), { name, value }])
  }
  const last = spans.at(-1)
  if (last !== undefined && last.end === start && sameMarks(last, { marks, many }))
    spans[spans.length - 1] = { ...last, end }
  else spans.push({ start, end, marks, many })
}

function sameMarks(a: Pick<MarkedSpan, 'marks' | 'many'>, b: Pick<MarkedSpan, 'marks' | 'many'>): boolean {
  const flat = ({ marks, many }: Pick<MarkedSpan, 'marks' | 'many'>): Value[] => [
    ...[...marks].map(([key, value]): Value => [key, value]),
    ...[...many].map(([key, all]): Value => [key, all.map(({ name, value }): Value => [name.rid, name.seq, value])]),
  ]
  const x = flat(a)
  const y = flat(b)
  return x.length === y.length && x.every((one, i) => sameValue(one, y[i] as Value))
}

function sameValue(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one: Value, i) => sameValue(one, b[i] as Value))
  return a === b
}

const sides = ['start', 'end', 'before', 'after'] as const

/** Appends an anchor. */
export function writeAnchor(writer: ByteWriter, anchor: Anchor): void {
  writer.u8(sides.indexOf(anchor.at))
  if (anchor.at === 'start' || anchor.at === 'end') return
  writer.uint(anchor.rid)
  writer.uint(anchor.seq)
}

/** Reads an anchor. Throws `NotCanonical` or `MalformedFrame`. */
export function readAnchor(reader: ByteReader): Anchor {
  const at = sides[reader.u8()]
  if (at === undefined) throw notCanonical('unknown kind of anchor')
  if (at === 'start' || at === 'end') return { at }
  return { at, ...readDot(reader) }
}

function readDot(reader: ByteReader): Dot {
  const rid = reader.uint()
  const seq = reader.uint()
  if (rid > 0xffff_ffff) throw notCanonical('replica id above 32 bits')
  return { rid, seq }
}

/** A mark before it has an LV here. */
export type MarkBody = Omit<Mark, 'lv'>

/** Appends key, value, anchors and name of a mark. */
export function writeMark(writer: ByteWriter, { key, value, start, end, name }: MarkBody): void {
  writeText(writer, key)
  writeValue(writer, value)
  writeAnchor(writer, start)
  writeAnchor(writer, end)
  writer.u8(name === undefined ? 0 : 1)
  if (name === undefined) return
  writer.uint(name.rid)
  writer.uint(name.seq)
}

/** Reads what {@link writeMark} wrote. Throws `NotCanonical` or `MalformedFrame`. */
export function readMark(reader: ByteReader): MarkBody {
  const key = readText(reader)
  const value = readValue(reader)
  const start = readAnchor(reader)
  const end = readAnchor(reader)
  const named = reader.u8()
  if (named > 1) throw notCanonical('unknown kind of mark')
  return { key, value, start, end, name: named === 0 ? undefined : readDot(reader) }
}
