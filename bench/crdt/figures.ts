/** Figures of several runs, put together. */
import type { Figure } from './workload.ts'

/** For each name the figure whose value is the median; the order is that of the first run. */
export function medianFigures(runs: readonly (readonly Figure[])[]): Figure[] {
  return (runs[0] ?? []).map(({ name }) =>
    medianOf(runs.flatMap((run) => run.filter((figure) => figure.name === name))),
  )
}

function medianOf(figures: readonly Figure[]): Figure {
  const sorted = figures.toSorted((a, b) => a.value - b.value)
  return sorted[(sorted.length - 1) >> 1] as Figure
}
