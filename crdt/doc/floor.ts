/**
 * The version that a document was compacted at. Below it nothing is left that an event could be concurrent with, so every event
 * above it must have all of it in its past; others can't be merged any more.
 */
import type { WireSpan } from '../codec/spans.ts'
import type { CausalGraph, VersionVector } from '../graph/graph.ts'
import type { Dot } from '../kernel/dot.ts'
import { dotsOf } from './collect.ts'
import type { Pending } from './pending.ts'

/** An event above a version that was made without all of it. */
export interface Breach extends Dot {
  readonly parents: readonly Dot[]
}

/** See the header. */
export class Floor {
  private readonly graph: CausalGraph
  private readonly version: VersionVector
  /** The last events of the version; an event within it has seen all of it only by naming these. */
  private readonly heads: readonly Dot[]

  /** Takes a version all of whose events are in the graph. */
  constructor(graph: CausalGraph, version: VersionVector) {
    this.graph = graph
    this.version = new Map(version)
    this.heads = dotsOf(graph, graph.frontierOf(version))
  }

  /** Whether an event with these parents has seen the version, if all events above it have. */
  isSeenBy(parents: readonly Dot[]): boolean {
    if (parents.some(({ rid, seq }) => seq >= (this.version.get(rid) ?? 0))) return true
    return this.heads.every(({ rid, seq }) => parents.some((parent) => parent.rid === rid && parent.seq === seq))
  }

  /** An event of an update, not known yet, that was made without all of the version. What else it builds on may be missing. */
  without(spans: readonly WireSpan[]): Breach | undefined {
    for (const span of spans) {
      const found = this.firstWithout(span, this.graph.nextSeq(span.rid))
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The first event of the graph that is above the version and was made without all of it; undefined when it is stable so far. */
  breach(): Breach | undefined {
    for (const { rid, seq, length, parents } of this.graph.spansSince(this.version)) {
      const found = this.firstWithout({ rid, seq, length, parents: dotsOf(this.graph, parents) }, 0)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The first event of a span that is above the version, and at least `from`, if it was made without all of it. */
  private firstWithout({ rid, seq, length, parents }: WireSpan, from: number): Breach | undefined {
    const first = Math.max(seq, from, this.version.get(rid) ?? 0)
    if (first >= seq + length) return undefined
    const own = first === seq ? parents : [{ rid, seq: first - 1 }]
    return this.isSeenBy(own) ? undefined : { rid, seq: first, parents: own }
  }
}

/**
 * The greatest version within all of these that every event outside of it, of those here and of those that wait, has all of. They must be
 * closed: with an event they have what it builds on.
 */
export function stableWithin(graph: CausalGraph, pending: Pending, versions: Iterable<VersionVector>): VersionVector {
  let stable: VersionVector = graph.versionVector()
  for (const version of versions) stable = meet(stable, version)
  for (;;) {
    const floor = new Floor(graph, stable)
    const found = floor.breach() ?? pending.breach(floor)
    if (found === undefined) return stable
    const parents = found.parents.map(({ rid, seq }) => graph.lvOf(rid, seq)).filter((lv) => lv >= 0)
    stable = meet(stable, graph.versionVector(parents.toSorted((a, b) => a - b)))
  }
}

function meet(a: VersionVector, b: VersionVector): VersionVector {
  const both = new Map<number, number>()
  for (const [rid, count] of a) {
    const least = Math.min(count, b.get(rid) ?? 0)
    if (least > 0) both.set(rid, least)
  }
  return both
}
