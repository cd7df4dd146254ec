/** The results of many runs: summed up, and kept in a file from which a later call goes on. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Coverage, coverageRows, coverageRunsMin, successRateMin } from '../../../src/testing/index.ts'
import type { CoverageRow } from '../../../src/testing/index.ts'
import type { SeedResult } from './worker.ts'

interface Header {
  readonly from: number
  readonly rows: readonly string[]
}

/** A line of the file: a result whose coverage is a list of counts, in the order of the header's rows. */
type Line = Omit<SeedResult, 'coverage'> & { readonly counts: readonly number[] }

/** Sums of many runs. */
export class Results {
  readonly from: number
  readonly done = new Set<number>()
  readonly failed: SeedResult[] = []
  readonly coverage = new Coverage()
  virtualMs = 0
  cpuMs = 0
  operations = 0
  answers = 0
  private readonly file: string | undefined
  private readonly rows: readonly string[]

  /** Takes up what `file` holds, if it is there; otherwise begins it with `from`. */
  constructor(file: string | undefined, from: number) {
    this.file = file
    const lines = file !== undefined && existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    const header: Header = lines[0] === undefined ? { from, rows: coverageRows } : (JSON.parse(lines[0]) as Header)
    this.from = header.from
    this.rows = header.rows
    if (file !== undefined && lines.length === 0) writeFileSync(file, `${JSON.stringify(header)}\n`)
    for (const line of lines.slice(1)) {
      // The last line may have been cut off.
      if (!line.endsWith('}')) continue
      const { counts, ...rest } = JSON.parse(line) as Line
      this.sum({ ...rest, coverage: Object.fromEntries(counts.map((count, at) => [header.rows[at] ?? '', count])) })
    }
  }

  add(result: SeedResult): void {
    this.sum(result)
    if (this.file === undefined) return
    const { coverage, ...rest } = result
    const line: Line = { ...rest, counts: this.rows.map((row) => coverage[row] ?? 0) }
    appendFileSync(this.file, `${JSON.stringify(line)}\n`)
  }

  private sum(result: SeedResult): void {
    this.done.add(result.seed)
    this.virtualMs += result.virtualMs
    this.cpuMs += result.cpuMs
    this.operations += result.operations
    this.answers += result.answers
    this.coverage.add(result.coverage)
    if (result.violations.length > 0) this.failed.push(result)
  }

  /** What is wrong with the runs as a whole: what they did not reach, or too few answers. */
  shortcomings(): string[] {
    if (this.done.size < coverageRunsMin) return []
    const rows: readonly CoverageRow[] = this.coverage.missing()
    const rate = this.answers / this.operations
    return [
      ...rows.map((row) => `no run reached: ${row}`),
      ...(rate < successRateMin ? [`only ${Math.round(rate * 100)} % of the operations were answered`] : []),
    ]
  }
}
