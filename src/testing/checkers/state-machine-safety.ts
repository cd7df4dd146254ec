/**
 * State machine safety: no two nodes ever apply different entries at one index, whatever lives they had in between, and
 * each applies them in order, one after the other (Raft paper, figure 3).
 */
import type { Entry } from '../../../consensus/index.ts'
import type { Machine } from '../../../execution/index.ts'
import type { Checker, Report } from './checker.ts'
import { contentOf, describeContent, sameContent } from './content.ts'
import type { Content } from './content.ts'

interface Applied {
  readonly node: string
  readonly term: number
  /** Of type and data; undefined where only a loaded state was seen. */
  readonly content: Content | undefined
}

/** Watches what every node applies. */
export class StateMachineSafety implements Checker {
  readonly property = 'state machine safety'
  /** Highest index that any node applied. */
  highest = 0
  private readonly known = new Map<number, Applied>()
  private readonly positions = new Map<string, number>()
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  loaded(node: string, { appliedIndex, appliedTerm }: Machine): void {
    this.positions.set(node, appliedIndex)
    if (appliedIndex > 0) this.compare(appliedIndex, { node, term: appliedTerm, content: undefined })
  }

  applied(node: string, entry: Entry): void {
    const position = this.positions.get(node) ?? 0
    if (entry.index !== position + 1) this.report(`${node} applied ${entry.index} after ${position}`)
    this.positions.set(node, entry.index)
    this.compare(entry.index, { node, term: entry.term, content: contentOf(entry) })
  }

  private compare(index: number, mine: Applied): void {
    this.highest = Math.max(this.highest, index)
    const other = this.known.get(index)
    if (other?.content === undefined) this.known.set(index, mine)
    if (other === undefined) return
    const where = `index ${index}: ${other.node} and ${mine.node}`
    if (other.term !== mine.term) {
      this.report(`${where} differ in term, ${other.term} and ${mine.term}`)
    } else if (mine.content !== undefined && other.content !== undefined && !sameContent(other.content, mine.content)) {
      const [theirs, ours] = [other.content, mine.content].map(describeContent)
      this.report(`${where} applied different entries of term ${mine.term}: ${theirs} and ${ours}`)
    }
  }
}
