/**
 * An order to visit a part of a causal graph in: parents before children, and branches one after the other. A walker that has to
 * undo and redo what lies between two visits has much less to do than in order of arrival, where branches may alternate.
 */
import type { CausalGraph } from './graph.ts'
import type { Ranges } from './walk.ts'

/** The runs within LVs `[start, end)`, cut to it, as `[start, end, start, end, ...]` in the order to visit them. */
export function walkOrder(graph: CausalGraph, start: number, end: number): Ranges {
  if (start >= end) return []
  const first = graph.runAt(start)
  const last = graph.runAt(end - 1)
  const order: Ranges = []
  if (first === last) return [start, end]
  const count = last - first + 1
  const { children, waiting } = dependencies(graph, first, count, start)
  const ready: number[] = []
  for (let i = count - 1; i >= 0; i--) if (waiting[i] === 0) ready.push(i)
  while (ready.length > 0) {
    const piece = ready.pop() as number
    const from = Math.max(start, graph.startOfRun(first + piece))
    const to = Math.min(end, graph.endOfRun(first + piece))
    order.push(from, to)
    const next = children[piece]
    if (next === undefined) continue
    // The child that was added first is visited first, before anything that waits since longer.
    for (let i = next.length - 1; i >= 0; i--) {
      const child = next[i] as number
      waiting[child] = (waiting[child] as number) - 1
      if (waiting[child] === 0) ready.push(child)
    }
  }
  return order
}

interface Dependencies {
  /** By piece, the pieces that have it as a parent. */
  readonly children: (number[] | undefined)[]
  /** By piece, how many parents have not been visited. */
  readonly waiting: Int32Array
}

function dependencies(graph: CausalGraph, first: number, count: number, start: number): Dependencies {
  const children: (number[] | undefined)[] = Array.from({ length: count })
  const waiting = new Int32Array(count)
  for (let piece = 0; piece < count; piece++) {
    const run = first + piece
    if (graph.startOfRun(run) < start) continue
    for (let i = graph.parentsStart(run); i < graph.parentsEnd(run); i++) {
      const parent = graph.parentAt(i)
      if (parent < start) continue
      const of = graph.runAt(parent) - first
      const list = children[of]
      if (list === undefined) children[of] = [piece]
      else list.push(piece)
      waiting[piece] = (waiting[piece] as number) + 1
    }
  }
  return { children, waiting }
}
