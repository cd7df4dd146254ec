/** The plain interface: names in, tokens out. In memory it serves one process; given a cluster's `sync`, the whole cluster. */
import { NitroError } from '../../base/index.ts'
import type { BytesLike, Hold, PlainLeader, PlainLockOptions, PlainSync, PlainUnlockOptions } from '../api/index.ts'
import { MemoryLocks } from './memory-locks.ts'
import type { Grants } from './memory-locks.ts'
import { namespaceBytes } from './names.ts'
import { checkFunction, checkOptions } from './options.ts'

/** Options of {@link plainSync}. */
export interface PlainSyncOptions {
  /** The `sync` of a node or client. Default: none, everything is in the memory of this object. */
  readonly cluster?: Grants | undefined
  /** Keeps applications apart that share a cluster. */
  readonly namespace?: BytesLike | undefined
}

/**
 * Makes the plain interface: in memory, or over a cluster. An application starts with one and goes on with the other. Throws
 * `InvalidArgument`, `KeyTooLarge`.
 */
export function plainSync(options: PlainSyncOptions = {}): PlainSync {
  checkOptions(options)
  const { cluster, namespace } = options
  namespaceBytes(namespace)
  if (cluster === undefined) return new HeldByName(new MemoryLocks(), namespace)
  checkOptions(cluster)
  for (const verb of ['lock', 'leader']) checkFunction(Reflect.get(cluster, verb), `cluster.${verb}`)
  return new HeldByName(cluster, namespace)
}

class HeldByName implements PlainSync {
  private readonly grants: Grants
  private readonly namespace: BytesLike | undefined
  private readonly held = new Map<string, Hold & { unlock(): Promise<void> }>()

  constructor(grants: Grants, namespace: BytesLike | undefined) {
    this.grants = grants
    this.namespace = namespace
  }

  async lock(id: string, options: PlainLockOptions = {}): Promise<number> {
    checkOptions(options)
    const lock = await this.grants.lock(id, { ...options, namespace: this.namespace })
    this.held.set(id, lock)
    const gone = (): void => {
      if (this.held.get(id) === lock) this.held.delete(id)
    }
    lock.signal.addEventListener('abort', gone)
    if (lock.signal.aborted) gone()
    return lock.token
  }

  async unlock(id: string, options: PlainUnlockOptions = {}): Promise<void> {
    checkOptions(options)
    const { token } = options
    const lock = this.held.get(id)
    if (lock === undefined) throw new NitroError('NotHeld', `${id} is not locked by this object`)
    if (token !== undefined && token !== lock.token) {
      throw new NitroError('NotHeld', `${id} is no longer locked under token ${token}`, { details: { token } })
    }
    await lock.unlock()
  }

  async leader(id: string, options: PlainLockOptions = {}): Promise<PlainLeader> {
    checkOptions(options)
    const leader = await this.grants.leader(id, { ...options, namespace: this.namespace })
    const resign = async (): Promise<void> => {
      leader.throwIfLost()
      await leader.resign()
    }
    return { id, token: leader.token, signal: leader.signal, resign }
  }
}
