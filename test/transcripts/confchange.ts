/**
 * The transcripts of configuration arithmetic: simple, enter-joint, leave-joint with steps like `v1 l2 r3`.
 */
import { messageOf } from '../../base/index.ts'
import {
  changeSimple,
  describeConfiguration,
  describeProgressMap,
  emptyConfiguration,
  enterJoint,
  leaveJoint,
} from '../../consensus/index.ts'
import type { ChangeBase, ChangeResult } from '../../consensus/index.ts'
import { valuesOf } from './datadriven.ts'
import type { Case } from './datadriven.ts'
import { parseSteps } from './handlers-members.ts'

/** The commands that tell such a transcript. */
export const confChangeCommands: readonly string[] = ['simple', 'enter-joint', 'leave-joint']

/** Carries out the cases one after the other on one configuration. The log grows by an entry per case. */
export function confChangeRunner(): (one: Case) => string {
  let base: ChangeBase = {
    config: emptyConfiguration,
    progress: new Map(),
    lastIndex: 0,
    maxInflight: 10,
    maxInflightBytes: 0,
  }
  return (one) => {
    const before = base
    base = { ...base, lastIndex: base.lastIndex + 1 }
    try {
      const result = run(before, one)
      if (!result.ok) return result.refused
      base = { ...base, config: result.config, progress: result.progress }
      return `${describeConfiguration(result.config)}\n${describeProgressMap(result.progress)}`
    } catch (thrown) {
      return messageOf(thrown)
    }
  }
}

function run(base: ChangeBase, one: Case): ChangeResult {
  const changes = parseSteps(one.input.join(' '))
  if (one.name === 'simple') return changeSimple(base, changes)
  if (one.name === 'enter-joint') return enterJoint(base, valuesOf(one.args, 'autoleave')[0] === 'true', changes)
  if (one.name !== 'leave-joint') throw new Error('unknown command')
  if (changes.length > 0) throw new Error('this command takes no input')
  return leaveJoint(base)
}
