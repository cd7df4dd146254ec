/** What everything here stands on: an engine, sessions, and the world as ports. */
import type { AsyncContext, Clock, Random, Scheduler } from '../../base/index.ts'
import type { Engine, OpenSession } from '../api/index.ts'

/** Given by the node or client whose interface it is. */
export interface SyncPorts {
  readonly engine: Engine
  readonly session: OpenSession
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
  readonly context: AsyncContext
  /** How much of a time of the cluster has surely not passed there, by the clock here. */
  readonly holderMs: (ms: number) => number
}
