/**
 * What is written stays: a member that opens its log again finds all that the log said was durable, entries, term and vote,
 * except where a write that was under way replaced it. A member whose log lost something must not open it; and as long as
 * no fault damaged its disk, that never happens.
 */
import type { Checker, Report } from './checker.ts'
import type { MemberLog, MemberLogs } from './member-logs.ts'

/** Compares every log that is opened with what it held before. */
export class WrittenStays implements Checker {
  readonly property = 'what is written stays'
  private readonly logs: MemberLogs
  private readonly report: Report
  private readonly damagedNodes = new Set<string>()

  constructor(logs: MemberLogs, report: Report) {
    this.logs = logs
    this.report = report
  }

  damaged(node: string): void {
    this.damagedNodes.add(node)
  }

  failed(node: string, code: string): void {
    if (!lossCodes.has(code) || this.damagedNodes.has(node)) return
    this.report(`${node} misses something of its log, ${code}, and no fault damaged its disk`)
  }

  opened(node: string): void {
    const { reopened } = this.logs
    if (reopened === undefined) return
    const { before, after } = reopened
    if (after.term < before.term) {
      this.report(`${node} was in term ${before.term}, and is in ${after.term} after a start`)
    } else if (after.term === before.term && before.vote !== 0 && after.vote !== before.vote) {
      this.report(`${node} voted for ${before.vote} in term ${before.term}, and for ${after.vote} after a start`)
    }
    this.compareEntries(node, before, after)
  }

  private compareEntries(node: string, before: MemberLog, after: MemberLog): void {
    if (before.pendingSnapshot > 0 && after.durable.baseIndex >= before.pendingSnapshot) return
    const replaced = replacements(before)
    for (let index = after.durable.baseIndex + 1; index <= before.durable.lastIndex; index++) {
      const was = before.durable.term(index)
      const now = after.durable.term(index)
      if (was === undefined || was === now) continue
      const other = replaced.get(index)
      if (now !== undefined && other?.has(now) === true) return
      const text = now === undefined ? `ends at ${after.durable.lastIndex}` : `has one of term ${now} there`
      this.report(`${node} had entry ${index} of term ${was} on disk; after a start its log ${text}`)
      return
    }
  }
}

/** How a member says that what it promised may be gone. */
const lossCodes: ReadonlySet<string> = new Set(['LogDamaged', 'IdentityLost'])

/** What writes under way could have put at each index. */
function replacements({ pending }: MemberLog): ReadonlyMap<number, ReadonlySet<number>> {
  const out = new Map<number, Set<number>>()
  for (const { index, term } of pending.flat()) out.set(index, (out.get(index) ?? new Set()).add(term))
  return out
}
