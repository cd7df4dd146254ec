/** Where handles come from: a document gives those of its roots, a map those inside it. */
import type { Value } from '../../base/index.ts'
import { sortTexts } from '../codec/text.ts'
import { noValue } from '../kernel/op.ts'
import { boundedCounterType } from '../types/bounded-counter.ts'
import { counterType } from '../types/counter.ts'
import { disableWinsType, enableWinsType } from '../types/flags.ts'
import type { RegisterMap } from '../types/map.ts'
import { mapOps, mapType } from '../types/map.ts'
import { multiValueType } from '../types/multi-value.ts'
import { registerType } from '../types/register.ts'
import { addWinsType, removeWinsType } from '../types/sets.ts'
import { treeType } from '../types/tree.ts'
import type { DocCore } from './core.ts'
import { DocBoundedCounter, DocCounter, DocFlag, DocMultiValue, DocRegister, DocSet, Handle } from './handle.ts'
import { DocMovableList } from './movable-handle.ts'
import { DocList, DocText } from './sequence-handles.ts'
import { listTag, movableListTag, textTag } from './sequence-types.ts'
import { isSequence } from './sequence.ts'
import type { Place } from './state.ts'
import { DocTree } from './tree-handle.ts'

/** The kinds of value a place can hold, with their tags in encodings. */
export const kinds = {
  map: mapType.tag,
  register: registerType.tag,
  multiValue: multiValueType.tag,
  counter: counterType.tag,
  boundedCounter: boundedCounterType.tag,
  enableWinsFlag: enableWinsType.tag,
  disableWinsFlag: disableWinsType.tag,
  addWinsSet: addWinsType.tag,
  removeWinsSet: removeWinsType.tag,
  tree: treeType.tag,
  text: textTag,
  list: listTag,
  movableList: movableListTag,
} as const

/** The name of a kind of value. */
export type Kind = keyof typeof kinds

/** What a document and a map have in common: values of their own under names. Each kind has names of its own. */
export interface Places {
  map(name: string): DocMap
  register(name: string): DocRegister
  multiValue(name: string): DocMultiValue
  counter(name: string): DocCounter
  enableWinsFlag(name: string): DocFlag
  disableWinsFlag(name: string): DocFlag
  addWinsSet(name: string): DocSet
  removeWinsSet(name: string): DocSet
  tree(name: string): DocTree
  text(name: string): DocText
  list(name: string): DocList
  movableList(name: string): DocMovableList
}

/** Makes the handle of a kind, once for each place. */
export function handleAt(core: DocCore, parent: Place | undefined, kind: Kind, name: string): Handle {
  const place = core.state.forest.child(parent, kinds[kind], name)
  let handle = core.handles.get(place)
  if (handle === undefined) {
    handle = new handles[kind](core, place)
    core.handles.set(place, handle)
  }
  return handle
}

/** A map: registers under keys, and other values under their names and kinds. */
export class DocMap extends Handle implements Places {
  /** The value set under a key, or undefined. */
  get(key: string): Value | undefined {
    return this.cell.get(key)
  }

  /** Whether a value is set under a key. */
  has(key: string): boolean {
    return this.cell.get(key) !== undefined
  }

  /** The keys with values, in canonical order; values of other kinds are not among them. */
  keys(): string[] {
    return sortTexts([...this.cell.allKeys()])
  }

  /** How many keys have values. */
  get size(): number {
    return this.cell.size
  }

  /** All values of a key that nobody has replaced, in the order of their dots; more than one after concurrent sets. */
  conflicts(key: string): Value[] {
    return this.cell.conflicts(key)
  }

  /** Sets the value of a key. Throws `NotCanonical` for a value that merged state can't hold. */
  set(key: string, value: Value): void {
    const { core, place } = this
    const { rewritableFrom } = core
    const seq = rewritableFrom < 0 ? -1 : this.cell.rewritable(key, core.replica, rewritableFrom)
    if (seq >= 0) core.rewrite(place, seq, () => value)
    else core.perform(place, mapOps.set, key, value)
  }

