/** The tables: every figure of every library, the goals, and growth. */
import { formatCount, markdownTable, significant } from '../harness/markdown.ts'
import { goals } from './goals.ts'
import { libraryNames } from './library.ts'
import type { LibraryName } from './library.ts'
import type { Figure } from './workload.ts'
import { doublingSizes } from './workloads/doubling.ts'

/** Medians over the rounds, by library. */
export type Results = Readonly<Partial<Record<LibraryName, readonly Figure[]>>>

const growth = 'doubling/'

/** One row a figure, one column a library; in brackets how many times ours it is. */
export function comparisonTable(results: Results): string {
  const libraries = libraryNames.filter((name) => results[name] !== undefined)
  const names = namesIn(results).filter((name) => !name.startsWith(growth))
  return markdownTable(
    ['figure', ...libraries],
    names.map((name) => [
      name,
      ...libraries.map((library) => {
        const figure = find(results, library, name)
        if (figure === undefined) return '-'
        const ours = find(results, 'nitrostate', name)
        const shown = `${formatFigure(figure)}${figure.scaled === true ? '*' : ''}`
        return library === 'nitrostate' || ours === undefined ? shown : `${shown} (${ratio(figure, ours)})`
      }),
    ]),
  )
}

/** One row a goal. */
export function goalTable(results: Results): string {
  const rows = goals.flatMap(({ figure, against, atLeast }) => {
    const ours = find(results, 'nitrostate', figure)
    const theirs = find(results, against, figure)
    if (ours === undefined || theirs === undefined) return []
    const reached = ours.value === 0 ? Infinity : theirs.value / ours.value
    return [
      [figure, against, `${significant(reached)}x`, `${atLeast}x`, reached >= atLeast ? 'met' : 'MISSED'] as const,
    ]
  })
  return markdownTable(['goal', 'against', 'reached', 'wanted', ''], rows)
}

/** The time of each size, and the exponent of growth between the smallest and the largest: 1 is linear. */
export function growthTable(results: Results): string {
  const rows = libraryNames.flatMap((library) => {
    const kinds = [...new Set((results[library] ?? []).flatMap(({ name }) => kindOf(name) ?? []))]
    return kinds.map((kind) => {
      const times = doublingSizes.map((size) => find(results, library, `${growth}${kind}/${size}`)?.value ?? NaN)
      const [first = NaN, last = NaN] = [times[0], times.at(-1)]
      const exponent = Math.log2(last / first) / (doublingSizes.length - 1)
      return [`${library}: ${kind}`, ...times.map((ms) => `${significant(ms)} ms`), exponent.toFixed(2)]
    })
  })
  return markdownTable(['growth', ...doublingSizes.map(formatCount), 'exponent'], rows)
}

function kindOf(name: string): string | undefined {
  return name.startsWith(growth) ? name.slice(growth.length, name.lastIndexOf('/')) : undefined
}

function namesIn(results: Results): string[] {
  return [...new Set(libraryNames.flatMap((library) => (results[library] ?? []).map(({ name }) => name)))]
}

function find(results: Results, library: LibraryName, name: string): Figure | undefined {
  return results[library]?.find((figure) => figure.name === name)
}

function formatFigure({ value, unit }: Figure): string {
  return unit === 'ms' ? `${significant(value)} ms` : `${formatCount(value)} B`
}

function ratio(theirs: Figure, ours: Figure): string {
  return ours.value === 0 ? '-' : `${significant(theirs.value / ours.value)}x`
}
