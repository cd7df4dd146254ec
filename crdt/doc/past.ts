/** The causal pasts of operations that arrive: mostly everything, else a version vector. */
import type { WireSpan } from '../codec/spans.ts'
import { CausalGraph } from '../graph/graph.ts'
import { sameFrontier } from '../graph/walk.ts'
import type { Past } from '../kernel/dot.ts'

/** The vector at the start of a span, good for each event of it. */
interface Known {
  readonly from: number
  to: number
  readonly vector: Map<number, number>
}

/**
 * The past of one operation after the other. Vectors are carried along each replica's spans, so two branches of many spans
 * that know little of each other cost no walk over the graph for each.
 */
export class RowPast implements Past {
  /** Keeps the shape, as {@link ByteReader.kept}. */
  static readonly kept: RowPast = new RowPast(new CausalGraph())
  private readonly graph: CausalGraph
  private readonly known = new Map<number, Known>()
  /** The span it stands in. */
  entered: WireSpan | undefined
  private rid = -1
  private seq = 0
  private vector: ReadonlyMap<number, number> | undefined

  constructor(graph: CausalGraph) {
    this.graph = graph
  }

  /** Goes to the events of a span after the first `known`; `whole` when the first of them had seen all that was there. */
  enter(span: WireSpan, known: number, parents: readonly number[], whole: boolean): void {
    const { rid, seq, length } = span
    this.entered = span
    this.rid = rid
    if (whole) {
      this.vector = undefined
      this.known.delete(rid)
      return
    }
    const vector = new Map<number, number>()
    for (const parent of parents) this.addPast(vector, parent)
    this.known.set(rid, { from: seq + known, to: seq + length, vector })
    this.vector = vector
  }

  /** Goes to an operation of the span. */
  at(seq: number): this {
    this.seq = seq
    return this
  }

  covers(rid: number, seq: number): boolean {
    if (this.vector === undefined) return true
    return rid === this.rid ? seq < this.seq : seq < (this.vector.get(rid) ?? 0)
  }

  /** Adds an event and its past. */
  private addPast(vector: Map<number, number>, lv: number): void {
    const { rid, seq } = this.graph.dotOf(lv)
    const known = this.known.get(rid)
    const fits = known !== undefined && seq >= known.from && seq < known.to
    const past = fits ? known.vector : this.graph.versionVector([lv])
    for (const [other, count] of past) if (count > (vector.get(other) ?? 0)) vector.set(other, count)
    if (seq >= (vector.get(rid) ?? 0)) vector.set(rid, seq + 1)
  }
}

/** Whether an operation with these parents has seen all there is. */
export function seesAll(graph: CausalGraph, parents: readonly number[]): boolean {
  return sameFrontier(parents, graph.frontier)
}
