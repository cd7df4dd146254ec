/** Kinds of value in documents, and a random edit of each through the handles that users have. */
import type { Value } from '../../../base/index.ts'
import type { Doc } from '../../../crdt/index.ts'
import type { Dice } from './subjects.ts'

/** A kind of value under law in a document. */
export interface DocKind {
  readonly name: string
  /** What the root `it` is. */
  readonly root: Parameters<Doc['fence']>[0]
  /** Makes one random edit. */
  readonly edit: (doc: Doc, dice: Dice) => void
  /** Whether history does not reach back behind a fence. */
  readonly dropsWhatIsFenced?: boolean
  /** What users see beside the plain value. */
  readonly more?: (doc: Doc) => unknown
}

const word = (dice: Dice): string => ['x', 'y', 'z'][dice(3)] as string
/** Nothing that a value shows before anything was done: see {@link plain}. */
const value = (dice: Dice): Value => [1, 'text', -7, true, [2, 'three']][dice(5)] as Value

function editFlag(flag: { enable(): void; disable(): void }, dice: Dice): void {
  if (dice(2) === 0) flag.enable()
  else flag.disable()
}

function editSet(set: { add(element: Value): void; remove(element: Value): void; clear(): void }, dice: Dice): void {
  const what = dice(7)
  if (what === 0) set.clear()
  else if (what < 4) set.add(word(dice))
  else set.remove(word(dice))
}

function editRegister(doc: Doc, dice: Dice): void {
  if (dice(6) === 0) doc.register('it').clear()
  else doc.register('it').set(value(dice))
}

function editMap(doc: Doc, dice: Dice): void {
  const map = doc.map('it')
  const what = dice(8)
  if (what === 0) map.clear()
  else if (what < 3) map.delete(word(dice))
  else map.set(word(dice), value(dice))
}

function editBounded(doc: Doc, dice: Dice): void {
  const counter = doc.boundedCounter('it')
  const rights = Number(counter.rights())
  const what = dice(3)
  if (rights === 0 || what === 0) counter.grant(1 + dice(9))
  else if (what === 1) counter.spend(1 + dice(rights))
  else counter.transfer(1 + dice(rights), ((doc.replica + dice(2)) % 3) + 1)
}

function editTree(doc: Doc, dice: Dice): void {
  const tree = doc.tree('it')
  const nodes: string[] = []
  const collect = (parent: string): void => {
    for (const id of tree.children(parent)) {
      nodes.push(id)
      collect(id)
    }
  }
  collect('')
  const node = nodes[dice(Math.max(1, nodes.length))]
  const parent = dice(3) === 0 ? '' : (nodes[dice(Math.max(1, nodes.length))] ?? '')
  const what = dice(8)
  if (node === undefined || (what < 3 && nodes.length < 6)) tree.create(parent, undefined, value(dice))
  else if (what === 3) tree.delete(node)
  else if (what === 4) tree.set(node, value(dice))
  else if (!isBelow(tree.parent.bind(tree), parent, node)) tree.move(node, parent)
}

function isBelow(parentOf: (node: string) => string | undefined, node: string, above: string): boolean {
  let at: string | undefined = node
  while (at !== undefined && at !== '') {
    if (at === above) return true
    at = parentOf(at)
  }
  return false
}

/** Registers, counters and sets inside maps inside a map, made and removed all the time. */
function editNested(doc: Doc, dice: Dice): void {
  const outer = doc.map('it')
  const inner = outer.map(word(dice))
  const what = dice(9)
  if (what === 0) outer.remove('map', word(dice))
  else if (what === 1) inner.remove('addWinsSet', 'set')
  else if (what === 2) inner.remove('counter', 'count')
  else if (what === 3) inner.clear()
  else if (what === 4) inner.set(word(dice), value(dice))
  else if (what === 5) inner.counter('count').add(1 + dice(3))
  else if (what === 6) inner.removeWinsSet('rest').add(word(dice))
  else inner.addWinsSet('set').add(word(dice))
}

/**
 * A value without what a register, counter or flag shows at first: whether it was ever touched is no change of its value, so no
 * patch tells it.
 */
export function plain(value: Value): Value | undefined {
  if (value === null || value === 0 || value === false) return undefined
  if (typeof value !== 'object' || Array.isArray(value) || value instanceof Uint8Array) return value
  const entries = Object.entries(value).flatMap(([key, inner]: [string, Value]) => {
    const left = plain(inner)
    return left === undefined ? [] : [[key, left] as const]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

/** All that users see. */
export function seen(kind: DocKind, doc: Doc): unknown {
  return [doc.value(), kind.more?.(doc)]
}

/** Every kind of value that is no sequence. */
export const cellKinds: readonly DocKind[] = [
  { name: 'register', root: 'register', edit: editRegister },
  { name: 'multi-value register', root: 'multiValue', edit: (doc, dice) => doc.multiValue('it').set(value(dice)) },
  {
    name: 'counter',
    root: 'counter',
    edit: (doc, dice) => (dice(6) === 0 ? doc.counter('it').reset() : doc.counter('it').add(dice(9) - 4)),
  },
  { name: 'bounded counter', root: 'boundedCounter', edit: editBounded },
  { name: 'enable-wins flag', root: 'enableWinsFlag', edit: (doc, dice) => editFlag(doc.enableWinsFlag('it'), dice) },
  {
    name: 'disable-wins flag',
    root: 'disableWinsFlag',
    edit: (doc, dice) => editFlag(doc.disableWinsFlag('it'), dice),
  },
  { name: 'add-wins set', root: 'addWinsSet', edit: (doc, dice) => editSet(doc.addWinsSet('it'), dice) },
  { name: 'remove-wins set', root: 'removeWinsSet', edit: (doc, dice) => editSet(doc.removeWinsSet('it'), dice) },
  { name: 'map', root: 'map', edit: editMap },
  { name: 'nested map', root: 'map', edit: editNested },
  { name: 'tree', root: 'tree', edit: editTree },
]
