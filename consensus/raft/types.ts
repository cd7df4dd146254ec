/**
 * The nouns of Raft: ids, entries, hard state, configuration, snapshot.
 *
 * Ids, indexes and terms are safe non-negative integers. 0 is "none": no node has id 0, the log starts at index 1, and
 * a node that has never heard of an election is at term 0.
 */
import { emptyBytes } from '../../base/index.ts'

/** A member of the group; never 0, never reused by the layer above. */
export type NodeId = number

/** A position in the log; the first entry has index 1. */
export type Index = number

/** An election period; grows by at least one with every election. */
export type Term = number

/** "No node": no leader known, no vote cast. */
export const none: NodeId = 0

/** Address of the local log writer in asynchronous mode; never a node and never on the wire. */
export const localAppendThread: NodeId = Number.MAX_SAFE_INTEGER

/** Address of the local state machine in asynchronous mode; never a node and never on the wire. */
export const localApplyThread: NodeId = Number.MAX_SAFE_INTEGER - 1

/** Stands for "no limit" wherever a size in bytes or a count is asked for. */
export const noLimit: number = Number.MAX_SAFE_INTEGER

/** Whether an id addresses one of this node's own storage threads. */
export function isLocalTarget(id: NodeId): boolean {
  return id === localAppendThread || id === localApplyThread
}

/** An id as log lines show it: hexadecimal, as in etcd. */
export function hex(id: NodeId): string {
  return id.toString(16)
}

/** What an entry's bytes mean: the state machine's own, or a configuration change of either form. */
export type EntryType = 'normal' | 'confChange' | 'confChangeV2'

/** One slot of the log. `data` may be a view into a larger buffer; nobody changes it. */
export interface Entry {
  readonly term: Term
  readonly index: Index
  readonly type: EntryType
  readonly data: Uint8Array
}

/** The shared empty list of entries, so that messages without any do not allocate. */
export const noEntries: readonly Entry[] = Object.freeze([])

/** What must be durable before a vote or an acknowledgement leaves this node (Raft paper, figure 2). */
export interface HardState {
  readonly term: Term
  readonly vote: NodeId
  readonly commit: Index
}

/** A hard state that was never written. */
export const emptyHardState: HardState = Object.freeze({ term: 0, vote: none, commit: 0 })

/** True when nothing was ever persisted. */
export function isEmptyHardState(state: HardState): boolean {
  return state.term === 0 && state.vote === none && state.commit === 0
}

/** True when two hard states say the same. */
export function equalHardState(a: HardState, b: HardState): boolean {
  return a.term === b.term && a.vote === b.vote && a.commit === b.commit
}

/** Where a node stands in the election. */
export type Role = 'follower' | 'candidate' | 'leader' | 'preCandidate'

/** Volatile facts the application may want to react to. */
export interface SoftState {
  readonly lead: NodeId
  readonly role: Role
}

/**
 * The membership at one point of the log. Lists are sorted by id. The configuration is joint iff `votersOutgoing` is not
 * empty; then a decision needs a majority of both voter lists (Raft dissertation, 4.3).
 */
export interface ConfState {
  readonly voters: readonly NodeId[]
  readonly learners: readonly NodeId[]
  readonly votersOutgoing: readonly NodeId[]
  /** Outgoing voters that turn into learners when the joint configuration is left. */
  readonly learnersNext: readonly NodeId[]
  /** Whether the leader leaves the joint configuration by itself as soon as it can. */
  readonly autoLeave: boolean
}

/** A group without members. */
export const emptyConfState: ConfState = Object.freeze({
  voters: Object.freeze([]),
  learners: Object.freeze([]),
  votersOutgoing: Object.freeze([]),
  learnersNext: Object.freeze([]),
  autoLeave: false,
})

/** The log position a snapshot stands for, and the membership there. */
export interface SnapshotMeta {
  readonly index: Index
  readonly term: Term
  readonly confState: ConfState
}

/** A snapshot as the core sees it: `data` is opaque, it may be the state or only a name for it. */
export interface Snapshot {
  readonly meta: SnapshotMeta
  readonly data: Uint8Array
}

/** The snapshot of nothing. */
export const emptySnapshot: Snapshot = Object.freeze({
  meta: Object.freeze({ index: 0, term: 0, confState: emptyConfState }),
  data: emptyBytes,
})

/** True for a snapshot of nothing. */
export function isEmptySnapshot(snapshot: Snapshot): boolean {
  return snapshot.meta.index === 0
}

/** The answer to a `readIndex`: once the state machine has applied `index`, the read of `context` may be served. */
export interface ReadState {
  readonly index: Index
  readonly context: Uint8Array
}

function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++
  return length
}

/** The size of an entry as the limits on messages and on applying count it: header and payload, in bytes. */
export function entrySize(entry: Entry): number {
  const payload = entry.data.length
  const header = 4 + varintLength(entry.term) + varintLength(entry.index)
  return payload === 0 ? header : header + 1 + varintLength(payload) + payload
}

/** Sum of {@link entrySize}. */
export function entriesSize(entries: readonly Entry[]): number {
  let size = 0
  for (let i = 0; i < entries.length; i++) size += entrySize(entries[i] as Entry)
  return size
}

/** Sum of the payloads alone, in bytes. An empty entry counts nothing, so a new leader's first entry always fits. */
export function payloadsSize(entries: readonly Entry[]): number {
  let size = 0
  for (let i = 0; i < entries.length; i++) size += (entries[i] as Entry).data.length
  return size
}

/** How many leading entries fit into `maxSize` bytes; at least one if there is one. */
export function countWithin(entries: readonly Entry[], maxSize: number): number {
  if (entries.length === 0) return 0
  let size = entrySize(entries[0] as Entry)
  let count = 1
  while (count < entries.length) {
    size += entrySize(entries[count] as Entry)
    if (size > maxSize) break
    count++
  }
  return count
}
