/**
 * Dots: the names of events. A replica numbers its operations 0, 1, 2, ... in each document; the pair of replica and number
 * is never used twice, so a replica restored from an old copy must come back under a new id.
 */
import { NitroError } from '../../base/index.ts'

/** Names one writer of a document: an integer of 32 bits, chosen by the caller, never shared by two processes. */
export type ReplicaId = number

/** One event. */
export interface Dot {
  readonly rid: ReplicaId
  /** 0-based. */
  readonly seq: number
}

/** The largest replica id. */
export const maxReplicaId = 0xffff_ffff

/** The largest number of events of one replica in one document: local versions are 32-bit integers. */
export const maxSeq = 0x7fff_fffe

/** Orders dots by replica, then by number; negative, zero or positive. */
export function compareDots(a: Dot, b: Dot): number {
  return a.rid - b.rid || a.seq - b.seq
}

/** Returns the id if it is one, and throws `InvalidArgument` otherwise. */
export function checkReplicaId(id: number): ReplicaId {
  if (Number.isInteger(id) && id >= 0 && id <= maxReplicaId) return id
  throw new NitroError('InvalidArgument', `a replica id is an integer from 0 to ${maxReplicaId}, not ${id}`)
}

/** What an operation had seen when it was made: its causal past, without itself. */
export interface Past {
  /** Whether the event lies in the past. */
  covers(rid: ReplicaId, seq: number): boolean
}
