/**
 * The version that a document was compacted at. Below it nothing is left that an event could be concurrent with, so every event
 * above it must have all of it in its past; others can't be merged any more.
 */
import type { WireSpan } from '../codec/spans.ts'
import type { CausalGraph, VersionVector } from '../graph/graph.ts'
import type { Dot } from '../kernel/dot.ts'
import { dotsOf } from './collect.ts'

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
  without(spans: readonly WireSpan[]): Dot | undefined {
    for (const span of spans) {
      const found = this.firstWithout(span, this.graph.nextSeq(span.rid))
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The first event of the graph that is above the version and was made without all of it; undefined when it is stable so far. */
  breach(): Dot | undefined {
    for (const { rid, seq, length, parents } of this.graph.spansSince(this.version)) {
      const found = this.firstWithout({ rid, seq, length, parents: dotsOf(this.graph, parents) }, 0)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The first event of a span that is above the version, and at least `from`, if it was made without all of it. */
  private firstWithout({ rid, seq, length, parents }: WireSpan, from: number): Dot | undefined {
    const first = Math.max(seq, from, this.version.get(rid) ?? 0)
    if (first >= seq + length) return undefined
    return this.isSeenBy(first === seq ? parents : [{ rid, seq: first - 1 }]) ? undefined : { rid, seq: first }
  }
}
