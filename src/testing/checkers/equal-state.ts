/** Equal state: nodes that stand at one index have one state hash, whether they applied their way there or loaded it. */
import { equalHash, hashText } from '../../../base/index.ts'
import type { Hash128 } from '../../../base/index.ts'
import type { Entry } from '../../../consensus/index.ts'
import type { Machine } from '../../../execution/index.ts'
import type { Checker, Report } from './checker.ts'

/** Watches the state of every node after every entry. */
export class EqualState implements Checker {
  readonly property = 'equal state'
  private readonly known = new Map<number, { readonly node: string; readonly hash: Hash128 }>()
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  loaded(node: string, machine: Machine): void {
    this.compare(node, machine)
  }

  applied(node: string, _entry: Entry, machine: Machine): void {
    this.compare(node, machine)
  }

  private compare(node: string, machine: Machine): void {
    const index = machine.appliedIndex
    if (index === 0) return
    const hash = machine.stateHash()
    const other = this.known.get(index)
    if (other === undefined) this.known.set(index, { node, hash })
    else if (!equalHash(other.hash, hash)) {
      this.report(`index ${index}: ${other.node} has the state ${hashText(other.hash)} and ${node} ${hashText(hash)}`)
    }
  }
}
