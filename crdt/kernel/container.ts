/**
 * Where values live: roots by type and name, and inside maps again by type and name. Two replicas that make the same place make
 * the same value, so nothing is ever created twice and merged wrongly; the type of a place never changes.
 *
 * Each root has an epoch. Raising it empties the root and all below, and what was done under a lower epoch counts no more,
 * wherever it arrives (a lexicographic join of epoch and content).
 */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import { NitroError } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { checkText, compareTexts, readText, writeText } from '../codec/text.ts'

/** Maps in maps in maps: so many, at most. */
export const maxDepth = 32

/** The tag of the map, the one type that holds others. */
export const holderTag = 1

/** What a place holds. */
export interface Content {
  readonly type: ContentType<Content>
  /** Whether there are no dots: nothing was ever done, or all of it was removed. */
  isEmpty(): boolean
  /** Whether a map that holds this value shows its key: something is in it. */
  isVisible(): boolean
  /** What users see, as a canonical value. */
  value(): Value
  /** Appends the canonical bytes. */
  write(writer: ByteWriter): void
  /** Fills an empty value from what {@link write} wrote. Throws `NotCanonical`. */
  read(reader: ByteReader): void
}

/** A type of value. */
export interface ContentType<C extends Content> {
  /** Its number in encodings; never reused. */
  readonly tag: number
  readonly name: string
  /** Whether it can't be inside a map, because it can't be emptied. */
  readonly rootOnly?: boolean
  /** An empty value. */
  create(): C
}

/** A step on the way to a place. */
export interface Step {
  readonly tag: number
  readonly name: string
}

/** A place and what it holds. */
export class Container<C extends Content> implements Step {
  readonly parent: Container<C> | undefined
  readonly type: ContentType<C>
  readonly name: string
  readonly depth: number
  /** Its number in this process, in order of creation; no two replicas agree on it. */
  readonly index: number
  content: C
  /** By {@link stepKey}. */
  children: Map<string, Container<C>> | undefined
  private rootEpoch = 0

  constructor(parent: Container<C> | undefined, type: ContentType<C>, name: string, index: number) {
    this.parent = parent
    this.type = type
    this.name = name
    this.index = index
    this.depth = parent === undefined ? 1 : parent.depth + 1
    this.content = type.create()
    this.children = undefined
  }

  get tag(): number {
    return this.type.tag
  }

  /** The epoch of the root. */
  get epoch(): number {
    return this.parent === undefined ? this.rootEpoch : this.parent.epoch
  }

  /** From the root down to here. */
  path(): Step[] {
    const step = { tag: this.tag, name: this.name }
    return this.parent === undefined ? [step] : [...this.parent.path(), step]
  }

  /** Empties a root and all below, under a higher epoch. */
  raise(epoch: number): void {
    this.rootEpoch = epoch
    this.renew()
  }

  /** Whether there is nothing at all to remember here and below; of contents, only those count that are asked for. */
  isEmpty(counts: (content: C) => boolean = allCount): boolean {
    if (this.rootEpoch > 0 || (counts(this.content) && !this.content.isEmpty())) return false
    for (const child of this.children?.values() ?? []) if (!child.isEmpty(counts)) return false
    return true
  }

  /** Whether a map that holds this shows it. */
  isVisible(): boolean {
    if (this.content.isVisible()) return true
    for (const child of this.children?.values() ?? []) if (child.isVisible()) return true
    return false
  }

  /** The children in canonical order. */
  sorted(): Container<C>[] {
    return sortContainers(this.children)
  }

  private renew(): void {
    this.content = this.type.create()
    for (const child of this.children?.values() ?? []) child.renew()
  }
}

/** All places of one document or store. */
export class Forest<C extends Content> {
  readonly roots = new Map<string, Container<C>>()
  /** By index. */
  readonly all: Container<C>[] = []
  private readonly types: ReadonlyMap<number, ContentType<C>>
  /** The place found last; most bundles are about the same one as the bundle before. */
  private last: Container<C> | undefined
  constructor(types: ReadonlyMap<number, ContentType<C>>) {
    this.types = types
  }

