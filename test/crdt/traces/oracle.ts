/**
 * What a history of concurrent edits must give, computed the slow and obvious way: FugueMax as a tree, from its definition
 * (Weidner and Kleppmann, "The Art of the Fugue", section 4). Shares nothing with the library: each event walks the whole tree
 * and filters it by the event's own past.
 *
 * A node is the right child of the character on its left if that had no right children yet where it was made, else the left
 * child of the character on its right. Left siblings stand by (agent, sequence); right siblings stand in reverse order of the
 * character they had on their right, then by (agent, sequence).
 */

/** One inserted or deleted character. */
export interface OracleEvent {
  readonly agent: string
  readonly sequence: number
  readonly parents: readonly number[]
  readonly position: number
  /** The character that comes, or undefined where one goes. */
  readonly inserted: string | undefined
}

interface Node {
  readonly version: number
  readonly event: OracleEvent
  readonly left: Node[]
  readonly right: Node[]
  /** The node on the right when this one was made; undefined is the end of the text. */
  readonly follower: Node | undefined
}

/** Replays events one by one; their numbers are their local versions. */
export class Oracle {
  readonly #events: OracleEvent[] = []
  readonly #pasts: Set<number>[] = []
  /** Version of a deletion: the version of the insertion it undid. */
  readonly #targets = new Map<number, number>()
  readonly #nodes = new Map<number, Node>()
  readonly #root: Node = {
    version: -1,
    event: { agent: '', sequence: -1, parents: [], position: 0, inserted: '' },
    left: [],
    right: [],
    follower: undefined,
  }

  /** Local versions so far. */
  get length(): number {
    return this.#events.length
  }

  /** Adds an event and gives its local version. */
  add(event: OracleEvent): number {
    const version = this.#events.length
    const past = this.pastOf(event.parents)
    const known = this.#order().filter((node) => past.has(node.version))
    const visible = known.filter((node) => !this.#isDeleted(node, past))
    if (event.inserted === undefined) {
      const target = visible[event.position]
      if (target === undefined) throw new Error('the oracle was told to delete beyond the end')
      this.#targets.set(version, target.version)
    } else {
      if (event.position > visible.length) throw new Error('the oracle was told to insert beyond the end')
      const left = event.position === 0 ? this.#root : (visible[event.position - 1] as Node)
      const follower = known[left === this.#root ? 0 : known.indexOf(left) + 1]
      this.#place(version, event, left, follower, past)
    }
    this.#events.push(event)
    this.#pasts.push(past)
    return version
  }

  /** All that happened before an event with these parents. */
  pastOf(parents: readonly number[]): Set<number> {
    const past = new Set(parents)
    for (const parent of parents) for (const version of this.#pasts[parent] ?? []) past.add(version)
    return past
  }

  /** The text at a version, given by its heads. */
  textAt(heads: readonly number[]): string {
    const past = this.pastOf(heads)
    return this.#order()
      .filter((node) => past.has(node.version) && !this.#isDeleted(node, past))
      .map((node) => node.event.inserted)
      .join('')
  }

  /** The heads that are in nobody's past among these. */
  headsOf(versions: readonly number[]): number[] {
    const distinct = [...new Set(versions)]
    return distinct.filter((one) => !distinct.some((other) => this.#pasts[other]?.has(one)))
  }

  #isDeleted(node: Node, past: ReadonlySet<number>): boolean {
    for (const [version, target] of this.#targets) if (target === node.version && past.has(version)) return true
    return false
  }

  #place(version: number, event: OracleEvent, left: Node, follower: Node | undefined, past: ReadonlySet<number>): void {
    const node: Node = { version, event, left: [], right: [], follower }
    this.#nodes.set(version, node)
    if (left.right.some((child) => past.has(child.version))) {
      if (follower === undefined) throw new Error('a right child must come after its parent')
      follower.left.push(node)
      follower.left.sort(byId)
      return
    }
    const order = this.#order()
    const place = (one: Node): number => (one.follower === undefined ? order.length : order.indexOf(one.follower))
    left.right.push(node)
    left.right.sort((a, b) => place(b) - place(a) || byId(a, b))
  }

  #order(): Node[] {
    const order: Node[] = []
    const walk = (node: Node): void => {
      for (const child of node.left) walk(child)
      if (node !== this.#root) order.push(node)
      for (const child of node.right) walk(child)
    }
    walk(this.#root)
    return order
  }
}

function byId(a: Node, b: Node): number {
  if (a.event.agent !== b.event.agent) return a.event.agent < b.event.agent ? -1 : 1
  return a.event.sequence - b.event.sequence
}
