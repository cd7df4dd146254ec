import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CausalGraph } from '../../crdt/graph/graph.ts'
import { diff, dominators, includes } from '../../crdt/graph/walk.ts'
import { emptyHistory, historySteps, playHistory } from './histories.ts'
import type { History } from './histories.ts'

/** The obvious form: each version with the set of all it includes. */
function ancestry(history: History): Set<number>[] {
  const past: Set<number>[] = []
  for (const span of history.spans) {
    for (let i = 0; i < span.length; i++) {
      const set = new Set<number>([past.length])
      for (const parent of i === 0 ? span.parents : [past.length - 1])
        for (const one of past[parent] ?? []) set.add(one)
      past.push(set)
    }
  }
  return past
}

function pastOf(past: readonly Set<number>[], frontier: readonly number[]): Set<number> {
  return new Set(frontier.flatMap((lv) => [...(past[lv] ?? [])]))
}

const expand = (ranges: readonly number[]): number[] => {
  const all: number[] = []
  for (let i = 0; i < ranges.length; i += 2) {
    for (let lv = ranges[i] as number; lv < (ranges[i + 1] as number); lv++) all.push(lv)
  }
  return all
}

const minus = (a: ReadonlySet<number>, b: ReadonlySet<number>): number[] =>
  [...a].filter((one) => !b.has(one)).sort((x, y) => x - y)

describe('the causal graph', () => {
  test('keeps what one replica does in a row as one run', () => {
    const graph = new CausalGraph()
    graph.append(1, 3)
    graph.append(1, 4)
    expect(graph.runs).toBe(1)
    expect(graph.frontier).toEqual([6])
    expect(graph.add(2, 0, 2, [6])).toBe(7)
    expect(graph.runs).toBe(2)
    expect(graph.dotOf(8)).toEqual({ rid: 2, seq: 1 })
    expect(graph.lvOf(2, 1)).toBe(8)
    expect(graph.lvOf(2, 2)).toBe(-1)
    expect(graph.lvOf(3, 0)).toBe(-1)
    expect(graph.parentsOf(7)).toEqual([6])
  })

  test('refuses a span that is not its replica’s next', () => {
    const graph = new CausalGraph()
    graph.append(1, 3)
    expect(() => graph.add(1, 4, 1, [2])).toThrow('not next')
    expect(() => graph.add(2, 0, 1, [3])).toThrow('before their children')
  })

  test('agrees with sets of ancestors about difference, ancestry, heads and vectors', () => {
    fc.assert(
      fc.property(historySteps({ maxLength: 24 }), fc.nat(), fc.nat(), (steps, pickA, pickB) => {
        const history = playHistory(steps, emptyHistory())
        const { graph, versions } = history
        const past = ancestry(history)
        const a = versions[pickA % versions.length] ?? []
        const b = versions[pickB % versions.length] ?? []
        const inA = pastOf(past, a)
        const inB = pastOf(past, b)
        const { aOnly, bOnly } = diff(graph, a, b)
        expect(expand(aOnly)).toEqual(minus(inA, inB))
        expect(expand(bOnly)).toEqual(minus(inB, inA))
        for (let lv = 0; lv < graph.length; lv++) expect(includes(graph, a, lv)).toBe(inA.has(lv))
        const both = [...new Set([...a, ...b])].sort((x, y) => x - y)
        const heads = both.filter((lv) => !both.some((other) => other !== lv && past[other]?.has(lv)))
        expect(dominators(graph, both)).toEqual(heads)
        expect(graph.frontierOf(graph.versionVector(a))).toEqual(a)
        const counts = new Map<number, number>()
        for (const lv of inA) {
          const { rid, seq } = graph.dotOf(lv)
          counts.set(rid, Math.max(counts.get(rid) ?? 0, seq + 1))
        }
        expect(graph.versionVector(a)).toEqual(counts)
      }),
    )
  })

  test('calls exactly those versions critical that are comparable with every other', () => {
    fc.assert(
      fc.property(historySteps({ maxLength: 24 }), (steps) => {
        const history = playHistory(steps, emptyHistory())
        const past = ancestry(history)
        const { graph } = history
        let latest = -1
        for (let lv = 0; lv < graph.length; lv++) {
          if (past[lv]?.size === lv + 1 && past.slice(lv).every((set) => set.has(lv))) latest = lv
          expect(graph.criticalBefore(lv)).toBe(latest)
        }
      }),
    )
  })

  test('the spans that another replica lacks, added there, make the same graph', () => {
    fc.assert(
      fc.property(historySteps({ maxLength: 24 }), fc.nat(), (steps, pick) => {
        const { graph, versions } = playHistory(steps, emptyHistory())
        const known = graph.versionVector(versions[pick % versions.length] ?? [])
        const other = new CausalGraph()
        const feed = (vector: ReadonlyMap<number, number>, only: boolean): void => {
          for (const span of graph.spansSince(vector)) {
            const length = only ? Math.min(span.length, (known.get(span.rid) ?? 0) - span.seq) : span.length
            if (length <= 0) continue
            const parents = span.parents.map((lv) => {
              const { rid, seq } = graph.dotOf(lv)
              return other.lvOf(rid, seq)
            })
            other.add(
              span.rid,
              span.seq,
              length,
              parents.sort((a, b) => a - b),
            )
          }
        }
        feed(new Map(), true)
        feed(other.versionVector(), false)
        expect(other.length).toBe(graph.length)
        const dots = (of: CausalGraph): string[] => of.frontier.map((lv) => JSON.stringify(of.dotOf(lv))).sort()
        expect(dots(other)).toEqual(dots(graph))
      }),
    )
  })
})
