/**
 * Who holds what, and who is next.
 *
 * An acquisition is a key (entry.ts) that lives as long as its session's lease; everything here is derived from those keys. The
 * queue of a resource is in the order of arrival, and only its head is ever granted, so nobody overtakes: a writer that waits
 * holds back the readers behind it. Every grant takes a revision of its own, which is its token.
 *
 * A grant is over when it is released, when its lease is over, or when it was held for as long as it may be; the last two by log time,
 * whether swept already or not. After every command and every sweep no resource is free for the one at the head of its queue.
 */
import { concatBytes, fromLatin1, isNitroError, latin1 } from '../../base/index.ts'
import { DeadlineHeap } from '../deadline-heap.ts'
import type { EndedKeys, Leases } from '../leases.ts'
import { damaged } from '../record.ts'
import type { State } from '../state.ts'
import type { Grant } from '../txn.ts'
import { decodeSyncEntry, encodeSyncEntry } from './entry.ts'
import type { SyncEntry } from './entry.ts'
import { decodeSyncKey, entryName, resourceName } from './key.ts'
import { Entry, Resource } from './resource.ts'

/** What an entry is made of. */
export interface NewEntry {
  readonly resource: string
  readonly capacity: number
  readonly lease: number
  readonly content: Omit<SyncEntry, 'token' | 'sinceMs' | 'deadline' | 'capacity'>
}

/** Every acquisition of a machine. */
export class Sync implements EndedKeys {
  /** The wall time of the entry being applied. */
  wallTime = 0
  readonly resources = new Map<string, Resource>()
  private readonly state: State
  private readonly leases: Leases
  private readonly byKey = new Map<string, Entry>()
  private readonly byAcquireId = new Map<string, Entry>()
  private readonly heap = new DeadlineHeap<Entry>()
  /** What has lost an entry and was not looked at since. */
  private readonly touched = new Set<Resource>()

  constructor(state: State, leases: Leases) {
    this.state = state
    this.leases = leases
    leases.ended = this
  }

  /** The earliest log time at which something will have been held too long. */
  get nextDeadline(): number | undefined {
    return this.heap.first?.deadline
  }

  /** The holder that a grant speaks of, if it still is one. */
  holder(grant: Grant): Entry | undefined {
    const entry = this.resources.get(resourceName(grant))?.holders.get(grant.token)
    return entry !== undefined && this.isLive(entry) ? entry : undefined
  }

  /** The acquisition of this id. */
  find(acquireId: string): Entry | undefined {
    return this.byAcquireId.get(acquireId)
  }

  /** Whether an entry counts: its lease is there, and its time is not up. */
  isLive({ lease, deadline }: Entry): boolean {
    return this.leases.find(lease) !== undefined && (deadline === 0 || deadline > this.leases.logTime)
  }

  /** The resource without what is over; undefined when nobody holds it or waits. */
  current(name: string): Resource | undefined {
    const resource = this.resources.get(name)
    if (resource !== undefined) this.advance(resource)
    return this.resources.get(name)
  }

  /** Grants at once, or enqueues. The resource must be current; limits have been checked. */
  add({ resource: name, capacity, lease, content }: NewEntry): Entry {
    const { state } = this
    const resource = this.resources.get(name) ?? new Resource(name, capacity)
    this.resources.set(name, resource)
    const revision = state.revision + 1
    const entry = this.entryOf(resource, revision, entryName(name, revision), lease, content)
    const isFree = resource.waiting === 0 && resource.admits(entry.isExclusive)
    if (isFree) this.hold(entry, revision)
    else resource.enqueue(entry)
    const { token, deadline } = entry
    this.write(entry, { ...content, capacity, token, deadline, sinceMs: this.wallTime }, revision)
    return entry
  }

  /** Takes an entry out and deletes its key in a revision of its own, which is returned; what became free is granted. */
  end(entry: Entry): number {
    const revision = this.take(entry)
    this.settle()
    return revision
  }

  /** Ends the grant that has been held too long first; {@link settle} comes later. Returns how many keys it had: one. */
  endFirst(): number {
    if (this.heap.first !== undefined) this.take(this.heap.first)
    return 1
  }

  /** Replaces what a holder proclaims. Returns the revision. Throws `StateDamaged`. */
  proclaim(entry: Entry, value: Uint8Array): number {
    const revision = this.state.revision + 1
    this.write(entry, { ...this.contentOf(entry), value }, revision)
    return revision
  }

  /** What an entry's key says. Throws `StateDamaged`. */
  contentOf(entry: Entry): SyncEntry {
    return decodeSyncEntry(this.valueOf(entry))
  }

