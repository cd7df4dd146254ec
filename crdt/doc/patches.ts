/** Changes as data: what an update or a bundle did to what users see. */
import type { Value } from '../../base/index.ts'
import { fenceKind } from '../codec/rows.ts'
import { elementOf, sameValue } from '../codec/values.ts'
import type { Step } from '../kernel/container.ts'
import { KeyedCell } from '../kernel/keyed-cell.ts'
import type { Op } from '../kernel/op.ts'
import { ElementSet } from '../types/sets.ts'
import type { MarkedSpan } from '../text/marks.ts'
import type { Place as TreePlace } from '../types/tree-log.ts'
import { Tree, treeOps } from '../types/tree.ts'
import type { Address, Place } from './state.ts'
import type { Edit, SequenceContent } from './sequence.ts'
import { isSequence } from './sequence.ts'

/** Common part of all patches: the way to the value that changed, from the root down. */
interface At {
  readonly path: readonly Step[]
}

/** A change of a register, counter or flag. */
export interface ValuePatch extends At {
  readonly type: 'value'
  readonly before: Value
  readonly after: Value
}

/** A change of one key of a map; undefined stands for no value. */
export interface MapPatch extends At {
  readonly type: 'map'
  readonly key: string
  readonly before: Value | undefined
  readonly after: Value | undefined
}

/** An element that came into a set or went. */
export interface SetPatch extends At {
  readonly type: 'set'
  readonly element: Value
  readonly added: boolean
}

/** A node that came, went, moved or has another value; undefined stands for a node that was not there before. */
export interface TreePatch extends At {
  readonly type: 'tree'
  readonly node: string
  readonly before: TreePlace | undefined
  readonly after: TreePlace | undefined
  readonly value: Value
}

/** Edits of a text or list, each in terms of the content after the edits before it. */
export interface SequencePatches extends At {
  readonly type: 'sequence'
  readonly edits: readonly Edit[]
}

/** The marks of a text are other ones: all of them, as they are now. */
export interface MarksPatch extends At {
  readonly type: 'marks'
  readonly spans: readonly MarkedSpan[]
}

/** A root that was emptied, with all below, by a higher epoch. Other patches of the same change come after it. */
export interface FencePatch extends At {
  readonly type: 'fence'
  readonly epoch: number
}

/** One change of one value. */
export type Patch = ValuePatch | MapPatch | SetPatch | TreePatch | SequencePatches | MarksPatch | FencePatch

/** What a place looked like before. */
interface Before {
  /** For keyed values, by key. */
  readonly keys: Map<string, Value | undefined>
  value: Value | undefined
  edits: Edit[] | undefined
  markings: number
}

/** Notes what values look like before they change, and tells afterwards what did. */
export class Patcher {
  /** Keeps the shape, as {@link ByteReader.kept}. */
  static readonly kept: Patcher = new Patcher()
  private readonly places = new Map<Place, Before>()
  private readonly fences = new Map<Place, number>()

  /** Must be called before an operation is carried out. */
  note({ place, epoch }: Address, op: Op): void {
    if (epoch < place.epoch) return
    if (epoch > place.epoch || op.kind === fenceKind) {
      this.noteFence(place, epoch)
      if (op.kind === fenceKind) return
    }
    const before = this.beforeOf(place)
    const { content } = place
    if (content instanceof KeyedCell) {
      const key = content.keyOf(op)
      if (key !== undefined) noteKey(before, content, key)
      else for (const each of content.allKeys()) noteKey(before, content, each)
    } else if (content instanceof Tree) {
      content.log.watch()
      if (op.kind === treeOps.set) before.keys.set(op.key, null)
    } else if (before.value === undefined) before.value = content.value()
  }

  /** Must be called before a sequence is edited or gets operations. */
  noteEdits(place: Place, sequence: SequenceContent): void {
    const before = this.beforeOf(place)
    if (before.edits !== undefined) return
    before.edits = []
    before.markings = sequence.markings
  }

  /** Where the edits of a sequence are to go. */
  editsOf(place: Place): Edit[] {
    return (this.beforeOf(place).edits ??= [])
  }

  /** What changed. */
  finish(): Patch[] {
    const patches: Patch[] = []
    for (const [place, epoch] of this.fences) patches.push({ type: 'fence', path: place.path(), epoch })
    for (const [place, before] of this.places) {
      const path = place.path()
      const { content } = place
      if (before.edits !== undefined) {
        if (before.edits.length > 0) patches.push({ type: 'sequence', path, edits: before.edits })
        if (isSequence(content) && content.markings !== before.markings) {
          patches.push({ type: 'marks', path, spans: content.spans?.() ?? [] })
        }
      } else if (content instanceof KeyedCell) keyPatches(patches, path, content, before)
      else if (content instanceof Tree) treePatches(patches, path, content, before)
      else if (before.value !== undefined) {
        const after = content.value()
        if (!sameValue(before.value, after)) patches.push({ type: 'value', path, before: before.value, after })
      }
    }
    return patches
  }

  private noteFence(place: Place, epoch: number): void {
    let root = place
    while (root.parent !== undefined) root = root.parent
    if (epoch <= root.epoch) return
    this.fences.set(root, epoch)
    for (const noted of this.places.keys()) {
      let at: Place | undefined = noted
      while (at.parent !== undefined) at = at.parent
      if (at === root) this.places.delete(noted)
    }
  }

  private beforeOf(place: Place): Before {
    let before = this.places.get(place)
    if (before === undefined) {
      before = { keys: new Map(), value: undefined, edits: undefined, markings: 0 }
      this.places.set(place, before)
    }
    return before
  }
}

function noteKey(before: Before, content: KeyedCell<unknown>, key: string): void {
  if (!before.keys.has(key)) before.keys.set(key, content.shown(key))
}

function keyPatches(patches: Patch[], path: readonly Step[], content: KeyedCell<unknown>, noted: Before): void {
  for (const [key, before] of noted.keys) {
    const after = content.shown(key)
    if (sameValue(before, after)) continue
    if (content instanceof ElementSet) {
      patches.push({ type: 'set', path, element: elementOf(key), added: after !== undefined })
    } else patches.push({ type: 'map', path, key, before, after })
  }
}

function treePatches(patches: Patch[], path: readonly Step[], tree: Tree, noted: Before): void {
  const told = new Set<string>()
  for (const [node, before] of tree.log.moves()) {
    told.add(node)
    patches.push({ type: 'tree', path, node, before, after: tree.place(node), value: tree.get(node) })
  }
  for (const node of noted.keys.keys()) {
    const place = tree.place(node)
    if (!told.has(node)) patches.push({ type: 'tree', path, node, before: place, after: place, value: tree.get(node) })
  }
}
