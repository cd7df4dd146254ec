/** Sets of keys as sorted intervals that do not touch, and whether such a set covers a range. */

/** The keys from `start` (included) to `end` (excluded), as latin1; without `end` all from `start` on. */
export interface KeyInterval {
  readonly start: string
  readonly end: string | undefined
}

/** The union of intervals. Those that overlap or touch are one, so a range is covered exactly if one of them covers it. */
export class KeyIntervals {
  private readonly merged: readonly KeyInterval[]

  constructor(intervals: readonly KeyInterval[]) {
    this.merged = merge(intervals)
  }

  /** Whether every key of a range is in the set. Of a range that ends before it begins, its first key is asked for. */
  covers(start: string, end: string | undefined): boolean {
    const found = this.lastFrom(start)
    if (found === undefined) return false
    const stop = end !== undefined && end <= start ? `${start}\0` : end
    return found.end === undefined || (stop !== undefined && stop <= found.end)
  }

  /** The last interval that begins at this key or before it. */
  private lastFrom(key: string): KeyInterval | undefined {
    const { merged } = this
    let low = 0
    let high = merged.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((merged[middle] as KeyInterval).start <= key) low = middle + 1
      else high = middle
    }
    return merged[low - 1]
  }
}

function merge(intervals: readonly KeyInterval[]): readonly KeyInterval[] {
  const sorted = [...intervals].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
  const merged: KeyInterval[] = []
  for (const next of sorted) {
    const last = merged.at(-1)
    if (last === undefined || (last.end !== undefined && last.end < next.start)) merged.push(next)
    else merged[merged.length - 1] = { start: last.start, end: later(last.end, next.end) }
  }
  return merged
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return undefined
  return a > b ? a : b
}