  /** The bytes of an entry's key, a view. Throws `StateDamaged`. */
  valueOf({ key }: Entry): Uint8Array {
    const known = this.state.index.get(key)
    if (known === undefined) throw damaged('an entry of the sync program has no key')
    return this.state.readValue(known)
  }

  removed(key: string): void {
    const entry = this.byKey.get(key)
    if (entry !== undefined) this.forget(entry)
  }

  settle(): void {
    for (const resource of this.touched) this.advance(resource)
    this.touched.clear()
  }

  /** Takes a stored entry in; they come in the order of keys. Throws `StateDamaged`. */
  load(key: string, value: Uint8Array, lease: number): void {
    const at = decodeSyncKey(fromLatin1(key))
    if (at === undefined) throw damaged('a sync entry under an impossible key')
    const content = storedEntry(value)
    const name = resourceName(at)
    const resource = this.resources.get(name) ?? new Resource(name, content.capacity)
    this.resources.set(name, resource)
    const entry = this.entryOf(resource, at.sequence, key, lease, content)
    if (content.token === 0) {
      resource.enqueue(entry)
      return
    }
    entry.token = content.token
    entry.deadline = content.deadline
    resource.holders.set(entry.token, entry)
    if (entry.deadline !== 0) this.heap.add(entry)
  }

  /** All stored entries are there: puts holders in the order of their tokens. */
  finishLoad(): void {
    for (const { holders } of this.resources.values()) {
      const sorted = [...holders.values()].sort((a, b) => a.token - b.token)
      holders.clear()
      for (const entry of sorted) holders.set(entry.token, entry)
    }
  }

  private entryOf(
    resource: Resource,
    sequence: number,
    key: string,
    lease: number,
    content: NewEntry['content'],
  ): Entry {
    const acquireId = latin1(content.acquireId)
    const isExclusive = content.mode === 'exclusive'
    const entry = new Entry(resource, sequence, key, { lease, acquireId, isExclusive, maxHoldMs: content.maxHoldMs })
    this.byKey.set(key, entry)
    this.byAcquireId.set(acquireId, entry)
    return entry
  }

  /** Takes out what is over, as far as it stands in somebody's way, and grants what is free, one by one. */
  private advance(resource: Resource): void {
    if (this.isAnythingDue) {
      for (const holder of [...resource.holders.values()]) if (!this.isLive(holder)) this.take(holder)
    }
    for (let first = resource.first; first !== undefined; first = resource.first) {
      if (!this.isLive(first)) this.take(first)
      else if (resource.admits(first.isExclusive)) this.grant(first)
      else break
    }
    this.touched.delete(resource)
  }

  private get isAnythingDue(): boolean {
    const { logTime, nextDeadline } = this.leases
    return (nextDeadline ?? logTime + 1) <= logTime || (this.nextDeadline ?? logTime + 1) <= logTime
  }

  private grant(entry: Entry): void {
    const revision = this.state.revision + 1
    const content = this.contentOf(entry)
    entry.resource.dequeue(entry)
    this.hold(entry, revision)
    const { token, deadline } = entry
    this.write(entry, { ...content, token, deadline, sinceMs: this.wallTime }, revision)
  }

  private hold(entry: Entry, revision: number): void {
    entry.token = revision
    entry.resource.holders.set(revision, entry)
    if (entry.maxHoldMs === 0) return
    entry.deadline = this.leases.logTime + entry.maxHoldMs
    this.heap.add(entry)
  }

  private write({ key, lease }: Entry, content: SyncEntry, revision: number): void {
    const { state } = this
    const value = encodeSyncEntry(content)
    state.put(key, concatBytes([fromLatin1(key), value]), 0, value.length, revision, 0, lease)
    state.revision = revision
  }

  private take(entry: Entry): number {
    const { state } = this
    const known = state.index.get(entry.key)
    if (known === undefined) throw damaged('an entry of the sync program has no key')
    const revision = state.revision + 1
    state.remove(known, revision, 0)
    state.revision = revision
    this.forget(entry)
    return revision
  }

  private forget(entry: Entry): void {
    const { resource, token } = entry
    this.byKey.delete(entry.key)
    this.byAcquireId.delete(entry.acquireId)
    if (entry.heapAt >= 0) this.heap.remove(entry)
    if (token === 0) resource.dequeue(entry)
    else resource.holders.delete(token)
    if (resource.isIdle) this.resources.delete(resource.name)
    this.touched.add(resource)
  }
}

function storedEntry(value: Uint8Array): SyncEntry {
  try {
    return decodeSyncEntry(value)
  } catch (thrown) {
    if (isNitroError(thrown, 'MalformedFrame')) throw damaged(`a sync entry: ${thrown.message}`)
    throw thrown
  }
}
