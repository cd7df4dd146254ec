/**
 * Automatic compaction: what the log itself decides about how much history is kept. It is computed at the end of each entry
 * from replicated facts only, so every node compacts to the same revision at the same entry.
 */
import type { MachineLimits } from './limits.ts'

/** At this log time the state had this revision. */
export interface TimeMark {
  readonly logTime: number
  readonly revision: number
}

/** Marks over the time that history is kept for; the error of that time is one part of as many. */
const marksWanted = 64

/** The revisions of some past times, oldest first. Replicated: part of hash, metadata and snapshots. */
export class Retention {
  marks: TimeMark[] = []
  private readonly limits: MachineLimits

  constructor(limits: MachineLimits) {
    this.limits = limits
  }

  /** What may be compacted at the end of an entry that leaves this revision at this log time; 0 for nothing. */
  compactable(revision: number, logTime: number): number {
    const { historyRevisions, historyMs } = this.limits
    const byCount = revision - historyRevisions
    const byTime = historyMs === 0 ? 0 : this.before(revision, logTime, historyMs)
    return Math.max(0, byCount, byTime)
  }

  /** The revision that the state had this long ago, or somewhat earlier. */
  private before(revision: number, logTime: number, historyMs: number): number {
    const { marks } = this
    const last = marks[marks.length - 1]
    const due = last === undefined || logTime - last.logTime >= historyMs / marksWanted
    if (due && last?.revision !== revision) marks.push({ logTime, revision })
    let past = 0
    while (marks.length > 0 && (marks[0] as TimeMark).logTime <= logTime - historyMs) {
      past = (marks.shift() as TimeMark).revision
    }
    return past
  }
}
