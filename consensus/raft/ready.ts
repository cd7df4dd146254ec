/**
 * The work that a core hands out, and the messages that stand for it in asynchronous mode.
 *
 * ## Why an acknowledgement of an append names term, index and log term
 *
 * In asynchronous mode several writes are under way, and a later one may replace entries of an earlier one. Say a
 * follower is given entry 5 of term 1, then (new leader) entry 5 of term 2, then (the first leader again, term 3)
 * entry 5 of term 1 once more. The first write completes: storage holds (5, term 1), and the unstable log ends in
 * (5, term 1), yet the second write is still to come and will replace it for a while. Were the unstable entry dropped
 * now, a read could find the entry of term 2.
 *
 * So an acknowledgement carries the *node's term at the time of the hand-out* and is ignored in a later term: within one
 * term nobody truncates what was appended in it. Ignoring could leave entries unstable for ever when no more come;
 * therefore every acknowledgement, also of a mere hard state, attests the last index and term again as long as any entry
 * is unstable. A change of term always causes a write of the hard state, and that one's acknowledgement is not ignored.
 */
import { newMessage } from './message.ts'
import type { Message } from './message.ts'
import type { Raft } from './raft.ts'
import { equalHardState, isEmptyHardState, localAppendThread, localApplyThread, noEntries } from './types.ts'
import type { Entry, HardState, ReadState, Snapshot, SoftState } from './types.ts'

/** Work for the driver; the contract is in `rawnode.ts`. Lists are never changed after they were handed out. */
export interface Ready {
  /** Leader or role changed; nothing to persist. */
  readonly softState: SoftState | undefined
  /** To be persisted, before `messages` leave. */
  readonly hardState: HardState | undefined
  /** Reads that may be served once the named index is applied. */
  readonly readStates: readonly ReadState[]
  /** To be persisted, replacing what the log has from the first one's index on. */
  readonly entries: readonly Entry[]
  /** To be persisted and applied in place of log and state. */
  readonly snapshot: Snapshot | undefined
  /** To be applied, in order. */
  readonly committedEntries: readonly Entry[]
  /** To be sent. */
  readonly messages: readonly Message[]
  /** Whether the write must be synced; otherwise it may be lost in a crash without harm. */
  readonly mustSync: boolean
}

const noReads: readonly ReadState[] = Object.freeze([])

/** A write must be synced when it holds entries, a vote or a term; a commit index alone can be found again. */
function mustSync(now: HardState, before: HardState, entries: number): boolean {
  return entries !== 0 || now.vote !== before.vote || now.term !== before.term
}

/** What is new since the last hand-out. */
export function collectReady(raft: Raft, before: SoftState, persisted: HardState): Ready {
  const async = raft.config.asyncStorageWrites
  const hardState = raft.hardState()
  const entries = raft.log.unstable.hasNextEntries() ? raft.log.unstable.nextEntries() : noEntries
  const ready: Ready = {
    softState:
      before.lead === raft.lead && before.role === raft.role ? undefined : { lead: raft.lead, role: raft.role },
    hardState: equalHardState(hardState, persisted) || isEmptyHardState(hardState) ? undefined : hardState,
    readStates: raft.readStates.length === 0 ? noReads : raft.readStates,
    entries,
    snapshot: raft.log.unstable.nextSnapshot(),
    committedEntries: raft.log.nextCommitted(!async),
    messages: raft.messages,
    mustSync: mustSync(hardState, persisted, entries.length),
  }
  if (async) {
    if (needsAppend(raft, ready)) raft.messages.push(storageAppend(raft, ready))
    if (ready.committedEntries.length > 0) raft.messages.push(storageApply(raft, ready.committedEntries))
  } else {
    for (const m of raft.messagesAfterAppend) if (m.to !== raft.id) raft.messages.push(m)
  }
  return ready
}

/** The messages that `advance` has to step, in synchronous mode. */
export function stepsOnAdvance(raft: Raft, ready: Ready): Message[] {
  const steps = raft.messagesAfterAppend.filter((m) => m.to === raft.id)
  if (needsAppendResponse(raft, ready)) steps.push(storageAppendResponse(raft, ready))
  if (ready.committedEntries.length > 0) steps.push(storageApplyResponse(raft, ready.committedEntries))
  return steps
}

function needsAppend(raft: Raft, ready: Ready): boolean {
  return (
    ready.entries.length > 0 ||
    ready.hardState !== undefined ||
    ready.snapshot !== undefined ||
    raft.messagesAfterAppend.length > 0
  )
}

/** Any unstable entry, not only new ones: see the header. */
function needsAppendResponse(raft: Raft, ready: Ready): boolean {
  return raft.log.unstable.entries.length > 0 || ready.snapshot !== undefined
}

function storageAppend(raft: Raft, ready: Ready): Message {
  const m = newMessage('MsgStorageAppend', localAppendThread)
  m.from = raft.id
  m.entries = ready.entries
  m.snapshot = ready.snapshot
  if (ready.hardState !== undefined) {
    m.term = ready.hardState.term
    m.vote = ready.hardState.vote
    m.commit = ready.hardState.commit
  }
  // The own acknowledgement goes last: the leader's self-addressed ones before it still find their terms in memory.
  m.responses = needsAppendResponse(raft, ready)
    ? [...raft.messagesAfterAppend, storageAppendResponse(raft, ready)]
    : raft.messagesAfterAppend
  return m
}

function storageAppendResponse(raft: Raft, ready: Ready): Message {
  const m = newMessage('MsgStorageAppendResp', raft.id)
  m.from = localAppendThread
  m.term = raft.term
  if (raft.log.unstable.entries.length > 0) {
    m.index = raft.log.lastIndex()
    m.logTerm = raft.log.lastTerm()
  }
  m.snapshot = ready.snapshot
  return m
}

function storageApply(raft: Raft, entries: readonly Entry[]): Message {
  const m = newMessage('MsgStorageApply', localApplyThread)
  m.from = raft.id
  m.entries = entries
  m.responses = [storageApplyResponse(raft, entries)]
  return m
}

/** Without a term: what is committed is applied whatever the term. */
function storageApplyResponse(raft: Raft, entries: readonly Entry[]): Message {
  const m = newMessage('MsgStorageApplyResp', raft.id)
  m.from = localApplyThread
  m.entries = entries
  return m
}
