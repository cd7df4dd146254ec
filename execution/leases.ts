/**
 * Leases: lifetimes that keys can be attached to. All time is log time, so every node agrees about every lease at each
 * index of the log.
 *
 * A lease is over when log time has reached its deadline. From then on it counts as ended for every operation, although it
 * may take some entries until it is swept (`leaseExpiriesPerEntry`) and its keys are deleted. One that must go first, because its
 * id is granted anew, is swept at that moment.
 */
import { NitroError, addHash, assert, subtractHash } from '../base/index.ts'
import type { Hash128, KvChange } from '../base/index.ts'
import { DeadlineHeap } from './deadline-heap.ts'
import { Lease } from './lease.ts'
import { decodeLease, encodeLease, hashLease, leaseKey } from './lease-record.ts'
import type { MachineLimits } from './limits.ts'
import { damaged } from './record.ts'
import type { State } from './state.ts'
import { isReserved } from './sync/key.ts'

/** Bytes that a lease adds to what the next flush writes. */
const recordBytes = 48

/** Hears of the keys that end with a lease. */
export interface EndedKeys {
  /** A reserved key is gone. */
  removed(key: string): void
  /** Their revision is complete: what follows from it may happen now. */
  settle(): void
}

/** Every lease of a machine. */
export class Leases {
  /** Set once, before anything happens. */
  ended: EndedKeys | undefined
  /** The last id that the machine chose. */
  counter = 0
  /** The log time that decides what is overdue; the machine's. */
  logTime = 0
  /** Roughly what the next seal will write, in bytes. */
  dirtyBytes = 0
  private readonly state: State
  private readonly limits: MachineLimits
  private readonly byId = new Map<number, Lease>()
  private readonly heap = new DeadlineHeap<Lease>()
  private dirty: Lease[] = []
  private gone: number[] = []
  private stale: Lease[] = []
  private readonly sum: Hash128 = new Uint32Array(4)

  constructor(state: State, limits: MachineLimits) {
    this.state = state
    this.limits = limits
  }

  /** Leases that have not been swept. */
  get count(): number {
    return this.byId.size
  }

  /** The earliest log time at which a lease is over. */
  get nextDeadline(): number | undefined {
    return this.heap.first?.deadline
  }

  /** The lease of this id, unless there is none or it is overdue. */
  find(id: number): Lease | undefined {
    const lease = this.byId.get(id)
    return lease !== undefined && lease.deadline > this.logTime ? lease : undefined
  }

  /** The lease of this id. Throws `LeaseNotFound`. */
  get(id: number): Lease {
    const lease = this.find(id)
    if (lease === undefined) throw new NitroError('LeaseNotFound', `no lease ${id}`, { details: { lease: id } })
    return lease
  }

  /** The ids of all leases that are not overdue, rising. */
  ids(): number[] {
    const ids: number[] = []
    for (const lease of this.byId.values()) if (lease.deadline > this.logTime) ids.push(lease.id)
    return ids.sort((a, b) => a - b)
  }

  /** Whether there is a lease of this id, overdue or not. */
  has(id: number): boolean {
    return this.byId.has(id)
  }

  /** The id the machine would choose after `counter`: the first above it that nobody has, and that isn't `taken` otherwise. */
  nextId(counter: number, taken: (id: number) => boolean = () => false): number {
    let id = counter + 1
    while (this.byId.has(id) || taken(id)) id++
    return id
  }

  /** The time to live that a wish gets. Throws `InvalidArgument`. */
  ttlOf(wishMs: number): number {
    const { leaseTtlMsMin, leaseTtlMsMax } = this.limits
    if (!Number.isSafeInteger(wishMs) || wishMs < 1 || wishMs > leaseTtlMsMax) {
      const details = { name: 'leaseTtlMsMax', limit: leaseTtlMsMax }
      throw new NitroError('InvalidArgument', `a time to live of ${wishMs} ms`, { details })
    }
    return Math.max(wishMs, leaseTtlMsMin)
  }

  /** Makes a lease; id 0 lets the machine choose. Throws `LeaseExists`, `LimitExceeded`, `InvalidArgument`. */
  grant(id: number, wishMs: number): Lease {
    const ttlMs = this.ttlOf(wishMs)
    if (id !== 0 && this.find(id) !== undefined) throw leaseExists(id)
    const known = this.byId.get(id)
    if (known !== undefined) {
      this.end(known)
      this.ended?.settle()
    }
    if (this.byId.size >= this.limits.leases) throw tooMany('leases', this.limits.leases)
    const chosen = id === 0 ? this.nextId(this.counter) : id
    if (id === 0) this.counter = chosen
    const lease = new Lease(chosen, ttlMs, this.logTime + ttlMs)
    this.byId.set(chosen, lease)
    this.heap.add(lease)
    this.touch(lease)
    return lease
  }

