/**
 * The obvious sequence: the FugueMax tree of the paper (M. Weidner, M. Kleppmann, 2023, algorithm 1 and section 5), one node per
 * unit, everything found by walking the whole tree, and the past of an event as a set. Slow and plain: what is right is what this
 * says.
 */

/** One operation on one unit, with what its author had seen. */
export interface OracleEvent {
  readonly rid: number
  readonly seq: number
  readonly parents: readonly number[]
  /** The unit to insert before `position`; undefined to delete the one at `position`. */
  readonly unit?: unknown
  readonly position: number
}

interface TreeNode {
  readonly event: number
  readonly unit: unknown
  readonly leftChildren: TreeNode[]
  readonly rightChildren: TreeNode[]
  /** Event of the node that followed the left origin when this one was made; undefined for the end. */
  readonly rightOrigin: number | undefined
}

/** Replays events one by one. Events are numbered from 0; parents come first. */
export class FugueOracle {
  readonly events: OracleEvent[] = []
  private readonly root: TreeNode = node(-1, undefined, undefined)
  private readonly pasts: Set<number>[] = []
  /** For each deletion the node it deletes; undefined for nothing. */
  private readonly targets: (number | undefined)[] = []

  add(event: OracleEvent): void {
    const index = this.events.length
    const seen = this.past(event.parents)
    this.events.push(event)
    this.pasts.push(new Set([...seen, index]))
    if (event.unit === undefined) this.targets[index] = this.visible(seen)[event.position]?.event
    else this.insert(index, event, seen)
  }

  /** The units at a version. */
  at(version: readonly number[]): unknown[] {
    return this.visible(this.past(version)).map(({ unit }) => unit)
  }

  /** The events whose units are there at a version, in order. */
  idsAt(version: readonly number[]): number[] {
    return this.visible(this.past(version)).map(({ event }) => event)
  }

  /** All events of inserts in their final order, tombstones included. */
  order(): number[] {
    return this.walk().map(({ event }) => event)
  }

  past(version: readonly number[]): Set<number> {
    return new Set(version.flatMap((one) => [...(this.pasts[one] ?? [])]))
  }

  private visible(seen: ReadonlySet<number>): TreeNode[] {
    const gone = new Set([...seen].map((event) => this.targets[event]))
    return this.walk().filter(({ event }) => seen.has(event) && !gone.has(event))
  }

  private walk(from: TreeNode = this.root): TreeNode[] {
    const own = from === this.root ? [] : [from]
    const inner = (children: TreeNode[]): TreeNode[] => children.flatMap((child) => this.walk(child))
    return [...inner(from.leftChildren), ...own, ...inner(from.rightChildren)]
  }

  private insert(index: number, event: OracleEvent, seen: ReadonlySet<number>): void {
    const visible = this.visible(seen)
    const position = Math.min(event.position, visible.length)
    const left = position === 0 ? this.root : (visible[position - 1] as TreeNode)
    const known = this.walk().filter((one) => seen.has(one.event))
    const next = known[left === this.root ? 0 : known.indexOf(left) + 1]
    const made = node(index, event.unit, next?.event)
    if (left.rightChildren.some((child) => seen.has(child.event))) {
      this.place((next as TreeNode).leftChildren, made, (other) => this.byName(made, other))
    } else {
      const all = this.walk().map((one) => one.event)
      const far = (one: TreeNode): number => (one.rightOrigin === undefined ? all.length : all.indexOf(one.rightOrigin))
      this.place(left.rightChildren, made, (other) => far(other) - far(made) || this.byName(made, other))
    }
  }

  private place(siblings: TreeNode[], made: TreeNode, order: (other: TreeNode) => number): void {
    const index = siblings.findIndex((other) => order(other) < 0)
    siblings.splice(index < 0 ? siblings.length : index, 0, made)
  }

  private byName(a: TreeNode, b: TreeNode): number {
    const [x, y] = [this.events[a.event] as OracleEvent, this.events[b.event] as OracleEvent]
    return x.rid - y.rid || x.seq - y.seq
  }
}

function node(event: number, unit: unknown, rightOrigin: number | undefined): TreeNode {
  return { event, unit, leftChildren: [], rightChildren: [], rightOrigin }
}
