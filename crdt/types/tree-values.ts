/** The registers of the nodes of a tree. */
import type { Value } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import type { CellType } from '../kernel/cell.ts'
import type { Past } from '../kernel/dot.ts'
import { latestEntry } from '../kernel/entries.ts'
import { KeyedCell } from '../kernel/keyed-cell.ts'
import type { Op } from '../kernel/op.ts'
import { timedValue } from './payloads.ts'
import { isNodeId } from './tree-log.ts'
import { mapType } from './map.ts'

/** A register for each node, last writer wins. Not a type of its own: a part of the tree. */
export class TreeValues extends KeyedCell<Value> {
  readonly type: CellType = mapType
  protected readonly payload = timedValue

  /** The value of a node, or null. */
  get(id: string): Value {
    return latestEntry(this.keys.get(id))?.value ?? null
  }

  /** Carries out the setting of a value. */
  set(op: Op, past: Past): void {
    this.apply(op, past)
  }

  value(): Value {
    return null
  }

  shown(key: string): Value | undefined {
    return latestEntry(this.keys.get(key))?.value
  }

  keyOf(op: Op): string {
    return op.key
  }

  protected added(op: Op): Value {
    return op.value
  }

  protected override checkKey(key: string): void {
    if (!isNodeId(key)) throw notCanonical('a node of a tree')
  }
}
