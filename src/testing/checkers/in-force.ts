/** Whether everything that nodes offer has come into force: until then all of them are needed, as they are for founding. */
import type { Entry } from '../../../consensus/index.ts'
import type { Machine } from '../../../execution/index.ts'
import type { Picture } from './checker.ts'

/** Watches for the first machine that waits for no program and no flag. */
export class InForce implements Picture {
  /** Whether there was one. */
  whole = false

  applied(_node: string, _entry: Entry, machine: Machine): void {
    this.whole ||= !machine.activation.offersMore
  }
}
