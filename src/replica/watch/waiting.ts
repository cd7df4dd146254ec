/** Cohorts that have read everything: at most one at a place, and in order, so that those with something to read are found. */
import type { Cohort } from './cohort.ts'

/** The cohorts that wait for the log to reach them. */
export class WaitingCohorts {
  /** By the revision they wait for, ascending. */
  private cohorts: Cohort[] = []

  /** The cohort that waits for this revision. */
  at(revision: number): Cohort | undefined {
    const found = this.cohorts[this.find(revision)]
    return found?.revision === revision ? found : undefined
  }

  /** Adds one; it becomes part of the one at its place, if there is one. */
  add(cohort: Cohort): void {
    const at = this.find(cohort.revision)
    const found = this.cohorts[at]
    if (found?.revision === cohort.revision) found.absorb(cohort)
    else this.cohorts.splice(at, 0, cohort)
  }

  /** Takes out those that wait for this revision or an earlier one. */
  take(revision: number): Cohort[] {
    const count = this.find(revision + 1)
    return count === 0 ? [] : this.cohorts.splice(0, count)
  }

  /** The first position whose revision is not below this one. */
  private find(revision: number): number {
    let low = 0
    let high = this.cohorts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.cohorts[middle] as Cohort).revision < revision) low = middle + 1
      else high = middle
    }
    return low
  }
}
