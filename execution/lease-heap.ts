/** The leases by deadline: a binary heap in which each lease knows its place, so that renewing and ending cost O(log n). */
import type { Lease } from './lease.ts'

/** Orders by deadline, then by id: the order in which leases expire. */
export class LeaseHeap {
  private readonly items: Lease[] = []

  /** The lease that ends first. */
  get first(): Lease | undefined {
    return this.items[0]
  }

  add(lease: Lease): void {
    this.place(lease, this.items.length)
    this.rise(lease)
  }

  /** The deadline of a lease in the heap has moved up. */
  moved(lease: Lease): void {
    this.sink(lease)
  }

  /** Takes a lease out, wherever it stands. */
  remove(lease: Lease): void {
    const at = lease.heapAt
    const last = this.items.pop() as Lease
    lease.heapAt = -1
    if (last === lease) return
    this.place(last, at)
    this.rise(last)
    this.sink(last)
  }

  private place(lease: Lease, at: number): void {
    this.items[at] = lease
    lease.heapAt = at
  }

  private rise(lease: Lease): void {
    let at = lease.heapAt
    while (at > 0) {
      const parent = this.items[(at - 1) >> 1] as Lease
      if (!isBefore(lease, parent)) break
      this.place(parent, at)
      at = (at - 1) >> 1
    }
    this.place(lease, at)
  }

  private sink(lease: Lease): void {
    let at = lease.heapAt
    for (;;) {
      const left = this.items[2 * at + 1]
      const right = this.items[2 * at + 2]
      if (left === undefined) break
      const child = right !== undefined && isBefore(right, left) ? right : left
      if (!isBefore(child, lease)) break
      const next = child.heapAt
      this.place(child, at)
      at = next
    }
    this.place(lease, at)
  }
}

function isBefore(a: Lease, b: Lease): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.id < b.id)
}
