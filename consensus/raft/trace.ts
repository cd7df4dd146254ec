/**
 * Every step of the protocol as data, in the shape that the TLA+ trace specification of etcd/raft reads: an event name,
 * the acting node, its state after the event, and the message if there is one. Costs nothing unless `onTrace` is set.
 */
import type { Message } from './message.ts'
import type { Raft } from './raft.ts'
import type { Index, NodeId, Role, Term } from './types.ts'

/** One step of one node. */
export interface TraceEvent {
  readonly name: string
  readonly nid: NodeId
  readonly state: { readonly term: Term; readonly vote: NodeId; readonly commit: Index }
  readonly role: Role
  /** The last index of the log. */
  readonly log: Index
  /** Incoming and outgoing voters. */
  readonly conf: readonly [readonly NodeId[], readonly NodeId[]]
  readonly msg: TraceMessage | undefined
}

/** The facts of a message that a specification needs. */
export interface TraceMessage {
  readonly type: string
  readonly from: NodeId
  readonly to: NodeId
  readonly term: Term
  readonly logTerm: Term
  readonly index: Index
  readonly entries: number
  readonly commit: Index
  readonly vote: NodeId
  readonly reject: boolean
  readonly rejectHint: Index
}

const names: Readonly<Partial<Record<Message['type'], string>>> = {
  MsgApp: 'AppendEntriesRequest',
  MsgHeartbeat: 'AppendEntriesRequest',
  MsgSnap: 'AppendEntriesRequest',
  MsgAppResp: 'AppendEntriesResponse',
  MsgHeartbeatResp: 'AppendEntriesResponse',
  MsgVote: 'RequestVoteRequest',
  MsgVoteResp: 'RequestVoteResponse',
}

/** Emits an event that has no message. */
export function trace(raft: Raft, name: string): void {
  raft.config.onTrace?.(eventOf(raft, name, undefined))
}

/** Emits the sending or receiving of a message, if the specification knows its type. */
export function traceMessage(raft: Raft, direction: 'Send' | 'Receive', message: Message): void {
  const { onTrace } = raft.config
  const name = names[message.type]
  if (onTrace === undefined || name === undefined) return
  onTrace(eventOf(raft, `${direction}${name}`, message))
}

function eventOf(raft: Raft, name: string, m: Message | undefined): TraceEvent {
  const { config } = raft.tracker
  return {
    name,
    nid: raft.id,
    state: { term: raft.term, vote: raft.vote, commit: raft.log.committed },
    role: raft.role,
    log: raft.log.lastIndex(),
    conf: [config.incoming, config.outgoing],
    msg: m && {
      type: m.type,
      from: m.from,
      to: m.to,
      term: m.term,
      logTerm: m.logTerm,
      index: m.index,
      entries: m.entries.length,
      commit: m.commit,
      vote: m.vote,
      reject: m.reject,
      rejectHint: m.rejectHint,
    },
  }
}
