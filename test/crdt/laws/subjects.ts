/** The types under law: how to act on each at random, and what its value must be by the history alone. */
import type { Action, Cell, Step } from '../../../crdt/index.ts'
import { cellTypes } from '../../../crdt/index.ts'
import type { Value } from '../../../base/index.ts'
import { boundedOps } from '../../../crdt/types/bounded-counter.ts'
import type { BoundedCounter } from '../../../crdt/types/bounded-counter.ts'
import { counterOps } from '../../../crdt/types/counter.ts'
import { flagOps } from '../../../crdt/types/flags.ts'
import { mapOps } from '../../../crdt/types/map.ts'
import { multiValueOps } from '../../../crdt/types/multi-value.ts'
import { registerOps } from '../../../crdt/types/register.ts'
import { setOps } from '../../../crdt/types/sets.ts'
import { treeOps } from '../../../crdt/types/tree.ts'
import type { Tree } from '../../../crdt/types/tree.ts'
import { positionBetween } from '../../../crdt/types/tree-position.ts'
import * as specs from './specs.ts'
import type { Spec } from './specs.ts'

/** One type. */
export interface Subject {
  readonly name: string
  readonly tag: number
  /** An action that makes sense on this cell, from random numbers; undefined where none does. */
  readonly act: (cell: Cell, replica: number, dice: Dice) => Action | undefined
  readonly spec: Spec
  /** Actions that take away everything that is visible, one after the other; undefined for types that can't be emptied. */
  readonly emptying: ((cell: Cell) => readonly Action[]) | undefined
}

/** Random numbers below a bound, drawn one after the other. */
export type Dice = (bound: number) => number

const elements: readonly Value[] = ['x', 'y', 3]
const keys = ['a', 'b', '']
/** The same value written twice must count as two writes. */
const someValue = (dice: Dice): Value => ['v', 'w', 7, null][dice(4)] as Value

function valueOrReset(ops: { readonly set: number; readonly reset: number }): Subject['act'] {
  return (_cell, _replica, dice) => (dice(6) === 0 ? { kind: ops.reset } : { kind: ops.set, value: someValue(dice) })
}

function actOnFlag(_cell: Cell, _replica: number, dice: Dice): Action {
  return { kind: [flagOps.enable, flagOps.disable, flagOps.enable, flagOps.disable, flagOps.reset][dice(5)] as number }
}

function actOnSet(_cell: Cell, _replica: number, dice: Dice): Action {
  const kind = [setOps.add, setOps.remove, setOps.add, setOps.remove, setOps.add, setOps.reset][dice(6)] as number
  return kind === setOps.reset ? { kind } : { kind, value: elements[dice(elements.length)] as Value }
}

function actOnMap(_cell: Cell, _replica: number, dice: Dice): Action {
  const kind = [mapOps.set, mapOps.delete, mapOps.set, mapOps.set, mapOps.reset][dice(5)] as number
  if (kind === mapOps.reset) return { kind }
  const key = keys[dice(keys.length)] as string
  return kind === mapOps.delete ? { kind, key } : { kind, key, value: someValue(dice) }
}

function actOnBounded(cell: Cell, replica: number, dice: Dice): Action | undefined {
  const rights = Number((cell as BoundedCounter).rightsOf(replica))
  if (rights === 0 || dice(3) === 0) return { kind: boundedOps.grant, value: 1 + dice(5) }
  const amount = 1 + dice(rights)
  if (dice(2) === 0) return { kind: boundedOps.spend, value: amount }
  return { kind: boundedOps.transfer, value: [amount, (replica + 1 + dice(2)) % 3] }
}

/** The nodes are few, so that moves meet and cycles are tried. */
function actOnTree(cell: Cell, _replica: number, dice: Dice): Action | undefined {
  const tree = cell as Tree
  const nodes = [...tree.log.places.keys()].sort()
  const node = nodes[dice(Math.max(1, nodes.length))]
  const parent = dice(3) === 0 ? '' : (nodes[dice(Math.max(1, nodes.length))] ?? '')
  const children = tree.children(parent).filter((id) => id !== node)
  const after = dice(children.length + 1)
  const at = (id: string | undefined): string | undefined => (id === undefined ? undefined : tree.place(id)?.position)
  const [left, right] = [at(children[after - 1]), at(children[after])]
  const position = positionBetween(left, left !== undefined && right !== undefined && left >= right ? undefined : right)
  const what = dice(8)
  if (node === undefined || (what < 2 && nodes.length < 5)) return { kind: treeOps.create, value: [parent, position] }
  if (what === 2) return { kind: treeOps.delete, key: node }
  if (what === 3) return { kind: treeOps.set, key: node, value: someValue(dice) }
  return { kind: treeOps.move, key: node, value: [parent, position] }
}

/** All types of the kernel. The sequences have laws of their own. */
export const subjects: readonly Subject[] = [
  {
    name: 'register',
    tag: 2,
    act: valueOrReset(registerOps),
    spec: specs.register,
    emptying: () => [{ kind: registerOps.reset }],
  },
  {
    name: 'multi-value register',
    tag: 3,
    act: valueOrReset(multiValueOps),
    spec: specs.multiValue,
    emptying: () => [{ kind: multiValueOps.reset }],
  },
  {
    name: 'counter',
    tag: 4,
    act: (_cell, _replica, dice) =>
      dice(6) === 0
        ? { kind: counterOps.reset }
        : { kind: counterOps.add, value: [1, 1, -2, 2n ** 60n, 2 ** 53 - 1][dice(5)] as Value },
    spec: specs.counter,
    emptying: () => [{ kind: counterOps.reset }],
  },
  { name: 'bounded counter', tag: 5, act: actOnBounded, spec: specs.boundedCounter, emptying: undefined },
  {
    name: 'enable-wins flag',
    tag: 6,
    act: actOnFlag,
    spec: specs.enableWins,
    emptying: () => [{ kind: flagOps.disable }],
  },
  {
    name: 'disable-wins flag',
    tag: 7,
    act: actOnFlag,
    spec: specs.disableWins,
    emptying: () => [{ kind: flagOps.disable }],
  },
  {
    name: 'add-wins set',
    tag: 8,
    act: actOnSet,
    spec: specs.addWins,
    emptying: () => elements.map((value) => ({ kind: setOps.remove, value })),
  },
  {
    name: 'remove-wins set',
    tag: 9,
    act: actOnSet,
    spec: specs.removeWins,
    emptying: () => elements.map((value) => ({ kind: setOps.remove, value })),
  },
  {
    name: 'map',
    tag: 1,
    act: actOnMap,
    spec: specs.map,
    emptying: () => keys.map((key) => ({ kind: mapOps.delete, key })),
  },
  { name: 'tree', tag: 10, act: actOnTree, spec: specs.tree, emptying: undefined },
]

/** Where the value of a type lives: at the root, and two maps down unless the type is for roots only. */
export function pathsOf({ tag }: Subject): readonly [readonly Step[], readonly Step[]] {
  const root = [{ tag, name: 'it' }]
  if (cellTypes.get(tag)?.rootOnly === true) return [root, root]
  return [
    root,
    [
      { tag: 1, name: 'outer' },
      { tag: 1, name: 'inner' },
      { tag, name: 'it' },
    ],
  ]
}
