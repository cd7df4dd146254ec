/** What ends, by deadline: a binary heap in which each item knows its place, so that renewing and ending cost O(log n). */

/** Something that ends when log time reaches its deadline. */
export interface Ending {
  readonly id: number
  readonly deadline: number
  /** Its place in the heap, or -1; the heap's own. */
  heapAt: number
}

/** Orders by deadline, then by id: the order in which things end. */
export class DeadlineHeap<T extends Ending> {
  private readonly items: T[] = []

  /** The one that ends first. */
  get first(): T | undefined {
    return this.items[0]
  }

  add(item: T): void {
    this.place(item, this.items.length)
    this.rise(item)
  }

  /** The deadline of an item in the heap has moved up. */
  moved(item: T): void {
    this.sink(item)
  }

  /** Takes an item out, wherever it stands. */
  remove(item: T): void {
    const at = item.heapAt
    const last = this.items.pop() as T
    item.heapAt = -1
    if (last === item) return
    this.place(last, at)
    this.rise(last)
    this.sink(last)
  }

  private place(item: T, at: number): void {
    this.items[at] = item
    item.heapAt = at
  }

  private rise(item: T): void {
    let at = item.heapAt
    while (at > 0) {
      const parent = this.items[(at - 1) >> 1] as T
      if (!isBefore(item, parent)) break
      this.place(parent, at)
      at = (at - 1) >> 1
    }
    this.place(item, at)
  }

  private sink(item: T): void {
    let at = item.heapAt
    for (;;) {
      const left = this.items[2 * at + 1]
      const right = this.items[2 * at + 2]
      if (left === undefined) break
      const child = right !== undefined && isBefore(right, left) ? right : left
      if (!isBefore(child, item)) break
      const next = child.heapAt
      this.place(child, at)
      at = next
    }
    this.place(item, at)
  }
}

function isBefore(a: Ending, b: Ending): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.id < b.id)
}
