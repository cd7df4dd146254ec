/**
 * A user interface in small: a plain copy of a document that hears of changes by patches only. It knows what patches mean from
 * their descriptions.
 */
import type { Value } from '../../../base/index.ts'
import { compareBytes, encodeValue } from '../../../base/index.ts'
import type { Doc, Patch } from '../../../crdt/index.ts'
import { same } from './law.ts'

type Step = Patch['path'][number]
type SequenceEdits = Extract<Patch, { readonly type: 'sequence' }>['edits']

/** What is known of one place. */
interface Known {
  readonly step: Step
  readonly children: Map<string, Known>
  /** The value of a register, counter or flag; undefined as long as no patch has come. */
  value: Value | undefined
  readonly keys: Map<string, Value>
  readonly elements: Map<string, Value>
  readonly nodes: Map<string, { readonly parent: string; readonly position: string; readonly value: Value }>
  sequence: unknown[] | undefined
}

const tags = { map: 1, addWinsSet: 8, removeWinsSet: 9, tree: 10, movableList: 11, text: 12, list: 13 } as const

/** See the header. */
export class Mirror {
  readonly #root = known({ tag: 0, name: '' })

  /** Follows a document, which must be empty yet. */
  constructor(doc: Doc) {
    doc.on(({ patches }) => {
      for (const patch of patches) this.take(patch)
    })
  }

  /** Takes in one patch. */
  take(patch: Patch): void {
    let place = this.#root
    for (const step of patch.path) place = child(place, step)
    switch (patch.type) {
      case 'fence':
        clear(place)
        break
      case 'value':
        if (place.value !== undefined) same(patch.before, place.value, 'the value before a patch')
        place.value = patch.after
        break
      case 'map':
        same(patch.before, place.keys.get(patch.key), 'the value of a key before a patch')
        if (patch.after === undefined) place.keys.delete(patch.key)
        else place.keys.set(patch.key, patch.after)
        break
      case 'set': {
        const key = encodeValue(patch.element).join()
        if (patch.added) place.elements.set(key, patch.element)
        else place.elements.delete(key)
        break
      }
      case 'tree':
        if (patch.after === undefined) place.nodes.delete(patch.node)
        else place.nodes.set(patch.node, { ...patch.after, value: patch.value })
        break
      case 'sequence':
        place.sequence = edited(place.sequence ?? [], patch.edits)
        break
      case 'marks':
        // no part of the plain value
        break
    }
  }

  /** The whole as a plain value, as a document shows it. */
  value(): Value {
    return shown(this.#root)
  }
}

function known(step: Step): Known {
  const maps = { children: new Map(), keys: new Map(), elements: new Map(), nodes: new Map() }
  return { step, ...maps, value: undefined, sequence: undefined }
}

function child(place: Known, step: Step): Known {
  const key = `${step.tag}/${step.name}`
  let found = place.children.get(key)
  if (found === undefined) place.children.set(key, (found = known(step)))
  return found
}

function clear(place: Known): void {
  for (const map of [place.children, place.keys, place.elements, place.nodes]) map.clear()
  place.value = undefined
  place.sequence = undefined
}

/** A place as a plain value; undefined when a document would not show it. */
function valueOf(place: Known): Value | undefined {
  const { tag } = place.step
  if (tag === tags.map) {
    const inner = shown(place)
    return Object.keys(inner as object).length === 0 ? undefined : inner
  }
  if (tag === tags.addWinsSet || tag === tags.removeWinsSet) {
    const elements = [...place.elements.values()].sort((a, b) => compareBytes(encodeValue(a), encodeValue(b)))
    return elements.length === 0 ? undefined : elements
  }
  if (tag === tags.tree) {
    const nodes = below(place, '')
    return nodes.length === 0 ? undefined : nodes
  }
  if (tag === tags.text)
    return place.sequence === undefined || place.sequence.length === 0 ? undefined : place.sequence.join('')
  if (tag === tags.list || tag === tags.movableList) {
    return place.sequence === undefined || place.sequence.length === 0 ? undefined : (place.sequence as Value[])
  }
  return place.value
}

function below(place: Known, parent: string): Value[] {
  return [...place.nodes]
    .filter(([, node]) => node.parent === parent)
    .sort(([a, x], [b, y]) => (x.position === y.position ? (a < b ? -1 : 1) : x.position < y.position ? -1 : 1))
    .map(([id, node]) => [id, node.value, below(place, id)])
}

function shown(place: Known): Value {
  const values = new Map<string, Value>(place.keys)
  for (const inner of [...place.children.values()].sort((a, b) => a.step.tag - b.step.tag)) {
    const value = valueOf(inner)
    if (value !== undefined && !values.has(inner.step.name)) values.set(inner.step.name, value)
  }
  return Object.fromEntries([...values].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Each edit is one of the content after the edits before it. A text is a list of code units here. */
function edited(content: readonly unknown[], edits: SequenceEdits): unknown[] {
  const units = [...content]
  for (const { position, removed, inserted } of edits) {
    if (position + removed > units.length) throw new Error('a patch reaches beyond the end')
    units.splice(position, removed, ...(typeof inserted === 'string' ? inserted.split('') : (inserted as unknown[])))
  }
  return units
}
