/**
 * The queue under etcd's locks and elections, as its own clients keep it: a key for each that waits, `<name>/<lease in hexadecimal>`,
 * attached to its lease. Whoever's key was created first is first. So callers of these services, of etcdctl and of the Go
 * client all stand in one queue.
 */
import { concatBytes, utf8, isNitroError } from '../../../base/index.ts'
import { decodeTxnResult, encodeTxnArgs } from '../../../execution/codec.ts'
import type { Condition, KvEntry, Operation, TxnAnswer } from '../../../execution/codec.ts'
import type { EtcdNodeFor } from './backend.ts'
import type { CallContext } from './call.ts'
import { refuse } from './errors.ts'
import { prefixRange, writableKey } from './key-range.ts'
import { readRange } from './kv-range.ts'
import { leaseIdOf } from './lease-id.ts'
import { KeyDeletions } from './key-deletions.ts'

/** The life of a lease that a caller without one gets. It is not renewed. */
const sessionTtlMs = 60_000
const creditBytes = 64 << 10

/** A place in a queue. */
export interface Place {
  readonly key: Uint8Array
  /** The revision of the store that made it. */
  readonly revision: number
  readonly lease: number
  /** The record that was there already; undefined when the place is new. */
  readonly known: KvEntry | undefined
}

/** What a transaction answered, and the revision after it. */
export type Answered = TxnAnswer & { readonly revision: number }

/** The queue of one name. */
export class Queue {
  private readonly node: EtcdNodeFor
  private readonly prefix: Uint8Array

  /** Throws RpcError for a name that no key can begin with. */
  constructor(node: EtcdNodeFor, name: Uint8Array) {
    this.node = node
    this.prefix = concatBytes([name, utf8('/')])
    writableKey(this.prefix)
  }

  /** Takes a place, or the one that the lease has already. Throws RpcError, NitroError. */
  async enter(lease: number, value: Uint8Array, { timeoutMs }: CallContext): Promise<Place> {
    const id = lease === 0 ? await this.newLease(timeoutMs) : leaseIdOf(lease)
    const key = concatBytes([this.prefix, utf8(id.toString(16))])
    const put: Operation = {
      ...{ kind: 'put', key, value, lease: id },
      ...{ prevKv: false, ignoreValue: false, ignoreLease: false },
    }
    const get: Operation = { kind: 'range', request: { start: key } }
    const answer = await this.txn([createdAt(key, 0)], [put], [get], timeoutMs)
    if (answer.succeeded) return { key, revision: answer.revision, lease: id, known: undefined }
    const [found] = answer.answers
    const known = found?.kind === 'range' ? found.records[0] : undefined
    if (known === undefined) throw refuse('keyNotFound')
    return { key, revision: known.createRevision, lease: id, known }
  }

  private async newLease(timeoutMs: number): Promise<number> {
    const { id } = await this.node.leases.grant({ ttl: sessionTtlMs, timeoutMs })
    return id
  }

  /**
   * Waits until nobody stands before the place. Its owner may rely on it then as far as its lease goes. A wait that the caller gives
   * up gives a new place up, too. Throws RpcError, also when the place is lost while it waits.
   */
  async turn(place: Place, call: CallContext): Promise<void> {
    try {
      for (;;) {
        const before = await this.before(place)
        // Looked at last, so that whoever has nobody before it has its place, too.
        const still = await this.first({ start: place.key })
        if (still?.createRevision !== place.revision) throw refuse('leaseNotFound')
        if (before === undefined) return
        await this.deletion([before.key, place.key], before.at + 1, call.signal)
      }
    } catch (error) {
      if (place.known === undefined) await this.leave(place.key, place.revision).catch(() => undefined)
      throw error
    }
  }

  /** The key right before a place, and the revision at which it stood there. */
  private async before({ revision }: Place): Promise<{ readonly key: Uint8Array; readonly at: number } | undefined> {
    if (revision <= 1) return undefined
    const { records, revision: at } = await readRange(
      this.node.engine,
      { ...prefixRange(this.prefix), sort: 'create', reverse: true, limit: 1, maxCreateRevision: revision - 1 },
      {},
    )
    const [last] = records
    return last === undefined ? undefined : { key: last.key, at }
  }

  /** Waits until one of these keys is deleted at this revision or later. */
  private async deletion(keys: readonly Uint8Array[], from: number, signal: AbortSignal): Promise<void> {
    const deletions = new KeyDeletions(this.node.engine, keys, { from, creditBytes })
    try {
      await deletions.next(signal)
    } catch (error) {
      // What was to be seen is compacted away: the next look shows what is there now.
      if (!isNitroError(error, 'Compacted')) throw error
    } finally {
      deletions.close()
    }
  }

  /** The first in the queue. */
  owner(): Promise<KvEntry | undefined> {
    return this.first({ ...prefixRange(this.prefix), sort: 'create', limit: 1 })
  }

  private async first(request: Parameters<typeof readRange>[1]): Promise<KvEntry | undefined> {
    const { records } = await readRange(this.node.engine, request, {})
    return records[0]
  }

  /** Gives a place up, if it is still the one that was taken at this revision. */
  async leave(key: Uint8Array, revision: number): Promise<Answered> {
    return this.txn(
      [createdAt(key, revision)],
      [{ kind: 'delete', range: { start: key }, prevKv: false }],
      [],
      undefined,
    )
  }

  /** Runs a transaction. */
  async txn(
    conditions: readonly Condition[],
    success: readonly Operation[],
    failure: readonly Operation[],
    timeoutMs: number | undefined,
  ): Promise<Answered> {
    const args = encodeTxnArgs({ conditions, success, failure })
    return decodeTxnResult(await this.node.engine.command('kv', 'txn', args, { timeoutMs }))
  }
}

/** Holds while the key is the one that was created at this revision; 0: there is none. */
export function createdAt(key: Uint8Array, revision: number): Condition {
  return { target: 'create', range: { start: key }, relation: '=', number: revision }
}
