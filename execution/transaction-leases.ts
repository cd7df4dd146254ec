/** The leases as a transaction changes them: held back like its other changes, until it is committed. */
import { NitroError } from '../base/index.ts'
import type { ByteWriter } from '../base/index.ts'
import { leaseExists } from './leases.ts'
import type { Leases } from './leases.ts'
import type { MachineLimits } from './limits.ts'
import type { LeaseInfo, LeaseTransaction } from './program.ts'

/** What the keys of a lease have to do with it. */
export interface LeaseOwner {
  /** Throws when the transaction has ended. */
  mustBeOpen(): void
  /** Deletes every key that is attached to the lease, as part of the transaction. */
  deleteKeysOf(lease: number): void
}

/** Pending changes over the machine's leases. */
export class TransactionLeases implements LeaseTransaction {
  private readonly leases: Leases
  private readonly limits: MachineLimits
  private readonly owner: LeaseOwner
  private readonly granted = new Map<number, number>()
  private readonly renewed = new Set<number>()
  private readonly ended = new Set<number>()
  private counter: number

  constructor(leases: Leases, limits: MachineLimits, owner: LeaseOwner) {
    this.leases = leases
    this.limits = limits
    this.owner = owner
    this.counter = leases.counter
  }

  get(id: number): LeaseInfo | undefined {
    this.owner.mustBeOpen()
    const ttlMs = this.granted.get(id)
    if (ttlMs !== undefined) return { id, ttlMs, remainingMs: ttlMs }
    const lease = this.ended.has(id) ? undefined : this.leases.find(id)
    if (lease === undefined) return undefined
    const remainingMs = this.renewed.has(id) ? lease.ttlMs : lease.deadline - this.leases.logTime
    return { id, ttlMs: lease.ttlMs, remainingMs }
  }

  grant(ttlMs: number, id = 0): number {
    if (!Number.isSafeInteger(id) || id < 0) throw new NitroError('InvalidArgument', `a lease can't have the id ${id}`)
    const granted = this.leases.ttlOf(ttlMs)
    if (id !== 0 && this.get(id) !== undefined) throw leaseExists(id)
    this.owner.mustBeOpen()
    if (id !== 0 && this.leases.has(id) && !this.ended.has(id)) this.end(id)
    if (this.leases.count + this.granted.size - this.ended.size >= this.limits.leases) throw full(this.limits.leases)
    const chosen = id === 0 ? this.choose() : id
    this.granted.set(chosen, granted)
    return chosen
  }

  revoke(id: number): void {
    this.known(id)
    if (this.granted.has(id)) this.owner.deleteKeysOf(id)
    else this.end(id)
    this.granted.delete(id)
  }

  keepAlive(id: number): void {
    this.known(id)
    if (!this.granted.has(id)) this.renewed.add(id)
  }

  /** Throws `LeaseNotFound` for a lease that this transaction doesn't see. */
  known(id: number): void {
    if (this.get(id) === undefined) throw new NitroError('LeaseNotFound', `no lease ${id}`, { details: { lease: id } })
  }

  /** Whether the lease is of this transaction, so that no stored key is attached to it. */
  isNew(id: number): boolean {
    return this.granted.has(id)
  }

  /** Makes the changes real; those of keys come after. */
  commit(): void {
    const { leases } = this
    for (const id of this.ended) leases.forget(id)
    for (const [id, ttlMs] of this.granted) leases.grant(id, ttlMs)
    for (const id of this.renewed) if (!this.ended.has(id)) leases.keepAlive(id)
    leases.counter = this.counter
  }

  /** Writes what {@link commit} would do, in an order that does not depend on how it came about. */
  describe(writer: ByteWriter): void {
    const rising = (ids: Iterable<number>): number[] => [...ids].sort((a, b) => a - b)
    for (const ids of [rising(this.ended), rising(this.granted.keys()), rising(this.renewed)]) {
      writer.uint(ids.length)
      for (const id of ids) {
        writer.uint(id)
        writer.uint(this.granted.get(id) ?? 0)
      }
    }
    writer.uint(this.counter)
  }

  private end(id: number): void {
    this.owner.deleteKeysOf(id)
    this.ended.add(id)
    this.renewed.delete(id)
  }

  private choose(): number {
    this.counter = this.leases.nextId(this.counter, (id) => this.granted.has(id))
    return this.counter
  }
}

function full(limit: number): NitroError {
  return new NitroError('LimitExceeded', `leases: at most ${limit}`, { details: { name: 'leases', limit } })
}
