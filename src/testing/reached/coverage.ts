/** How often runs reached each row of the coverage table. */
import { coverageRows } from './rows.ts'
import type { CoverageRow } from './rows.ts'

/** Runs from which on no row may be zero. */
export const coverageRunsMin = 300

/** At least this fraction of operations must be answered over many runs, or the faults drown what they should test. */
export const successRateMin = 0.6

const positions: ReadonlyMap<string, number> = new Map(coverageRows.map((row, at) => [row, at]))

/** Counts by row. */
export class Coverage {
  private readonly counts: number[] = coverageRows.map(() => 0)

  /** A row was reached. */
  hit(row: CoverageRow, times = 1): void {
    const at = positions.get(row) as number
    this.counts[at] = (this.counts[at] as number) + times
  }

  /** How often it was. */
  count(row: CoverageRow): number {
    return this.counts[positions.get(row) as number] as number
  }

  /** Adds the counts of other runs, as {@link list} gave them. Rows that are not known any more are left out. */
  add(list: CoverageList): void {
    for (const [row, times] of Object.entries(list)) {
      const at = positions.get(row)
      if (at !== undefined) this.counts[at] = (this.counts[at] as number) + times
    }
  }

  /** The rows that were reached, to be written down. */
  list(): CoverageList {
    const reached: Record<string, number> = {}
    for (const row of coverageRows) if (this.count(row) > 0) reached[row] = this.count(row)
    return reached
  }

  /** The rows that were not. */
  missing(): CoverageRow[] {
    return coverageRows.filter((row) => this.count(row) === 0)
  }

  /** The table as lines of text. */
  table(): string[] {
    const width = Math.max(...coverageRows.map((row) => row.length))
    return coverageRows.map((row) => `${row.padEnd(width)} ${String(this.count(row)).padStart(9)}`)
  }
}

/** Counts by row; zeros are left out. */
export type CoverageList = Readonly<Record<string, number>>
