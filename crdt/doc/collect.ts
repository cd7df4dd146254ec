/** Spans of a document's graph as they travel: as long as can be, in the one order, with the pieces they are made of here. */
import type { WireSpan } from '../codec/spans.ts'
import { orderSpans } from '../codec/spans.ts'
import type { CausalGraph, Span } from '../graph/graph.ts'
import type { Dot } from '../kernel/dot.ts'
import { compareDots } from '../kernel/dot.ts'

/** Local versions `[lv, lv + length)`. */
export interface Piece {
  readonly lv: number
  readonly length: number
}

/** A span and where its events are here. */
export interface LocalSpan extends WireSpan {
  length: number
  readonly pieces: Piece[]
}

/** The dots of local versions, ascending. */
export function dotsOf(graph: CausalGraph, lvs: readonly number[]): Dot[] {
  if (lvs.length === 1) return [graph.dotOf(lvs[0] as number)]
  return lvs.map((lv) => graph.dotOf(lv)).sort(compareDots)
}

/** Joins spans that belong together and puts them in order. They must come parents first. */
export function collectSpans(graph: CausalGraph, spans: Iterable<Span>): LocalSpan[] {
  const latest = new Map<number, LocalSpan>()
  const all: LocalSpan[] = []
  for (const { rid, seq, length, lv, parents } of spans) {
    const before = latest.get(rid)
    const [parent] = parents
    const goesOn =
      before !== undefined && parents.length === 1 && parent !== undefined && graph.lvOf(rid, seq - 1) === parent
    if (goesOn) {
      before.length += length
      before.pieces.push({ lv, length })
    } else {
      const span = { rid, seq, length, parents: dotsOf(graph, parents), pieces: [{ lv, length }] }
      latest.set(rid, span)
      all.push(span)
    }
  }
  return all.length > 1 ? orderSpans(all) : all
}
