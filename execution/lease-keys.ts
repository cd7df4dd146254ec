/**
 * Which keys are attached to which lease: the index from a lease to its keys.
 *
 * It is derived from the current records, which name their lease, so nothing of it is stored or hashed. The order within a
 * set is the order of attaching, which differs after a restart: whoever acts on the keys sorts them.
 */
const none: ReadonlySet<string> = new Set()

/** The attached keys of every lease that has any. */
export class LeaseKeys {
  private readonly byLease = new Map<number, Set<string>>()

  /** A key's record names `to` now and named `from` before; 0 is no lease. */
  move(key: string, from: number, to: number): void {
    if (from === to) return
    if (from !== 0) {
      const keys = this.byLease.get(from)
      keys?.delete(key)
      if (keys?.size === 0) this.byLease.delete(from)
    }
    if (to === 0) return
    const keys = this.byLease.get(to)
    if (keys === undefined) this.byLease.set(to, new Set([key]))
    else keys.add(key)
  }

  /** How many keys a lease has. */
  count(lease: number): number {
    return this.byLease.get(lease)?.size ?? 0
  }

  /** Whether a key is attached to this lease. */
  has(lease: number, key: string): boolean {
    return this.byLease.get(lease)?.has(key) === true
  }

  /** A lease's keys in byte order. */
  sorted(lease: number): string[] {
    return [...(this.byLease.get(lease) ?? none)].sort()
  }

  /** Every lease that has keys, in no particular order. */
  leases(): Iterable<number> {
    return this.byLease.keys()
  }
}
