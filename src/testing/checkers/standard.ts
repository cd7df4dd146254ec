/** The checkers that watch every run. */
import type { Checkers } from './checker.ts'
import { checkCounters, checkDurability } from './durability.ts'
import { ElectionSafety } from './election-safety.ts'
import { EqualState } from './equal-state.ts'
import { checkRegisters } from './register.ts'
import { checkRevisions } from './revisions.ts'
import { StateMachineSafety } from './state-machine-safety.ts'

/** What a run may ask its checkers for. */
export interface StandardCheckers {
  readonly elections: ElectionSafety
  readonly machines: StateMachineSafety
}

/** Adds all of them to a run. */
export function addStandardCheckers(checkers: Checkers): StandardCheckers {
  const report = checkers.reportOf.bind(checkers)
  checkers.add(new EqualState(report('equal state')))
  checkers.add({
    finished({ history, finals }) {
      checkRegisters(history, report('linearizable'))
      checkRevisions(history, report('revisions rise'))
      if (finals === undefined) return
      checkDurability(history, finals, report('acknowledged is kept'))
      checkCounters(history, finals, report('exactly once'))
    },
  })
  return {
    elections: checkers.add(new ElectionSafety(report('election safety'))),
    machines: checkers.add(new StateMachineSafety(report('state machine safety'))),
  }
}
