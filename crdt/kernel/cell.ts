/**
 * The contract of every mergeable type but the sequences.
 *
 * A cell is a dot store: a set of dots with payloads. It knows nothing of contexts; whoever owns it keeps one context for all
 * cells. `apply` is the operation-based face: the operation removes what it names and what its past covers, and adds at most
 * one dot of its own. `join` is the state-based face. They agree: applying an operation equals joining its delta, and
 * both are laws in the tests of every type.
 */
import type { Content, ContentType } from './container.ts'
import type { Context } from './context.ts'
import type { Past } from './dot.ts'
import type { Op, OpShape } from './op.ts'

/** A type of cell. */
export interface CellType extends ContentType<Cell> {
  /** Its operations; the place in this list is the kind of an {@link Op}. Only append. */
  readonly ops: readonly OpShape[]
  /** The operations that take everything away that is there now; undefined for a type that can't be emptied. */
  emptying(cell: Cell): readonly Emptying[] | undefined
  /** Throws `NotCanonical` when key or value of an operation are not of the shape its kind wants. */
  check(op: Op): void
}

/** An operation that takes part in emptying a value. */
export interface Emptying {
  readonly kind: number
  readonly key: string
}

/** For types with an operation that resets: that one, unless there is nothing to reset. */
export function emptyingBy(kind: number): (cell: Cell) => readonly Emptying[] {
  const all = [{ kind, key: '' }]
  return (cell) => (cell.isEmpty() ? [] : all)
}

/** A mergeable value; see the module header. */
export interface Cell extends Content {
  readonly type: CellType
  /** Carries an operation out; `past` is what it had seen. */
  apply(op: Op, past: Past): void
  /** Takes in another value of the same type: `mine` and `theirs` are the contexts of the two. `other` is left unchanged. */
  join(other: Cell, mine: Past, theirs: Past): void
  /**
   * Drops what no operation to come can need: every operation to come has all of `stable` in its past. Changes no value,
   * now or later.
   */
  forget(stable: Past): void
}

/** Every dot in a delta's way: covers all, and notes what it was asked, for building the context of a delta. */
export class CollectingPast implements Past {
  private readonly into: Context

  constructor(into: Context) {
    this.into = into
  }

  covers(rid: number, seq: number): boolean {
    this.into.add(rid, seq)
    return true
  }
}

/** The past of an operation made right here: everything there is. */
export const everything: Past = { covers: () => true }

/** The past of the first operation of all. */
export const nothing: Past = { covers: () => false }
