/** The cluster as operators see it: status, members, leadership, snapshots. */
import type { RequestOptions } from './engine.ts'

/** The part a node plays now. */
export type Role = 'leader' | 'follower' | 'candidate' | 'learner' | 'bootstrapping' | 'joining' | 'stopped'

/** One member of the configuration. */
export interface MemberInfo {
  readonly name: string
  /** Assigned by the log, never reused. */
  readonly id: number
  /** `host:port` other members and clients reach it under. */
  readonly address: string
  /** 32 hexadecimal digits; empty while no process has claimed the place. */
  readonly incarnation: string
  readonly role: 'voter' | 'learner' | 'leaving'
  /** As the answering node sees it. */
  readonly connected: boolean
  readonly leader: boolean
  /** Log position the leader knows it to have; undefined when the answering node does not lead. */
  readonly match: number | undefined
}

/** Facts of one node, all cheap to get. */
export interface NodeStatus {
  readonly name: string
  readonly id: number
  readonly role: Role
  readonly version: string
  /** 64 hexadecimal digits; empty before the cluster has formed. */
  readonly clusterId: string
  readonly incarnation: string
  readonly address: string
  readonly term: number
  /** Name of the leader this node follows; empty when it knows none. */
  readonly leader: string
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly durableAppliedIndex: number
  readonly firstIndex: number
  readonly lastIndex: number
  readonly revision: number
  readonly keys: number
  readonly sessions: number
  /** Programs and flags that are in force, as `bank 2` and `flag 1`. */
  readonly active: readonly string[]
  /** Those that this node can run: other members must have them, too, before they are in force. */
  readonly offered: readonly string[]
  /** 32 hexadecimal digits over the whole state at `appliedIndex`; empty in the middle of an entry. */
  readonly stateHash: string
  /** Bytes of log kept in memory and on disk. */
  readonly logBytes: number
  /** How late the last tick ran, and the worst of the last minute, in milliseconds. */
  readonly lateMs: number
  readonly worstLateMs: number
  readonly uptimeMs: number
  readonly ready: boolean
  /** What it waits for when it is not ready; empty otherwise. */
  readonly waiting: string
}

/** Where a node stands. */
export interface NodePosition {
  readonly id: number
  /** 0 when it knows no leader. */
  readonly leaderId: number
  readonly term: number
  readonly revision: number
}

/** Options of {@link Admin.addMember}. */
export interface AddMemberOptions extends RequestOptions {
  /** It stays a learner until it is promoted by hand. */
  readonly learner?: boolean | undefined
}

/** State hash at one log index. */
export interface HashInfo {
  readonly name: string
  readonly index: number
  readonly revision: number
  readonly hash: string
}

/** Operations on the cluster. Changes go through the leader, wherever they are asked. */
export interface Admin {
  /** Facts of the node that answers. */
  status(options?: RequestOptions): Promise<NodeStatus>
  members(options?: RequestOptions): Promise<readonly MemberInfo[]>
  /** Reserves a learner's place for a process that will `join` under this name. Throws `MemberExists`. */
  addMember(name: string, address: string, options?: AddMemberOptions): Promise<void>
  /** Makes a learner that has caught up a voter. Throws `MemberUnknown`, `LearnerNotReady`. */
  promoteMember(name: string, options?: RequestOptions): Promise<void>
  /** Other members and clients reach it under this address from now on. Throws `MemberUnknown`, `InvalidArgument`. */
  updateMember(name: string, address: string, options?: RequestOptions): Promise<void>
  /** Takes a member out. Throws `MemberUnknown`, `UnsafeMembershipChange`. */
  removeMember(name: string, options?: RequestOptions): Promise<void>
  /** Takes the old process of this name out and reserves its place for a new one, in one change. */
  replaceMember(name: string, address?: string, options?: RequestOptions): Promise<void>
  /** Hands leadership to `to`, or to the member that is furthest. Resolves with the new leader's name. */
  transferLeadership(to?: string, options?: RequestOptions): Promise<string>
  hash(options?: RequestOptions): Promise<HashInfo>
  /** The answering node's state as a stream of snapshot chunks. */
  snapshot(options?: RequestOptions): AsyncIterable<Uint8Array>
}
