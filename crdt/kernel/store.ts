/**
 * The state-based face: values with one causal context, deltas and join.
 *
 *   join((m, c), (m', c')) = the dots both hold, those of m that c' has not seen, those of m' that c has not seen; c ∪ c'
 *   join of a root         = the higher epoch wins whole; equal epochs join
 *
 * A mutator gives a delta: a small store that says what the operation added and, in its context, what it removed. Joining is
 * associative, commutative and idempotent, so deltas may come in any order, joined with each other beforehand or twice.
 * (Bounded counters and trees must get a delta after those it builds on if their values in between are to make sense.)
 */
import type { Value } from '../../base/index.ts'
import { ByteReader, ByteWriter, NitroError } from '../../base/index.ts'
import { decoding, notCanonical } from '../codec/errors.ts'
import { ownValue } from '../codec/values.ts'
import type { Cell, CellType } from './cell.ts'
import { CollectingPast, everything } from './cell.ts'
import type { Container, Step } from './container.ts'
import { Forest } from './container.ts'
import { Context } from './context.ts'
import type { Dot, Past } from './dot.ts'
import { maxReplicaId } from './dot.ts'
import type { Op } from './op.ts'
import { noValue } from './op.ts'

const version = 1

/** What an operation does; the rest of an {@link Op} is who and when. */
export interface Action {
  readonly kind: number
  readonly key?: string
  readonly value?: Value
}

/** Who acts, and when: the fresh dot, and a time by a hybrid clock (`high`, `low`). */
export interface Stamp extends Dot {
  readonly high: number
  readonly low: number
}

/** See the header. */
export class Store {
  readonly context = new Context()
  readonly forest: Forest<Cell>
  private readonly types: ReadonlyMap<number, CellType>

  constructor(types: ReadonlyMap<number, CellType>) {
    this.types = types
    this.forest = new Forest<Cell>(types)
  }

  /** The cell at the end of a path. */
  cell(path: readonly Step[]): Cell {
    return this.forest.at(path).content
  }

  /** Carries out one operation and returns its delta. Throws `NotCanonical` for an operation that the type does not have. */
  mutate(path: readonly Step[], action: Action, stamp: Stamp): Store {
    const place = this.forest.at(path)
    const op = operation(place, action, stamp)
    const delta = new Store(this.types)
    const target = delta.forest.at(path)
    if (place.epoch > 0) rootOf(target).raise(place.epoch)
    place.content.apply(op, new CollectingPast(delta.context))
    target.content.apply(op, everything)
    delta.context.add(op.rid, op.seq)
    this.context.add(op.rid, op.seq)
    return delta
  }

  /** Raises the epoch of a root, which empties it here and everywhere, and returns the delta. */
  fence(root: Step, epoch: number, { rid, seq }: Dot): Store {
    const place = this.forest.at([root])
    if (!Number.isSafeInteger(epoch) || epoch <= place.epoch) {
      throw new NitroError('InvalidArgument', `the epoch of ${root.name} is ${place.epoch}, ${epoch} is not above it`)
    }
    const delta = new Store(this.types)
    place.raise(epoch)
    delta.forest.at([root]).raise(epoch)
    delta.context.add(rid, seq)
    this.context.add(rid, seq)
    return delta
  }

  /** Takes in another store or a delta, which is left unchanged. */
  join(other: Store): void {
    for (const place of this.forest.all) {
      if (place.parent === undefined && !other.forest.roots.has(String.fromCharCode(place.tag) + place.name)) {
        this.joinPlace(place, undefined, other.context)
      }
    }
    for (const root of other.forest.roots.values()) {
      const place = this.forest.child(undefined, root.tag, root.name)
      if (root.epoch > place.epoch) place.raise(root.epoch)
      if (root.epoch === place.epoch) this.joinPlace(place, root, other.context)
    }
    this.context.join(other.context)
  }

  /** Forgets what no operation to come can need, see {@link Cell.forget}. */
  forget(stable: Past): void {
    for (const place of this.forest.all) place.content.forget(stable)
  }

  /** The canonical bytes: equal stores have equal bytes. */
  encode(): Uint8Array {
    const writer = new ByteWriter()
    writer.u8(version)
    this.context.write(writer)
    this.forest.write(writer)
    return writer.take()
  }

  /** The store of canonical bytes. Throws `NotCanonical`, and `UnsupportedFormat` for another version. */
  static decode(bytes: Uint8Array, types: ReadonlyMap<number, CellType>): Store {
    const reader = new ByteReader(bytes)
    return decoding(() => {
      const found = reader.u8()
      if (found !== version) throw new NitroError('UnsupportedFormat', `stores of version ${found} are not known here`)
      const store = new Store(types)
      store.context.join(Context.read(reader))
      store.forest.read(reader)
      if (reader.remaining > 0) throw notCanonical(`${reader.remaining} bytes left over`)
      return store
    })
  }

  private joinPlace(mine: Container<Cell>, other: Container<Cell> | undefined, theirs: Context): void {
    mine.content.join(other?.content ?? mine.type.create(), this.context, theirs)
    for (const [key, child] of mine.children ?? []) {
      if (other?.children?.has(key) !== true) this.joinPlace(child, undefined, theirs)
    }
    for (const child of other?.children?.values() ?? []) {
      this.joinPlace(this.forest.child(mine, child.tag, child.name), child, theirs)
    }
  }
}

/** The operation of an action on a place. Throws `NotCanonical`. */
export function operation(place: Container<Cell>, action: Action, { rid, seq, high, low }: Stamp): Op {
  const type = place.content.type
  const shape = type.ops[action.kind]
  if (shape === undefined || rid > maxReplicaId) throw notCanonical(`a ${type.name} has no operation ${action.kind}`)
  const key = shape.key ? (action.key ?? '') : ''
  const value = shape.value && action.value !== undefined ? ownValue(action.value) : noValue
  const op = { rid, seq, kind: action.kind, high: shape.time ? high : 0, low: shape.time ? low : 0, key, value }
  type.check(op)
  return op
}

function rootOf(place: Container<Cell>): Container<Cell> {
  let root = place
  while (root.parent !== undefined) root = root.parent
  return root
}
