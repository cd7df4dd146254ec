/**
 * Undo and redo of what this replica did, one bundle at a time. Undoing makes new operations, so it merges like anything else,
 * and it takes back only one's own: what others have done meanwhile to the same key, element or text stays.
 *
 *   set, delete of a key or register   the value before, unless somebody has written since
 *   add of a counter                   the opposite; a reset: what it had taken away
 *   add, remove of a set; flags        the opposite, if it had changed anything
 *   tree                               the place or value before, unless moved or set since
 *   insert into a text or list         what is left of it is deleted
 *   delete from a text or list         the same content, where it would stand now
 *   mark of a text                     what was marked before, on the same characters
 *   move in a list; set of an element  the position or value before, unless moved away or set since
 *   bounded counters, epochs           stay as they are: rights may have gone on
 */
import type { Value } from '../../base/index.ts'
import { elementKey, sameValue } from '../codec/values.ts'
import type { Op } from '../kernel/op.ts'
import { noValue } from '../kernel/op.ts'
import type { Amount } from '../types/amounts.ts'
import { addAmounts, negated } from '../types/amounts.ts'
import { Counter, counterOps } from '../types/counter.ts'
import { DisableWinsFlag, EnableWinsFlag, flagOps } from '../types/flags.ts'
import { RegisterMap, mapOps } from '../types/map.ts'
import { MultiValue, multiValueOps } from '../types/multi-value.ts'
import { Register, registerOps } from '../types/register.ts'
import { ElementSet, setOps } from '../types/sets.ts'
import { rootId, trashId, nodeId } from '../types/tree-log.ts'
import { Tree, treeOps } from '../types/tree.ts'
import type { DocCore, LocalEdit, Recorder } from './core.ts'
import { Reinserted } from './reinserted.ts'
import { takeOut } from './sequence.ts'
import type { Place } from './state.ts'

/** Takes one operation back. */
type Inverse = () => void

/** See the header. It knows what was done from when it was made. */
export class UndoStack implements Recorder {
  private readonly core: DocCore
  private readonly stepsMax: number
  private readonly reinserted = new Reinserted()
  private undos: Inverse[][] = []
  private redos: Inverse[][] = []
  private open: Inverse[] = []
  /** Where what is being done goes. */
  private target: 'new' | 'undone' | 'redone' = 'new'

  /** Internal: a document gives one. */
  constructor(core: DocCore, stepsMax: number) {
    this.core = core
    this.stepsMax = stepsMax
    core.recorders.add(this)
  }

  /** Whether there is something to undo. */
  get canUndo(): boolean {
    return this.open.length > 0 || this.undos.length > 0
  }

  /** Whether there is something to redo: nothing new has been done since the last undo. */
  get canRedo(): boolean {
    return this.redos.length > 0 && this.open.length === 0
  }

  /** Takes the last bundle back, in a bundle of its own; false when there is none. Give it out with `commit` as any other. */
  undo(): boolean {
    return this.run(() => this.undos.pop(), 'undone')
  }

  /** Does again what was undone last; false when there is none. */
  redo(): boolean {
    return this.run(() => this.redos.pop(), 'redone')
  }

  /** Stops noting what is done, and forgets all of it. */
  close(): void {
    this.core.recorders.delete(this)
    this.undos = []
    this.redos = []
    this.open = []
  }

  operation(place: Place, op: Op): void {
    const inverse = this.inverseOf(place, op)
    if (inverse !== undefined) this.open.push(inverse)
  }

  edit(place: Place, edit: LocalEdit): void {
    const { reinserted, core } = this
    if (edit.kind === 'other') this.open.push(edit.takeBack)
    else if (edit.kind === 'delete') this.open.push(() => reinserted.putBack(core, place, edit))
    else {
      const { sequence, lv, length } = edit
      this.open.push(() => {
        if (place.content !== sequence) return
        for (const [position, count] of reinserted.left(sequence, lv, lv + length)) {
          takeOut(core, place, sequence, position, count)
        }
      })
    }
  }

  sealed(): void {
    if (this.open.length === 0) return
    const step = this.open.reverse()
    this.open = []
    if (this.target === 'undone') this.redos.push(step)
    else this.undos.push(step)
    if (this.target === 'new') this.redos = []
    if (this.undos.length > this.stepsMax) this.undos.shift()
  }

