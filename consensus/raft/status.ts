/**
 * What a node can tell about itself.
 */
import type { Raft } from './raft.ts'
import { leaseTrusted } from './read-index.ts'
import type { Configuration, ProgressMap } from './tracker.ts'
import type { HardState, Index, NodeId, Role } from './types.ts'

/** The cheap part of a status. */
export interface BasicStatus {
  readonly id: NodeId
  readonly hardState: HardState
  readonly lead: NodeId
  readonly role: Role
  readonly applied: Index
  readonly lastIndex: Index
  readonly firstIndex: Index
  /** The target of a running transfer, or 0. */
  readonly leadTransferee: NodeId
  /** Whether reads would be answered by lease at this moment. */
  readonly leaseTrusted: boolean
  /** Reads waiting for a heartbeat round, for the term's first commit or for the end of a transfer. */
  readonly readsWaiting: number
  /** Payload bytes of the leader's uncommitted tail, estimated. */
  readonly uncommittedSize: number
}

/** The whole status; `progress` is a copy, and empty unless this node leads. */
export interface Status extends BasicStatus {
  readonly config: Configuration
  readonly progress: ProgressMap
}

/** Allocates one object. */
export function basicStatusOf(raft: Raft): BasicStatus {
  return {
    id: raft.id,
    hardState: raft.hardState(),
    lead: raft.lead,
    role: raft.role,
    applied: raft.log.applied,
    lastIndex: raft.log.lastIndex(),
    firstIndex: raft.log.firstIndex(),
    leadTransferee: raft.leadTransferee,
    leaseTrusted: raft.config.readOnlyOption === 'leaseBased' && leaseTrusted(raft),
    readsWaiting: raft.reads.waiting + raft.heldReads.length,
    uncommittedSize: raft.uncommittedSize,
  }
}

/** Copies configuration and progress, too. */
export function statusOf(raft: Raft): Status {
  const progress: ProgressMap = new Map()
  if (raft.role === 'leader') for (const id of raft.tracker.ids) copyProgress(raft, id, progress)
  return { ...basicStatusOf(raft), config: raft.tracker.config, progress }
}

function copyProgress(raft: Raft, id: NodeId, into: ProgressMap): void {
  const progress = raft.tracker.progress.get(id)
  if (progress !== undefined) into.set(id, progress.clone())
}
