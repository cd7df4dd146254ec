/** What a group member is made of, and whom it tells. */
import type { BlockReader, Machine } from '../../execution/index.ts'
import type { DurableLog, StateDirectory } from '../storage/index.ts'
import type { DurablePosition } from './flusher.ts'
import type { Directory } from './directory.ts'
import type { Links } from './links.ts'
import type { MembershipCopy } from './membership-file.ts'
import type { ReplicaPorts, ReplicaSizes, ReplicaTiming } from './ports.ts'

/** Log, state and identity of a member, as the data directory gave them. */
export interface GroupParts {
  readonly raftId: number
  readonly log: DurableLog
  readonly state: StateDirectory
  /** Undefined while the state has to be fetched from a peer: then nothing is applied or served. */
  readonly machine: Machine | undefined
  /** Where applying begins: the machine's position, or the known one of the lost state. */
  readonly position: DurablePosition
}

/** What a group member needs beside its parts. */
export interface GroupOptions {
  readonly selfName: string
  readonly startId: Uint8Array
  readonly ports: ReplicaPorts
  readonly timing: ReplicaTiming
  readonly sizes: ReplicaSizes
  readonly links: Links
  /** Names and addresses, by the newest table known. */
  readonly directory: Directory
  /** An empty machine that reads its blocks through the function given. */
  readonly newMachine: (readBlock: BlockReader) => Machine
  readonly events: GroupEvents
}

/** What the group tells the replica. */
export interface GroupEvents {
  /** The member table changed; to be kept beside the state. */
  configured(copy: MembershipCopy): void
  /** Role, leader or readiness changed. */
  changed(): void
  /** The node can't go on. */
  fatal(error: unknown): void
}
