import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  applyChange,
  changeSimple,
  confStateOf,
  emptyConfiguration,
  enterJoint,
  leaveJoint,
  restoreConfiguration,
} from '../../consensus/index.ts'
import type { ChangeBase, ChangeResult, ConfChangeSingle, Configuration } from '../../consensus/index.ts'

const empty: ChangeBase = {
  config: emptyConfiguration,
  progress: new Map(),
  lastIndex: 5,
  maxInflight: 8,
  maxInflightBytes: 0,
}

const step = fc.record({
  type: fc.constantFrom('addNode', 'removeNode', 'updateNode', 'addLearner' as const),
  nodeId: fc.integer({ min: 1, max: 6 }),
}) as fc.Arbitrary<ConfChangeSingle>
const steps = fc.array(step, { maxLength: 6 })

function next(base: ChangeBase, result: ChangeResult): ChangeBase {
  return result.ok ? { ...base, config: result.config, progress: result.progress } : base
}

/** Some configuration that can be reached, joint or not. */
const reachable = fc
  .tuple(
    fc.integer({ min: 1, max: 6 }),
    fc.array(fc.record({ steps, joint: fc.boolean(), leave: fc.boolean() }), { maxLength: 5 }),
  )
  .map(([first, path]) => {
    let base = next(empty, changeSimple(empty, [{ type: 'addNode', nodeId: first }]))
    for (const { steps: changes, joint, leave } of path) {
      if (leave) base = next(base, leaveJoint(base))
      else base = next(base, joint ? enterJoint(base, false, changes) : changeSimple(base, changes.slice(0, 1)))
    }
    return base
  })

/** The obvious model: what each node shall be, one after the other; the last word counts. */
function roles(config: Configuration, changes: readonly ConfChangeSingle[]): Map<number, 'voter' | 'learner'> {
  const model = new Map<number, 'voter' | 'learner'>()
  for (const id of config.incoming) model.set(id, 'voter')
  for (const id of [...config.learners, ...config.learnersNext]) model.set(id, 'learner')
  for (const { type, nodeId } of changes) {
    if (type === 'addNode') model.set(nodeId, 'voter')
    else if (type === 'addLearner') model.set(nodeId, 'learner')
    else if (type === 'removeNode') model.delete(nodeId)
  }
  return model
}

const idsOf = (model: ReadonlyMap<number, string>, role: string): number[] =>
  [...model]
    .filter(([, is]) => is === role)
    .map(([id]) => id)
    .sort((a, b) => a - b)

describe('membership arithmetic', () => {
  test('entering and leaving a joint configuration ends where the steps say', () => {
    fc.assert(
      fc.property(reachable, steps, (start, changes) => {
        const settled = next(start, leaveJoint(start))
        const joint = enterJoint(settled, false, changes)
        const model = roles(settled.config, changes)
        if (idsOf(model, 'voter').length === 0) {
          expect(joint.ok).toBe(false)
          return
        }
        if (!joint.ok) throw new Error(joint.refused)
        expect(joint.config.outgoing).toEqual(settled.config.incoming)
        const left = leaveJoint({ ...settled, config: joint.config, progress: joint.progress })
        if (!left.ok) throw new Error(left.refused)
        expect(left.config.incoming).toEqual(idsOf(model, 'voter'))
        expect(left.config.learners).toEqual(idsOf(model, 'learner'))
        expect([...left.progress.keys()].sort((a, b) => a - b)).toEqual([...model.keys()].sort((a, b) => a - b))
      }),
    )
  })

  test('a change without joint configuration is refused when more than one voter would change', () => {
    fc.assert(
      fc.property(reachable, steps, (start, changes) => {
        const settled = next(start, leaveJoint(start))
        const model = roles(settled.config, changes)
        const after = idsOf(model, 'voter')
        const before = settled.config.incoming
        const changed = [...new Set([...before, ...after])].filter(
          (id) => before.includes(id) !== after.includes(id),
        ).length
        expect(changeSimple(settled, changes).ok).toBe(after.length > 0 && changed <= 1)
      }),
    )
  })

  test('a configuration comes back from its persistent form, joint or not', () => {
    fc.assert(
      fc.property(reachable, fc.boolean(), (base, autoLeave) => {
        const joint = base.config.outgoing.length > 0
        const state = { ...confStateOf(base.config), autoLeave: joint && autoLeave }
        const restored = restoreConfiguration(empty, state)
        if (!restored.ok) throw new Error(restored.refused)
        expect(confStateOf(restored.config)).toEqual(state)
      }),
    )
  })

  test('nothing is changed in place', () => {
    fc.assert(
      fc.property(reachable, steps, (base, changes) => {
        const before = JSON.stringify([base.config, [...base.progress]])
        applyChange(base, { version: 2, transition: 'jointExplicit', changes, context: new Uint8Array() })
        applyChange(base, { version: 2, transition: 'auto', changes, context: new Uint8Array() })
        expect(JSON.stringify([base.config, [...base.progress]])).toBe(before)
      }),
    )
  })
})
