/** Rounds as tables: medians over the rounds with their spread, and ratios of the rounds. */
import { markdownTable } from '../harness/markdown.ts'
import { spread } from '../harness/spread.ts'

/** Figures of one round of one system. */
export type Figures = Readonly<Record<string, number>>

/** All rounds of one measure, by system; ours first. */
export type Rounds = ReadonlyMap<string, readonly Figures[]>

/** One row a system. `columns` name figures and their titles. */
export function roundsTable(measure: string, rounds: Rounds, columns: Readonly<Record<string, string>>): string {
  const head = [measure, ...Object.values(columns)]
  const rows = [...rounds].map(([system, figures]) => [
    system,
    ...Object.keys(columns).map((column) => spread(figures.map((one) => one[column] ?? Number.NaN))),
  ])
  return markdownTable(head, rows)
}

/** Ours over each other system's, round by round. */
export function ratiosTable(measure: string, rounds: Rounds, columns: Readonly<Record<string, string>>): string {
  const [ours, ...others] = [...rounds]
  if (ours === undefined || others.length === 0) return ''
  const rows = others.map(([system, figures]) => [
    `${ours[0]} to ${system}`,
    ...Object.keys(columns).map((column) => {
      const ratios = figures.map((one, at) => (ours[1][at]?.[column] ?? Number.NaN) / (one[column] ?? Number.NaN))
      return spread(ratios, 'x')
    }),
  ])
  return markdownTable([measure, ...Object.values(columns)], rows)
}
