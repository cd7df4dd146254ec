/**
 * Flags, false at first.
 *
 *   enable ∥ disable   enable-wins flag: true; disable-wins flag: false
 *   enable → disable   false, and the other way round true, for both
 *   enable ∥ reset     both: true
 *   disable ∥ reset    both: false
 *
 * The enable-wins flag keeps the dots of maximal enables and needs no trace of disables. The disable-wins flag keeps maximal
 * operations of both kinds; a disable that every replica has seen is forgotten with {@link Cell.forget}.
 */
import type { CellType } from '../kernel/cell.ts'
import { emptyingBy } from '../kernel/cell.ts'
import type { Past } from '../kernel/dot.ts'
import { EntriesCell } from '../kernel/entries-cell.ts'
import { allCovered } from '../kernel/keyed-cell.ts'
import type { Op } from '../kernel/op.ts'
import { opShape } from '../kernel/op.ts'
import { inOrOut, onlyDot } from './payloads.ts'

/** Kinds of operation of both flags. */
export const flagOps = { enable: 0, disable: 1, reset: 2 } as const

const ops = [opShape('enable'), opShape('disable'), opShape('reset')]

/** A flag that a concurrent enable keeps true. */
export class EnableWinsFlag extends EntriesCell<true> {
  readonly type: CellType = enableWinsType
  protected readonly payload = onlyDot

  value(): boolean {
    return this.entries !== undefined
  }

  protected added(op: Op): true | undefined {
    return op.kind === flagOps.enable ? true : undefined
  }
}

/** A flag that a concurrent disable keeps false. */
export class DisableWinsFlag extends EntriesCell<boolean> {
  readonly type: CellType = disableWinsType
  protected readonly payload = inOrOut

  value(): boolean {
    for (let entry = this.entries; entry !== undefined; entry = entry.next) if (!entry.value) return false
    return this.entries !== undefined
  }

  override isVisible(): boolean {
    return this.value()
  }

  override forget(stable: Past): void {
    // A disable beside an enable must stay: it still decides.
    if (this.onlyDisables() && allCovered(this.entries, stable)) this.entries = undefined
  }

  /** Whether no enable is among the maximal operations. */
  private onlyDisables(): boolean {
    for (let entry = this.entries; entry !== undefined; entry = entry.next) if (entry.value) return false
    return true
  }

  protected added(op: Op): boolean | undefined {
    return op.kind === flagOps.reset ? undefined : op.kind === flagOps.enable
  }
}

/** The type of {@link EnableWinsFlag}. */
export const enableWinsType: CellType = {
  tag: 6,
  name: 'enable-wins flag',
  ops,
  create: () => new EnableWinsFlag(),
  emptying: emptyingBy(flagOps.reset),
  check: () => undefined,
}

/** The type of {@link DisableWinsFlag}. */
export const disableWinsType: CellType = {
  tag: 7,
  name: 'disable-wins flag',
  ops,
  create: () => new DisableWinsFlag(),
  emptying: emptyingBy(flagOps.reset),
  check: () => undefined,
}
