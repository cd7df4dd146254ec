/** What is known in memory of one thing that can be held: who holds it, and who waits, in the order of arrival. */
import type { Ending } from '../deadline-heap.ts'

/** One acquisition. Its key has the rest of it. */
export class Entry implements Ending {
  readonly resource: Resource
  /** The revision at which it was enqueued. */
  readonly id: number
  readonly key: string
  readonly lease: number
  readonly acquireId: string
  readonly isExclusive: boolean
  readonly maxHoldMs: number
  /** The revision of its grant; 0 while it waits. */
  token = 0
  /** The log time at which it will have been held too long; 0 for never. */
  deadline = 0
  heapAt = -1
  /** Its neighbours in the queue. */
  before: Entry | undefined
  after: Entry | undefined

  constructor(
    resource: Resource,
    id: number,
    key: string,
    of: { lease: number; acquireId: string; isExclusive: boolean; maxHoldMs: number },
  ) {
    this.resource = resource
    this.id = id
    this.key = key
    this.lease = of.lease
    this.acquireId = of.acquireId
    this.isExclusive = of.isExclusive
    this.maxHoldMs = of.maxHoldMs
  }
}

/** One resource that is held or waited for. */
export class Resource {
  /** `resourceName` of it. */
  readonly name: string
  /** How many may share it; 0 for any number. */
  readonly capacity: number
  /** By token, in the order of tokens. */
  readonly holders = new Map<number, Entry>()
  first: Entry | undefined
  waiting = 0
  private last: Entry | undefined

  constructor(name: string, capacity: number) {
    this.name = name
    this.capacity = capacity
  }

  /** Nobody holds it or waits. */
  get isIdle(): boolean {
    return this.holders.size === 0 && this.waiting === 0
  }

  /** Whether one more holder of this mode may stand beside those there are. */
  admits(isExclusive: boolean): boolean {
    const { holders, capacity } = this
    if (holders.size === 0) return true
    if (isExclusive || (capacity !== 0 && holders.size >= capacity)) return false
    return !(holders.values().next().value as Entry).isExclusive
  }

  /** Lets an entry wait behind all others. */
  enqueue(entry: Entry): void {
    entry.before = this.last
    if (this.last === undefined) this.first = entry
    else this.last.after = entry
    this.last = entry
    this.waiting++
  }

  /** Takes a waiting entry out, wherever it stands. */
  dequeue(entry: Entry): void {
    const { before, after } = entry
    if (before === undefined) this.first = after
    else before.after = after
    if (after === undefined) this.last = before
    else after.before = before
    entry.before = undefined
    entry.after = undefined
    this.waiting--
  }

  /** Holders, and waiters before this one. */
  aheadOf(entry: Entry): number {
    let ahead = this.holders.size
    for (let other = entry.before; other !== undefined; other = other.before) ahead++
    return ahead
  }

  /** Those who wait, in order. */
  *waiters(): Generator<Entry> {
    for (let entry = this.first; entry !== undefined; entry = entry.after) yield entry
  }
}
