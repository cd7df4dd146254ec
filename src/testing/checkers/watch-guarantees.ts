/** Watch guarantees: every watch of a run against the whole history (see `watch.ts` for the nine of them), at the end. */
import type { Checker } from './checker.ts'
import type { Fact } from './facts.ts'
import type { OneHistory } from './one-history.ts'
import type { Violations } from './violations.ts'
import { checkWatch } from './watch.ts'
import type { WatchRecord } from './watch.ts'

/** Keeps the watches of a run. */
export class WatchGuarantees implements Checker {
  readonly property = 'watch guarantees'
  private readonly watches: WatchRecord[] = []
  private readonly history: OneHistory
  private readonly violations: Violations

  constructor(history: OneHistory, violations: Violations) {
    this.history = history
    this.violations = violations
  }

  told(fact: Fact): void {
    if (fact.kind === 'watch') this.watches.push(fact.watch)
    if (fact.kind !== 'lost') return
    const { name, next, compactRevision } = fact
    if (next < compactRevision && compactRevision <= this.history.compactRevision) return
    const told = `compacted to ${compactRevision}, when ${next} is next and history begins at ${this.history.compactRevision}`
    this.violations.add('watch guarantees', `Resumable: watch ${name} ended: ${told}`)
  }

  finished(): void {
    const { history, violations } = this
    if (!history.whole) return
    for (const watch of this.watches) checkWatch(watch, history.forWatches, violations, history.compactions)
  }
}