  private run(next: () => Inverse[] | undefined, target: 'undone' | 'redone'): boolean {
    const { core } = this
    core.seal()
    const step = next()
    if (step === undefined) return false
    this.target = target
    core.origin = 'undo'
    try {
      for (const inverse of step) inverse()
    } finally {
      core.seal()
      core.origin = 'local'
      this.target = 'new'
    }
    return true
  }

  private inverseOf(place: Place, op: Op): Inverse | undefined {
    const { content } = place
    const { core } = this
    const perform = (kind: number, key: string, value: Value): void => {
      // A higher epoch has begun since.
      if (place.content === content) core.perform(place, kind, key, value)
    }
    if (content instanceof RegisterMap) {
      if (op.kind === mapOps.reset) return undoReset(content, perform)
      return undoKey(content, op, perform)
    }
    if (content instanceof Register) return undoRegister(content, op, perform)
    if (content instanceof Counter) return undoCounter(content, op, perform)
    if (content instanceof EnableWinsFlag || content instanceof DisableWinsFlag) {
      const before = content.value()
      return () => {
        if (content.value() !== before) perform(before ? flagOps.enable : flagOps.disable, '', noValue)
      }
    }
    if (content instanceof ElementSet) return undoSet(content, op, perform)
    if (content instanceof MultiValue) {
      const before = content.values()
      return () => {
        const [last] = before.slice(-1)
        if (last === undefined) perform(multiValueOps.reset, '', noValue)
        else perform(multiValueOps.set, '', last)
      }
    }
    if (content instanceof Tree) return undoTree(content, op, perform)
    return undefined
  }
}

type Perform = (kind: number, key: string, value: Value) => void

function undoKey(map: RegisterMap, op: Op, perform: Perform): Inverse {
  const { key } = op
  const before = map.get(key)
  return () => {
    const made = op.kind === mapOps.set ? op.value : undefined
    if (!sameValue(map.get(key), made)) return
    if (before === undefined) perform(mapOps.delete, key, noValue)
    else perform(mapOps.set, key, before)
  }
}

function undoReset(map: RegisterMap, perform: Perform): Inverse {
  const before = [...map.allKeys()].map((key) => [key, map.get(key) as Value] as const)
  return () => {
    for (const [key, value] of before) if (map.get(key) === undefined) perform(mapOps.set, key, value)
  }
}

function undoRegister(register: Register, op: Op, perform: Perform): Inverse {
  const before = register.get()
  return () => {
    const made = op.kind === registerOps.set ? op.value : undefined
    if (!sameValue(register.get(), made)) return
    if (before === undefined) perform(registerOps.reset, '', noValue)
    else perform(registerOps.set, '', before)
  }
}

function undoCounter(counter: Counter, op: Op, perform: Perform): Inverse {
  const before = counter.value()
  return () => {
    // An addition may have grown until its bundle ended.
    const change = op.kind === counterOps.add ? negated(op.value as Amount) : before
    if (change !== 0) perform(counterOps.add, '', addAmounts(change, 0))
  }
}

function undoSet(set: ElementSet<unknown>, op: Op, perform: Perform): Inverse {
  if (op.kind === setOps.reset) {
    const before = [...set.elements()]
    return () => {
      for (const element of before) if (!set.has(element)) perform(setOps.add, '', element)
    }
  }
  const key = elementKey(op.value)
  const before = set.hasKey(key)
  return () => {
    if (set.hasKey(key) !== before) perform(before ? setOps.add : setOps.remove, '', op.value)
  }
}

function undoTree(tree: Tree, op: Op, perform: Perform): Inverse {
  if (op.kind === treeOps.set) {
    const before = tree.get(op.key)
    return () => {
      if (sameValue(tree.get(op.key), op.value)) perform(treeOps.set, op.key, before)
    }
  }
  const node = op.kind === treeOps.create ? nodeId(op.rid, op.seq) : op.key
  const before = tree.place(node)
  const made = op.kind === treeOps.delete ? trashId : (op.value as readonly [string, string])[0]
  return () => {
    if (tree.place(node)?.parent !== made) return
    if (before === undefined || before.parent === trashId) perform(treeOps.delete, node, noValue)
    else if (before.parent === rootId || tree.has(before.parent)) {
      perform(treeOps.move, node, [before.parent, before.position])
    }
  }
}
