/** Random histories: a few replicas that work, fork and merge. */
import fc from 'fast-check'
import { CausalGraph } from '../../crdt/graph/graph.ts'

/** One thing that happens: replica `rid` makes `length` operations, or takes over all that `other` knows. */
export type HistoryStep =
  | { readonly kind: 'work'; readonly rid: number; readonly length: number }
  | { readonly kind: 'merge'; readonly rid: number; readonly other: number }

/** A graph with what was added to it, and every frontier a replica has stood at. */
export interface History {
  readonly graph: CausalGraph
  readonly spans: { rid: number; lv: number; length: number; parents: readonly number[] }[]
  readonly versions: (readonly number[])[]
}

const replicas = 3

/** Lists of steps of three replicas. */
export function historySteps(size: { maxLength: number }): fc.Arbitrary<HistoryStep[]> {
  const rid = fc.integer({ min: 0, max: replicas - 1 })
  const work = fc.record({ kind: fc.constant('work' as const), rid, length: fc.integer({ min: 1, max: 4 }) })
  const merge = fc.record({ kind: fc.constant('merge' as const), rid, other: rid })
  return fc.array(fc.oneof({ weight: 3, arbitrary: work }, { weight: 2, arbitrary: merge }), size)
}

/** A history in which nothing has happened. */
export function emptyHistory(): History {
  return { graph: new CausalGraph(), spans: [], versions: [[]] }
}

/** Plays the steps; `onSpan` is told of each span before it is added, with the frontier it is made at. */
export function playHistory(
  steps: readonly HistoryStep[],
  history: History,
  onSpan?: (rid: number, length: number, at: readonly number[]) => number,
): History {
  const { graph, spans, versions } = history
  const at: (readonly number[])[] = Array.from({ length: replicas }, () => [])
  for (const step of steps) {
    const here = at[step.rid] ?? []
    if (step.kind === 'work') {
      const length = onSpan?.(step.rid, step.length, here) ?? step.length
      const lv = graph.add(step.rid, graph.nextSeq(step.rid), length, here)
      spans.push({ rid: step.rid, lv, length, parents: here })
      at[step.rid] = [lv + length - 1]
    } else at[step.rid] = union(history, here, at[step.other] ?? [])
    versions.push(at[step.rid] ?? [])
  }
  return history
}

/** The frontier of two frontiers together, found without the code under test: a head that the other side includes is dropped. */
function union({ spans }: History, a: readonly number[], b: readonly number[]): number[] {
  const past = (lv: number, seen = new Set<number>()): Set<number> => {
    if (seen.has(lv)) return seen
    seen.add(lv)
    const span = spans.find((one) => one.lv <= lv && lv < one.lv + one.length)
    for (const parent of span?.lv === lv ? span.parents : [lv - 1]) past(parent, seen)
    return seen
  }
  const all = [...new Set([...a, ...b])].sort((x, y) => x - y)
  return all.filter((lv) => !all.some((other) => other !== lv && past(other).has(lv)))
}