  /** Starts a lease's time anew. Returns its time to live, or 0 if there is no such lease. */
  keepAlive(id: number): number {
    const lease = this.find(id)
    if (lease === undefined) return 0
    const deadline = this.logTime + lease.ttlMs
    if (deadline !== lease.deadline) {
      lease.deadline = deadline
      this.heap.moved(lease)
      this.touch(lease)
    }
    return lease.ttlMs
  }

  /** Ends a lease and deletes its keys in one revision. Returns how many there were. Throws `LeaseNotFound`. */
  revoke(id: number): number {
    const deleted = this.end(this.get(id))
    this.ended?.settle()
    return deleted
  }

  /** Ends a lease that is there, overdue or not, whose keys the caller deletes. */
  forget(id: number): void {
    const lease = this.byId.get(id)
    assert(lease !== undefined, () => `lease ${id} is there`)
    this.heap.remove(lease)
    this.byId.delete(lease.id)
    subtractHash(this.sum, lease.hash)
    this.gone.push(lease.id)
    this.dirtyBytes += recordBytes
  }

  /** Sweeps the lease that ends first. Returns how many keys it had. */
  endFirst(): number {
    const { first } = this.heap
    assert(first !== undefined, 'there is a lease to end')
    return this.end(first)
  }

  /** Throws `LeaseNotFound`, or `LimitExceeded` if `more` keys do not fit the lease. */
  checkAttach(id: number, more: number): void {
    this.get(id)
    const { leaseKeys } = this.limits
    if (this.state.leaseKeys.count(id) + more > leaseKeys) throw tooMany('leaseKeys', leaseKeys)
  }

  /** The sum of the hashes of all leases; those changed since the last call are hashed now. */
  hash(): Hash128 {
    for (const lease of this.stale) {
      lease.isStale = false
      if (!lease.isOpen) continue
      subtractHash(this.sum, lease.hash)
      hashLease(lease)
      addHash(this.sum, lease.hash)
    }
    this.stale.length = 0
    return this.sum
  }

  /** What to store so that the disk has every change since the last call. */
  seal(): KvChange[] {
    const changes: KvChange[] = []
    for (const id of this.gone) if (!this.byId.has(id)) changes.push({ key: leaseKey(id), value: undefined })
    for (const lease of this.dirty) {
      lease.isDirty = false
      if (lease.isOpen) changes.push({ key: leaseKey(lease.id), value: encodeLease(lease) })
    }
    this.gone = []
    this.dirty = []
    this.dirtyBytes = 0
    return changes
  }

  /** Takes a stored lease in. Throws `StateDamaged`. */
  load(key: Uint8Array, value: Uint8Array): void {
    const lease = decodeLease(key, value)
    if (this.byId.has(lease.id)) throw damaged('a lease is stored twice')
    this.byId.set(lease.id, lease)
    this.heap.add(lease)
    addHash(this.sum, lease.hash)
  }

  /** Once keys are loaded, too: every lease that a key names must be there. Throws `StateDamaged`. */
  finishLoad(counter: number): void {
    for (const id of this.state.leaseKeys.leases()) if (!this.byId.has(id)) throw damaged(`lease ${id} is missing`)
    this.counter = counter
  }

  private end(lease: Lease): number {
    const { state } = this
    this.forget(lease.id)
    const keys = state.leaseKeys.sorted(lease.id)
    if (keys.length === 0) return 0
    const revision = state.revision + 1
    for (const [position, key] of keys.entries()) {
      const entry = state.index.get(key)
      if (entry !== undefined) state.remove(entry, revision, position)
      if (isReserved(key)) this.ended?.removed(key)
    }
    state.revision = revision
    return keys.length
  }

  private touch(lease: Lease): void {
    if (!lease.isStale) {
      lease.isStale = true
      this.stale.push(lease)
    }
    if (!lease.isDirty) {
      lease.isDirty = true
      this.dirty.push(lease)
      this.dirtyBytes += recordBytes
    }
  }
}

/** The error of a grant under an id that is taken. */
export function leaseExists(id: number): NitroError {
  return new NitroError('LeaseExists', `lease ${id} exists`, { details: { lease: id } })
}

function tooMany(name: 'leases' | 'leaseKeys', limit: number): NitroError {
  return new NitroError('LimitExceeded', `${name}: at most ${limit}`, { details: { name, limit } })
}
