/**
 * Is there an order of some operations, in keeping with real time, that a sequential model explains? The search is that of
 * Wing and Gong, on Lowe's list of calls and returns with his memory of states that were tried (J. Wing, C. Gong, "Testing
 * and verifying concurrent objects", 1993; G. Lowe, "Testing for linearizability", 2017).
 *
 * An operation without a known outcome may take effect at any time after its call, or never: it has no return, and the
 * search may leave it out. Many of these would make a search exponential, so there are two rules for them. Of several
 * that do the same to every state the earliest is used first, since it may stand wherever a later one may. And a state is
 * not tried again with more of them used up than before: what failed with more of them to choose from fails with less.
 * An answered operation that may come next and leaves the state as it is, such as a read, comes next: nothing is lost by that.
 */

/** A sequential object: what an operation does to a state, if it may happen there with the outcome it had. */
export interface Model<State, Op> {
  readonly initial: State
  /** The state after `op`, the same object if nothing changes; undefined if `op` could not have been answered as it was in this state. */
  step(state: State, op: Op): State | undefined
  /** A text that equal states share and others do not. */
  key(state: State): string
  /** A text for an operation of unknown outcome: those that share it do the same to every state. Default: all differ. */
  alike?(op: Op): string
  /** A number for an answered operation, if its answer tells one: those that have one take effect in its order. */
  rank?(op: Op): number | undefined
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
  return new Search(model, operations, stepsMax).run()
}

class Search<State, Op> {
  private readonly model: Model<State, Op>
  private readonly operations: readonly Timed<Op>[]
  private readonly head: Node
  /** For each operation the one that has to be placed before it by rank, or used before it where both are open; or -1. */
  private readonly earlier: readonly number[]
  private readonly answered: Bits
  private readonly used: Bits
  /** For each set of answered operations and state: which open ones were used up when it was tried. */
  private readonly tried = new Map<string, Bits[]>()
  private state: State
  private stepsLeft: number

  constructor(model: Model<State, Op>, operations: readonly Timed<Op>[], stepsMax: number) {
    this.model = model
    this.operations = operations
    this.head = eventsOf(operations)
    this.earlier = earlierOf(model, operations)
    this.answered = new Bits(operations.length)
    this.used = new Bits(operations.length)
    this.state = model.initial
    this.stepsLeft = stepsMax
  }

  run(): Verdict {
    const needed = this.operations.filter((one) => one.returned !== Infinity).length
    const order: { readonly node: Node; readonly state: State; readonly forced: boolean }[] = []
    let left = needed
    let best: { readonly explained: number; readonly stuck: readonly number[] } = { explained: -1, stuck: [] }
    let at = this.first(true)
    while (left > 0) {
      if (this.stepsLeft < 0) return { kind: 'unknown' }
      if (at !== undefined) {
        const { state } = this
        if (this.place(at)) {
          order.push({ node: at, state, forced: at.match !== undefined && this.state === state })
          if (at.match !== undefined) left--
          at = this.first(true)
        } else at = this.next(at)
        continue
      }
      // Everything that could come here was tried.
      if (needed - left > best.explained) best = { explained: needed - left, stuck: openCalls(this.head) }
      const last = order.pop()
      if (last === undefined) return { kind: 'violation', ...best }
      this.takeBack(last.node, last.state)
      if (last.node.match !== undefined) left++
      at = last.forced ? undefined : this.next(last.node)
    }
    return { kind: 'linearizable' }
  }

  /** The first call that may come next; those with an answer go before those without. */
  private first(withAnswer: boolean): Node | undefined {
    return this.from(this.head.after, withAnswer)
  }

  private next(node: Node): Node | undefined {
    return this.from(node.after, node.match !== undefined)
  }

  private from(start: Node | undefined, withAnswer: boolean): Node | undefined {
    for (let node = start; node !== undefined && !node.isReturn; node = node.after) {
      if ((node.match !== undefined) !== withAnswer) continue
      if (this.mayPlace(node.op, withAnswer)) return node
    }
    return withAnswer ? this.first(false) : undefined
  }

  private mayPlace(op: number, withAnswer: boolean): boolean {
    const earlier = this.earlier[op] as number
    return earlier < 0 || (withAnswer ? this.answered : this.used).has(earlier)
  }

  /** Lets a call take effect now, if the model allows it and this was not tried before. */
  private place(node: Node): boolean {
    this.stepsLeft--
    const next = this.model.step(this.state, (this.operations[node.op] as Timed<Op>).op)
    if (next === undefined) return false
    const bits = node.match === undefined ? this.used : this.answered
    bits.set(node.op)
    if (this.wasTried(next)) {
      bits.clear(node.op)
      return false
    }
    this.state = next
    unlink(node)
    if (node.match !== undefined) unlink(node.match)
    return true
  }

  private takeBack(node: Node, state: State): void {
    const bits = node.match === undefined ? this.used : this.answered
    bits.clear(node.op)
    if (node.match !== undefined) relink(node.match)
    relink(node)
    this.state = state
  }

  private wasTried(state: State): boolean {
    const key = `${this.answered.text()}|${this.model.key(state)}`
    const sets = this.tried.get(key)
    if (sets === undefined) this.tried.set(key, [this.used.clone()])
    else if (sets.some((set) => set.within(this.used))) return true
    else sets.push(this.used.clone())
    return false
  }
}

function earlierOf<State, Op>(model: Model<State, Op>, operations: readonly Timed<Op>[]): number[] {
  const earlier = operations.map(() => -1)
  const all = [...operations.entries()].map(([i, { op, called, returned }]) => ({
    i,
    op,
    called,
    open: returned === Infinity,
  }))
  const latest = new Map<string, number>()
  for (const { i, op } of all.filter((one) => one.open).toSorted((a, b) => a.called - b.called)) {
    const text = model.alike?.(op)
    if (text === undefined) continue
    earlier[i] = latest.get(text) ?? -1
    latest.set(text, i)
  }
  let before = -1
  const ranked = all.flatMap(({ i, op, open }) => {
    const rank = open ? undefined : model.rank?.(op)
    return rank === undefined ? [] : [{ i, rank }]
  })
  for (const { i } of ranked.toSorted((a, b) => a.rank - b.rank)) {
    earlier[i] = before
    before = i
  }
  return earlier
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

/** A set of small numbers. */
class Bits {
  private readonly words: Uint16Array

  constructor(size: number) {
    this.words = new Uint16Array(Math.ceil(size / 16))
  }

  has(bit: number): boolean {
    return ((this.words[bit >> 4] as number) & (1 << (bit & 15))) !== 0
  }

  set(bit: number): void {
    this.words[bit >> 4] = (this.words[bit >> 4] as number) | (1 << (bit & 15))
  }

  clear(bit: number): void {
    this.words[bit >> 4] = (this.words[bit >> 4] as number) & ~(1 << (bit & 15))
  }

  clone(): Bits {
    const copy = new Bits(16 * this.words.length)
    copy.words.set(this.words)
    return copy
  }

  /** Whether `other` has everything that this set has. */
  within(other: Bits): boolean {
    for (let i = 0; i < this.words.length; i++) {
      if (((this.words[i] as number) & ~(other.words[i] as number)) !== 0) return false
    }
    return true
  }

  /** A text that equal sets share. */
  text(): string {
    return String.fromCharCode(...this.words)
  }
}
