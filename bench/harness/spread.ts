/** Figures of several rounds as one. */
import { significant } from './markdown.ts'

/** The middle of the values; the mean of the two in the middle of an even number of them. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** `median (lowest-highest)`. */
export function spread(values: readonly number[], unit = ''): string {
  const sorted = values.toSorted((a, b) => a - b)
  const [lowest = Number.NaN, highest = Number.NaN] = [sorted[0], sorted.at(-1)]
  return `${significant(median(values))}${unit} (${significant(lowest)}-${significant(highest)})`
}