  /** The place of this type and name, made if need be. Throws `NotCanonical` for an unknown type or an impossible place. */
  child(parent: Container<C> | undefined, tag: number, name: string): Container<C> {
    const { last } = this
    if (last !== undefined && last.name === name && last.tag === tag && last.parent === parent) return last
    return (this.last = this.childBy(parent, tag, name))
  }

  private childBy(parent: Container<C> | undefined, tag: number, name: string): Container<C> {
    const key = stepKey(tag, name)
    const among = parent === undefined ? this.roots : (parent.children ??= new Map<string, Container<C>>())
    const found = among.get(key)
    if (found !== undefined) return found
    const type = this.types.get(tag)
    if (type === undefined) throw notCanonical(`no type ${tag}`)
    if (parent !== undefined && parent.tag !== holderTag) throw notCanonical(`a ${parent.type.name} holds no others`)
    if (parent !== undefined && type.rootOnly === true) throw notCanonical(`a ${type.name} inside a map`)
    if (parent !== undefined && parent.depth >= maxDepth) {
      throw notCanonical(`more than ${maxDepth} maps in each other`)
    }
    checkText(name)
    const made = new Container(parent, type, name, this.all.length)
    this.all.push(made)
    among.set(key, made)
    return made
  }

  /** The place at the end of a way, made if need be. */
  at(path: readonly Step[]): Container<C> {
    let place: Container<C> | undefined
    for (const { tag, name } of path) place = this.child(place, tag, name)
    if (place === undefined) throw new NitroError('InvalidArgument', 'the empty path leads nowhere')
    return place
  }

  /** Appends the canonical bytes of everything, or of the contents that count. */
  write(writer: ByteWriter, counts: (content: C) => boolean = allCount): void {
    writePlaces(writer, sortContainers(this.roots), true, counts)
  }

  /** Fills an empty forest. Throws `NotCanonical`. */
  read(reader: ByteReader): void {
    this.readPlaces(reader, undefined)
  }

  private readPlaces(reader: ByteReader, parent: Container<C> | undefined): void {
    let last: Step | undefined
    for (let count = reader.uint(); count > 0; count--) {
      const step = { tag: reader.u8(), name: readText(reader) }
      if (last !== undefined && compareSteps(last, step) >= 0) throw notCanonical('places out of order')
      last = step
      const place = this.child(parent, step.tag, step.name)
      if (parent === undefined) {
        const epoch = reader.uint()
        if (epoch > 0) place.raise(epoch)
      }
      place.content.read(reader)
      if (step.tag === holderTag) this.readPlaces(reader, place)
      if (place.isEmpty()) throw notCanonical('an empty place')
    }
  }
}

function allCount(): boolean {
  return true
}

function writePlaces<C extends Content>(
  writer: ByteWriter,
  places: readonly Container<C>[],
  roots: boolean,
  counts: (content: C) => boolean,
): void {
  const filled = places.filter((place) => !place.isEmpty(counts))
  writer.uint(filled.length)
  for (const place of filled) {
    writer.u8(place.tag)
    writeText(writer, place.name)
    if (roots) writer.uint(place.epoch)
    if (counts(place.content)) place.content.write(writer)
    else place.type.create().write(writer)
    if (place.children !== undefined) writePlaces(writer, place.sorted(), false, counts)
    else if (place.tag === holderTag) writer.uint(0)
  }
}

/** A key for one step. */
export function stepKey(tag: number, name: string): string {
  return String.fromCharCode(tag) + name
}

/** The canonical order of places in one map: by type, then by name. */
export function compareSteps(a: Step, b: Step): number {
  return a.tag - b.tag || compareTexts(a.name, b.name)
}

function sortContainers<C extends Content>(among: ReadonlyMap<string, Container<C>> | undefined): Container<C>[] {
  return [...(among?.values() ?? [])].sort(compareSteps)
}
