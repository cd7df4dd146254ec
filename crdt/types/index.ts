/** All mergeable types that are cells, by tag. */
import type { CellType } from '../kernel/cell.ts'
import { boundedCounterType } from './bounded-counter.ts'
import { counterType } from './counter.ts'
import { disableWinsType, enableWinsType } from './flags.ts'
import { mapType } from './map.ts'
import { multiValueType } from './multi-value.ts'
import { registerType } from './register.ts'
import { addWinsType, removeWinsType } from './sets.ts'
import { treeType } from './tree.ts'

/** Every type of cell. */
export const cellTypes: ReadonlyMap<number, CellType> = new Map(
  [
    mapType,
    registerType,
    multiValueType,
    counterType,
    boundedCounterType,
    enableWinsType,
    disableWinsType,
    addWinsType,
    removeWinsType,
    treeType,
  ].map((type) => [type.tag, type]),
)