  /** Takes the value of a key away; a concurrent set keeps it. */
  delete(key: string): void {
    if (this.has(key)) this.core.perform(this.place, mapOps.delete, key, noValue)
  }

  /** Empties the value of this kind and name, as far as it is seen here: what is done to it concurrently stays. */
  remove(kind: Exclude<Kind, 'boundedCounter'>, name: string): void {
    const found = this.place.children?.get(String.fromCharCode(kinds[kind]) + name)
    if (found !== undefined) empty(this.core, found)
  }

  /** Takes everything away that is seen here, at any depth. */
  clear(): void {
    empty(this.core, this.place)
  }

  map(name: string): DocMap {
    return handleAt(this.core, this.place, 'map', name) as DocMap
  }

  register(name: string): DocRegister {
    return handleAt(this.core, this.place, 'register', name) as DocRegister
  }

  multiValue(name: string): DocMultiValue {
    return handleAt(this.core, this.place, 'multiValue', name) as DocMultiValue
  }

  counter(name: string): DocCounter {
    return handleAt(this.core, this.place, 'counter', name) as DocCounter
  }

  enableWinsFlag(name: string): DocFlag {
    return handleAt(this.core, this.place, 'enableWinsFlag', name) as DocFlag
  }

  disableWinsFlag(name: string): DocFlag {
    return handleAt(this.core, this.place, 'disableWinsFlag', name) as DocFlag
  }

  addWinsSet(name: string): DocSet {
    return handleAt(this.core, this.place, 'addWinsSet', name) as DocSet
  }

  removeWinsSet(name: string): DocSet {
    return handleAt(this.core, this.place, 'removeWinsSet', name) as DocSet
  }

  tree(name: string): DocTree {
    return handleAt(this.core, this.place, 'tree', name) as DocTree
  }

  text(name: string): DocText {
    return handleAt(this.core, this.place, 'text', name) as DocText
  }

  list(name: string): DocList {
    return handleAt(this.core, this.place, 'list', name) as DocList
  }

  movableList(name: string): DocMovableList {
    return handleAt(this.core, this.place, 'movableList', name) as DocMovableList
  }

  /** Everything in it as a plain value, see {@link valueOf}. */
  value(): Value {
    return valueOf(this.place)
  }

  private get cell(): RegisterMap {
    return this.place.content as RegisterMap
  }
}

const handles: Readonly<Record<Kind, new (core: DocCore, place: Place) => Handle>> = {
  map: DocMap,
  register: DocRegister,
  multiValue: DocMultiValue,
  counter: DocCounter,
  boundedCounter: DocBoundedCounter,
  enableWinsFlag: DocFlag,
  disableWinsFlag: DocFlag,
  addWinsSet: DocSet,
  removeWinsSet: DocSet,
  tree: DocTree,
  text: DocText,
  list: DocList,
  movableList: DocMovableList,
}

/**
 * What a place holds as a plain value. Of a map, the values set under keys and all others that hold something; where two kinds
 * have the same name, values set under keys come first, then the kind with the smaller tag.
 */
export function valueOf(place: Place): Value {
  if (place.tag !== mapType.tag) return place.content.value()
  return valuesOf(place.children?.values() ?? [], place.content.value() as Readonly<Record<string, Value>>)
}

/** The values of places that hold something, by name, added to those given. */
export function valuesOf(places: Iterable<Place>, given: Readonly<Record<string, Value>>): Value {
  const values = new Map<string, Value>(Object.entries(given))
  const shown = [...places].filter((place) => place.isVisible()).sort((a, b) => a.tag - b.tag)
  for (const place of shown) if (!values.has(place.name)) values.set(place.name, valueOf(place))
  return Object.fromEntries(sortTexts([...values.keys()]).map((name) => [name, values.get(name) as Value]))
}

/** Empties a place and all within, by operations that concern only what is seen here. */
function empty(core: DocCore, place: Place): void {
  for (const child of place.sorted()) empty(core, child)
  const { content } = place
  if (isSequence(content)) {
    content.takeAll(core, place)
    return
  }
  for (const { kind, key } of content.type.emptying(content) ?? []) core.perform(place, kind, key, noValue)
}
