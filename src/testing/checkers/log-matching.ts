/**
 * Log matching: if two logs have an entry with the same index and term, it is the same entry and everything before it is
 * the same (Raft paper, figure 3). By induction it is enough that the entry before has the same term in both.
 */
import type { Entry, Ready } from '../../../consensus/index.ts'
import type { ObservedMember } from '../../replica/index.ts'
import type { Checker, Report } from './checker.ts'
import { contentOf, describeContent, sameContent } from './content.ts'
import type { Content } from './content.ts'
import { entriesOf } from './member-logs.ts'
import type { MemberLogs } from './member-logs.ts'

interface Known {
  readonly node: string
  readonly content: Content
  /** Undefined where the log began with this entry and did not say. */
  readonly before: number | undefined
}

/** Compares every entry of every log, when it is appended and when it is read back. */
export class LogMatching implements Checker {
  readonly property = 'log matching'
  private readonly known = new Map<string, Known>()
  private readonly logs: MemberLogs
  private readonly report: Report

  constructor(logs: MemberLogs, report: Report) {
    this.logs = logs
    this.report = report
  }

  opened(node: string, member: ObservedMember): void {
    this.compareAll(node, entriesOf(member))
  }

  handsOut(node: string, { entries }: Ready): void {
    this.compareAll(node, entries)
  }

  private compareAll(node: string, entries: readonly Entry[]): void {
    const first = entries[0]
    if (first === undefined) return
    let before = this.logs.of(node)?.handed.term(first.index - 1)
    for (const entry of entries) {
      this.compare(entry, { node, content: contentOf(entry), before })
      before = entry.term
    }
  }

  private compare({ index, term }: Entry, mine: Known): void {
    const key = `${index} ${term}`
    const other = this.known.get(key)
    if (other?.before === undefined) this.known.set(key, mine)
    if (other === undefined) return
    const where = `${other.node} and ${mine.node} both have an entry ${index} of term ${term}`
    if (!sameContent(other.content, mine.content)) {
      const [theirs, ours] = [other.content, mine.content].map(describeContent)
      this.report(`${where}, but not the same: ${theirs} and ${ours}`)
    } else if (other.before !== undefined && mine.before !== undefined && other.before !== mine.before) {
      this.report(`${where}, but before it one of term ${other.before} and one of term ${mine.before}`)
    }
  }
}
