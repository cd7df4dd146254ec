/**
 * State machine safety: no two nodes ever apply different entries at one index, whatever lives they had in between
 * (Raft paper, figure 3), and after equal entries their states are equal.
 */
import { hash128, hashText } from '../../../base/index.ts'
import type { Entry } from '../../../consensus/index.ts'
import type { Machine } from '../../../execution/index.ts'
import type { Violations } from './violations.ts'

interface Applied {
  readonly node: string
  readonly term: number
  /** Of type and data; undefined where only a loaded state was seen. */
  readonly content: string | undefined
  readonly state: string
}

/** Watches what every node applies. */
export class CommitChecker {
  /** Highest index that any node applied. */
  highest = 0
  private readonly applied = new Map<number, Applied>()
  private readonly positions = new Map<string, number>()
  private readonly violations: Violations

  constructor(violations: Violations) {
    this.violations = violations
  }

  /** A state was read from disk, or came from a peer. */
  loadedBy(node: string, machine: Machine): void {
    this.positions.set(node, machine.appliedIndex)
    this.compare(node, machine, machine.appliedTerm, undefined)
  }

  /** A node applied one entry. */
  appliedBy(node: string, entry: Entry, machine: Machine): void {
    const position = this.positions.get(node) ?? 0
    if (entry.index !== position + 1) this.violations.add(`${node} applied ${entry.index} after ${position}`)
    this.positions.set(node, entry.index)
    this.compare(node, machine, entry.term, `${entry.type} ${hashText(hash128(entry.data))}`)
  }

  private compare(node: string, machine: Machine, term: number, content: string | undefined): void {
    const index = machine.appliedIndex
    if (index === 0) return
    this.highest = Math.max(this.highest, index)
    const mine: Applied = { node, term, content, state: hashText(machine.stateHash()) }
    const known = this.applied.get(index)
    if (known === undefined || known.content === undefined) this.applied.set(index, mine)
    if (known === undefined) return
    const where = `index ${index}: ${known.node} and ${node}`
    if (known.term !== term) {
      this.violations.add(`${where} differ in term, ${known.term} and ${term}`)
    } else if (content !== undefined && known.content !== undefined && known.content !== content) {
      this.violations.add(`${where} applied different entries of term ${term}: ${known.content} and ${content}`)
    } else if (known.state !== mine.state) {
      this.violations.add(`${where} have different states: ${known.state} and ${mine.state}`)
    }
  }
}
