/**
 * Items that are shared out among the members of a group.
 *
 * Each member holds a shared grant on the group, so all see who is in, and find the same shares. An item is a lock of its own:
 * whatever members think of the shares meanwhile, it is held by one at most. A member that is to give an item up aborts the work on
 * it, waits until that has ended or its grace is over, and unlocks; who is to have it waits in the lock's queue.
 */
import { NitroError, isNitroError } from '../../base/index.ts'
import type { AssignOptions, Assignment, OwnedItem } from '../api/index.ts'
import { onAbort } from './aborts.ts'
import type { Acquirer } from './acquire.ts'
import { followEntries, pause } from './entries.ts'
import type { Grant } from './grant.ts'
import { isWithin, runWithin } from './reentrancy.ts'
import { groupResource } from './names.ts'
import { sharesOf } from './shares.ts'
import { tell } from './tell.ts'

const retryMs = 1_000
const graceDefaultMs = 10_000

/** What all items of a member share. */
interface Job {
  readonly acquirer: Acquirer
  readonly options: AssignOptions
  readonly work: (item: OwnedItem) => unknown
  /** Whose code the work is. */
  readonly member: GroupMember
}

/** One member. */
export class GroupMember implements Assignment {
  private readonly job: Job
  private readonly leaving = new AbortController()
  private readonly items = new Map<string, ItemKeeper>()
  private readonly done: Promise<void>
  private readonly detach: () => void

  constructor(acquirer: Acquirer, options: AssignOptions, work: (item: OwnedItem) => unknown) {
    this.job = { acquirer, options, work, member: this }
    const { signal } = options
    this.detach = onAbort(signal, () => void this.leave())
    if (signal?.aborted === true) this.leaving.abort(signal.reason)
    this.done = this.takePart()
  }

  get owned(): readonly string[] {
    return [...this.items].flatMap(([item, keeper]) => (keeper.isOwned ? [item] : [])).sort()
  }

  leave(): Promise<void> {
    this.detach()
    this.leaving.abort()
    // Work that has its own member leave can't wait for its own end.
    return isWithin(this.job.acquirer.ports.context, this) ? Promise.resolve() : this.done
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }

  private async takePart(): Promise<void> {
    const { acquirer, options } = this.job
    const { signal } = this.leaving
    const resource = groupResource(options.group, '', options.namespace)
    while (!signal.aborted) {
      let grant: Grant | undefined
      try {
        const { ttl, label } = options
        grant = await acquirer.acquire({ resource, mode: 'shared', capacity: 0 }, { ttl, label, signal })
        if (grant !== undefined) await this.keepUp(grant)
      } catch (error) {
        if (signal.aborted) break
        tell(options.onError, error)
        if (isNitroError(error, 'Closed')) break
        await pause(acquirer.ports.scheduler, retryMs, signal)
      } finally {
        await this.giveUp(grant)
      }
    }
  }

  /** The others hear of it first, and queue for the items while the work on them ends. */
  private async giveUp(grant: Grant | undefined): Promise<void> {
    const ends = [...this.items.keys()].map((item) => this.drop(item))
    await grant?.[Symbol.asyncDispose]()
    await Promise.all(ends)
  }

  /** Takes and gives items as members come and go. Rejects when the membership is lost, or on leaving. */
  private async keepUp(grant: Grant): Promise<void> {
    const { acquirer, options } = this.job
    const either = new AbortController()
    const abort = (): void => either.abort(new NitroError('LockLost', 'the membership is over'))
    for (const signal of [grant.signal, this.leaving.signal]) signal.addEventListener('abort', abort)
    if (grant.signal.aborted || this.leaving.signal.aborted) abort()
    try {
      await followEntries(acquirer.ports, grant.resource, either.signal, (entries) => {
        const members = [...entries].flatMap(([sequence, { token }]) => (token > 0 ? [sequence] : []))
        this.apply(sharesOf(members, options.items).get(grant.sequence) ?? new Set())
        return false
      })
    } finally {
      for (const signal of [grant.signal, this.leaving.signal]) signal.removeEventListener('abort', abort)
    }
  }

  private apply(share: ReadonlySet<string>): void {
    for (const item of this.items.keys()) if (!share.has(item)) void this.drop(item)
    for (const item of share) {
      if (this.items.get(item)?.isEnding === false) continue
      const before = this.items.get(item)?.stop()
      this.items.set(item, new ItemKeeper(this.job, item, before))
    }
  }

  private async drop(item: string): Promise<void> {
    const keeper = this.items.get(item)
    await keeper?.stop()
    if (this.items.get(item) === keeper) this.items.delete(item)
  }
}

/** One item, from being wanted to being given up. */
class ItemKeeper {
  private readonly job: Job
  private readonly item: string
  private readonly stopping = new AbortController()
  private readonly done: Promise<void>
  private grant: Grant | undefined

  constructor(job: Job, item: string, before: Promise<void> | undefined) {
    this.job = job
    this.item = item
    this.done = this.keep(before)
  }

  get isOwned(): boolean {
    const state = this.grant?.state
    return state === 'held' || state === 'uncertain'
  }

  get isEnding(): boolean {
    return this.stopping.signal.aborted
  }

  stop(): Promise<void> {
    this.stopping.abort(new NitroError('NotHeld', `${this.item} goes to another member`))
    return this.done
  }

  private async keep(before: Promise<void> | undefined): Promise<void> {
    await before
    const { acquirer, options } = this.job
    const { signal } = this.stopping
    const resource = groupResource(options.group, this.item, options.namespace)
    while (!signal.aborted) {
      try {
        const { ttl, label } = options
        this.grant = await acquirer.acquire({ resource, mode: 'exclusive', capacity: 1 }, { ttl, label, signal })
        if (this.grant !== undefined) await this.workUnder(this.grant)
      } catch (error) {
        if (signal.aborted) break
        tell(options.onError, error)
        if (isNitroError(error, 'Closed')) break
        await pause(acquirer.ports.scheduler, retryMs, signal)
      } finally {
        await this.grant?.[Symbol.asyncDispose]()
        this.grant = undefined
      }
    }
  }

  /** Resolves when the item is lost, or given up and its work ended or out of grace. */
  private async workUnder(grant: Grant): Promise<void> {
    const { acquirer, options, work, member } = this.job
    const { scheduler } = acquirer.ports
    const either = new AbortController()
    const lost = (): void => either.abort(grant.signal.reason)
    const stopped = (): void => either.abort(this.stopping.signal.reason)
    grant.signal.addEventListener('abort', lost)
    this.stopping.signal.addEventListener('abort', stopped)
    if (this.stopping.signal.aborted) stopped()
    const over = new Promise<void>((resolve) => either.signal.addEventListener('abort', () => resolve()))
    const owned: OwnedItem = {
      ...{ item: this.item, token: grant.token, signal: either.signal },
      throwIfLost: () => grant.throwIfLost(),
      guard: () => grant.guard(),
    }
    // Work that fails is begun again; work that ends is done, and the item is kept.
    const working = (async () => {
      while (!either.signal.aborted) {
        try {
          await runWithin(acquirer.ports.context, member, async () => work(owned))
          return
        } catch (error) {
          if (either.signal.aborted) return
          tell(options.onError, error)
        }
        await pause(scheduler, retryMs, either.signal)
      }
    })()
    if (!either.signal.aborted) await over
    const grace = new AbortController()
    await Promise.race([working, pause(scheduler, options.grace ?? graceDefaultMs, grace.signal)])
    grace.abort()
    grant.signal.removeEventListener('abort', lost)
    this.stopping.signal.removeEventListener('abort', stopped)
  }
}
