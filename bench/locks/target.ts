/** What locks of a cluster look like to the load, whoever made the cluster. */
import type { Member } from '../cluster/target.ts'

/** A lock that is held. */
export interface Held {
  readonly release: () => Promise<void>
}

/** Clients of a cluster, connected to its leader. */
export interface LockClients {
  /** Takes a free lock and gives it back, over connection number `at`. */
  readonly cycle: (at: number, name: string) => Promise<void>
  /** Waits in the queue of a lock for as long as it takes. */
  readonly queue: (at: number, name: string) => Promise<Held>
  readonly close: () => Promise<void>
}

/** A way of locking. */
export interface LockTarget {
  /** As it stands in the tables. */
  readonly name: string
  readonly members: readonly Member[]
  readonly open: (connections: number, ttlMs: number) => Promise<LockClients>
  /** Arguments after which this script holds a lock in a process of its own; undefined if it has no queue of its own. */
  readonly holderArgs: ((name: string, ttlMs: number) => Promise<readonly string[]>) | undefined
}
