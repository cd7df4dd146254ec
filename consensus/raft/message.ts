/**
 * Messages between the cores of a group, and between a core and its own storage threads.
 *
 * One flat shape serves all types, so that the engine sees a single hidden class; which fields mean something is told
 * per type below. Fields that mean nothing are zero or empty. A message is built inside the core and never changed after
 * it has left it.
 */
import { emptyBytes } from '../../base/index.ts'
import { none, noEntries } from './types.ts'
import type { Entry, Index, NodeId, Snapshot, Term } from './types.ts'

/**
 * Every message type.
 *
 * - `MsgHup`, `MsgBeat`, `MsgCheckQuorum`: a node to itself when a timer ran out
 * - `MsgProp`: entries without index and term, towards the leader
 * - `MsgApp` / `MsgAppResp`: log replication. The request holds the entry before (`index`, `logTerm`), `entries` and
 *   `commit`; a refusal holds the refused `index` and the follower's guess where logs agree (`rejectHint`, `logTerm`)
 * - `MsgVote` / `MsgPreVote` and their responses: elections; requests hold the candidate's last `index` and `logTerm`
 * - `MsgSnap`: a snapshot in place of entries that are gone
 * - `MsgHeartbeat` / `MsgHeartbeatResp`: `round` is echoed and proves leadership at the time the round began
 * - `MsgReadIndex` / `MsgReadIndexResp`: a read waiting for a safe index, `context` names it
 * - `MsgTransferLeader`: from the wanted leader, to the present one; `MsgTimeoutNow`: campaign at once
 * - `MsgForgetLeader`, `MsgUnreachable`, `MsgSnapStatus`: the driver's reports to its own core
 * - `MsgStorageAppend` and so on: the asynchronous storage protocol, see `rawnode.ts`
 */
export const messageTypes = [
  'MsgHup',
  'MsgBeat',
  'MsgProp',
  'MsgApp',
  'MsgAppResp',
  'MsgVote',
  'MsgVoteResp',
  'MsgSnap',
  'MsgHeartbeat',
  'MsgHeartbeatResp',
  'MsgUnreachable',
  'MsgSnapStatus',
  'MsgCheckQuorum',
  'MsgTransferLeader',
  'MsgTimeoutNow',
  'MsgReadIndex',
  'MsgReadIndexResp',
  'MsgPreVote',
  'MsgPreVoteResp',
  'MsgStorageAppend',
  'MsgStorageAppendResp',
  'MsgStorageApply',
  'MsgStorageApplyResp',
  'MsgForgetLeader',
] as const

/** The name of a message type. */
export type MessageType = (typeof messageTypes)[number]

/** A message; see {@link messageTypes} for what each type uses. */
export interface Message {
  type: MessageType
  to: NodeId
  from: NodeId
  /** The sender's term, or the term it campaigns for; 0 marks a message that is local or forwarded. */
  term: Term
  logTerm: Term
  index: Index
  entries: readonly Entry[]
  commit: Index
  /** Only in `MsgStorageAppend`: the vote to persist. */
  vote: NodeId
  snapshot: Snapshot | undefined
  reject: boolean
  rejectHint: Index
  /** Heartbeats: number of the round, growing within a term. `MsgTimeoutNow`: the round at which it was sent. */
  round: number
  /** Vote requests of a leadership transfer: the voter shall not protect the present leader. */
  force: boolean
  /** Reads: the caller's name of the request. */
  context: Uint8Array
  /** Storage messages: what to deliver once the write is done. */
  responses: readonly Message[]
}

/** The shared empty list of messages. */
const noMessages: readonly Message[] = Object.freeze([])

/** A message of one type with nothing filled in. */
export function newMessage(type: MessageType, to: NodeId = none): Message {
  return {
    type,
    to,
    from: none,
    term: 0,
    logTerm: 0,
    index: 0,
    entries: noEntries,
    commit: 0,
    vote: none,
    snapshot: undefined,
    reject: false,
    rejectHint: 0,
    round: 0,
    force: false,
    context: emptyBytes,
    responses: noMessages,
  }
}

/** Types that only the node itself or its storage threads may send; refused when they come from another node. */
export const localTypes: ReadonlySet<MessageType> = new Set<MessageType>([
  'MsgHup',
  'MsgBeat',
  'MsgUnreachable',
  'MsgSnapStatus',
  'MsgCheckQuorum',
  'MsgForgetLeader',
  'MsgStorageAppend',
  'MsgStorageAppendResp',
  'MsgStorageApply',
  'MsgStorageApplyResp',
])

/** Types that answer something; they only count when they come from a tracked peer. */
export const responseTypes: ReadonlySet<MessageType> = new Set<MessageType>([
  'MsgAppResp',
  'MsgVoteResp',
  'MsgHeartbeatResp',
  'MsgUnreachable',
  'MsgReadIndexResp',
  'MsgPreVoteResp',
  'MsgStorageAppendResp',
  'MsgStorageApplyResp',
])

/** True for `MsgVote` and `MsgPreVote`. */
export function isVoteRequest(type: MessageType): boolean {
  return type === 'MsgVote' || type === 'MsgPreVote'
}

/** The type of the answer to a vote request. */
export function voteResponseType(type: MessageType): MessageType {
  return type === 'MsgPreVote' ? 'MsgPreVoteResp' : 'MsgVoteResp'
}
