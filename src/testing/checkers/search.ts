/**
 * Is there an order of some operations, in keeping with real time, that a sequential model explains? The search is that of
 * Wing and Gong, on Lowe's list of calls and returns with his memory of states that were tried (J. Wing, C. Gong, "Testing
 * and verifying concurrent objects", 1993; G. Lowe, "Testing for linearizability", 2017).
 *
 * An operation without a known outcome may take effect at any time after its call, or never: it has no return, and the
 * search may leave it out.
 */

/** A sequential object: what an operation does to a state, if it may happen there with the outcome it had. */
export interface Model<State, Op> {
  readonly initial: State
  /** The state after `op`; undefined if `op` could not have been answered as it was in this state. */
  step(state: State, op: Op): State | undefined
  /** A text that equal states share and others do not. */
  key(state: State): string
}

/** An operation with its moments; `returned` is infinite while the outcome is not known. */
export interface Timed<Op> {
  readonly op: Op
  readonly called: number
  readonly returned: number
}

/** What the search found. `unknown` means that it was given up: then nothing was checked. */
export type Verdict =
  | { readonly kind: 'linearizable' }
  | { readonly kind: 'unknown' }
  /** `stuck` are operations that no explained order could place: at least one of them is wrong with what came before. */
  | { readonly kind: 'violation'; readonly explained: number; readonly stuck: readonly number[] }

/** One event in the list of what is not yet placed. */
interface Node {
  readonly op: number
  /** The return of a call; undefined for a return itself and for a call without one. */
  readonly match: Node | undefined
  readonly isReturn: boolean
  before: Node
  after: Node | undefined
}

/** Steps of the model after which the search is given up. */
export const searchStepsMax = 2_000_000

/** Searches an order. `operations` may come in any order. */
export function linearize<State, Op>(
  model: Model<State, Op>,
  operations: readonly Timed<Op>[],
  stepsMax: number = searchStepsMax,
): Verdict {
  const head = eventsOf(operations)
  const tried = new Set<string>()
  const placed = new Bits(operations.length)
  const order: { readonly node: Node; readonly state: State }[] = []
  const needed = operations.filter((one) => one.returned !== Infinity).length
  let state = model.initial
  let returnsLeft = needed
  let steps = 0
  let best: { readonly explained: number; readonly stuck: readonly number[] } = { explained: -1, stuck: [] }
  let at = head.after
  while (returnsLeft > 0) {
    if (at !== undefined && !at.isReturn) {
      const node = at
      if (++steps > stepsMax) return { kind: 'unknown' }
      const next = model.step(state, (operations[node.op] as Timed<Op>).op)
      if (next !== undefined) {
        placed.set(node.op)
        const key = `${placed.text()}|${model.key(next)}`
        if (!tried.has(key)) {
          tried.add(key)
          order.push({ node, state })
          state = next
          lift(node)
          if (node.match !== undefined) returnsLeft--
          at = head.after
          continue
        }
        placed.clear(node.op)
      }
      at = node.after
      continue
    }
    // A return is reached: everything that could come first was tried.
    const explained = needed - returnsLeft
    if (explained > best.explained) best = { explained, stuck: openCalls(head) }
    const last = order.pop()
    if (last === undefined) return { kind: 'violation', ...best }
    state = last.state
    placed.clear(last.node.op)
    unlift(last.node)
    if (last.node.match !== undefined) returnsLeft++
    at = last.node.after
  }
  return { kind: 'linearizable' }
}

/** Calls and returns in the order of their moments, behind a head. */
function eventsOf<Op>(operations: readonly Timed<Op>[]): Node {
  const head: Node = { op: -1, match: undefined, isReturn: false, before: undefined as never, after: undefined }
  const events: { readonly moment: number; readonly node: Node }[] = []
  for (const [op, { called, returned }] of operations.entries()) {
    const blank = { op, before: head, after: undefined }
    const end: Node | undefined = returned === Infinity ? undefined : { ...blank, match: undefined, isReturn: true }
    events.push({ moment: called, node: { ...blank, match: end, isReturn: false } })
    if (end !== undefined) events.push({ moment: returned, node: end })
  }
  // Of equal moments the call comes first: then the two overlap.
  events.sort((a, b) => a.moment - b.moment || Number(a.node.isReturn) - Number(b.node.isReturn))
  let before = head
  for (const { node } of events) {
    node.before = before
    before.after = node
    before = node
  }
  return head
}

function lift(node: Node): void {
  unlink(node)
  if (node.match !== undefined) unlink(node.match)
}

function unlift(node: Node): void {
  if (node.match !== undefined) relink(node.match)
  relink(node)
}

function unlink(node: Node): void {
  node.before.after = node.after
  if (node.after !== undefined) node.after.before = node.before
}

function relink(node: Node): void {
  node.before.after = node
  if (node.after !== undefined) node.after.before = node
}

/** Calls before the first return that is left. */
function openCalls(head: Node): readonly number[] {
  const out: number[] = []
  for (let node = head.after; node !== undefined; node = node.after) {
    if (!node.isReturn) out.push(node.op)
    else return [...new Set([node.op, ...out])]
  }
  return out
}

/** A set of small numbers with a text that equal sets share. */
class Bits {
  private readonly words: Uint16Array

  constructor(size: number) {
    this.words = new Uint16Array(Math.ceil(size / 16))
  }

  set(bit: number): void {
    this.words[bit >> 4] = (this.words[bit >> 4] as number) | (1 << (bit & 15))
  }

  clear(bit: number): void {
    this.words[bit >> 4] = (this.words[bit >> 4] as number) & ~(1 << (bit & 15))
  }

  text(): string {
    return String.fromCharCode(...this.words)
  }
}
