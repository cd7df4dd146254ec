/**
 * The leader's side of the log: taking entries in, sending appends, snapshots and heartbeats, advancing the commit mark.
 */
import { assert } from '../../base/index.ts'
import { describeProgress } from './describe.ts'
import { newMessage } from './message.ts'
import type { Progress } from './progress.ts'
import type { Raft } from './raft.ts'
import { trace } from './trace.ts'
import { hex, isEmptySnapshot, noEntries, payloadsSize } from './types.ts'
import type { Entry, NodeId } from './types.ts'

/**
 * Gives entries their place at the end of the log. False when that would exceed the limit of uncommitted bytes. The
 * leader's own acknowledgement is a message to itself that comes back once the entries are durable, so it never counts
 * itself before its own disk does.
 */
export function appendEntries(raft: Raft, proposed: readonly Entry[]): boolean {
  if (!increaseUncommitted(raft, payloadsSize(proposed))) {
    raft.config.logger?.(
      'warn',
      `${hex(raft.id)} appending new entries to log would exceed uncommitted entry size limit; dropping proposal`,
    )
    return false
  }
  const { term } = raft
  const last = raft.log.lastIndex()
  const entries = proposed.map((entry, i) => ({ term, index: last + 1 + i, type: entry.type, data: entry.data }))
  trace(raft, 'Replicate')
  const own = newMessage('MsgAppResp', raft.id)
  own.index = raft.log.append(entries)
  raft.send(own)
  return true
}

/** An empty tail takes a proposal of any size; empty entries are always taken. */
function increaseUncommitted(raft: Raft, size: number): boolean {
  const total = raft.uncommittedSize + size
  if (raft.uncommittedSize > 0 && size > 0 && total > raft.config.maxUncommittedEntriesSize) return false
  raft.uncommittedSize = total
  return true
}

/** Entries of this payload were applied here, thus committed. */
export function reduceUncommitted(raft: Raft, size: number): void {
  raft.uncommittedSize = Math.max(0, raft.uncommittedSize - size)
}

/** Commits what a quorum has, if it is of this term. */
export function maybeCommit(raft: Raft): boolean {
  const advanced = raft.log.maybeCommit(raft.tracker.committed(), raft.term)
  trace(raft, 'Commit')
  return advanced
}

/**
 * Sends an append with what the follower lacks, within the limits; an empty one, telling the commit index, only if
 * `sendIfEmpty`. Returns whether a message was sent.
 */
export function sendAppend(raft: Raft, to: NodeId, sendIfEmpty = true): boolean {
  const progress = raft.tracker.progress.get(to)
  assert(progress !== undefined, () => `no progress for ${to}`)
  if (progress.paused()) return false
  const previous = progress.next - 1
  const previousTerm = raft.log.term(previous)
  if (typeof previousTerm !== 'number') return sendSnapshot(raft, to, progress)
  // With a full window still send an empty append: if all that is in flight was lost, its refusal or acknowledgement
  // is what clears the window.
  const throttled = progress.state === 'replicate' && progress.inflights.full()
  const entries = throttled ? noEntries : raft.log.entriesFrom(progress.next, raft.config.maxSizePerMsg)
  if (typeof entries === 'string') return sendSnapshot(raft, to, progress)
  if (entries.length === 0 && !sendIfEmpty) return false
  const m = newMessage('MsgApp', to)
  m.index = previous
  m.logTerm = previousTerm
  m.entries = entries
  m.commit = raft.log.committed
  raft.send(m)
  progress.sentEntries(entries.length, payloadsSize(entries))
  progress.sentCommit = raft.log.committed
  return true
}

function sendSnapshot(raft: Raft, to: NodeId, progress: Progress): boolean {
  const { logger } = raft.config
  if (!progress.recentActive) {
    logger?.('debug', `ignore sending snapshot to ${hex(to)} since it is not recently active`)
    return false
  }
  const snapshot = raft.log.snapshot()
  if (typeof snapshot === 'string') {
    logger?.(
      'debug',
      `${hex(raft.id)} failed to send snapshot to ${hex(to)} because snapshot is temporarily unavailable`,
    )
    return false
  }
  assert(!isEmptySnapshot(snapshot), 'a compacted log has a snapshot')
  const { index, term } = snapshot.meta
  const ours = `[firstindex: ${raft.log.firstIndex()}, commit: ${raft.log.committed}]`
  logger?.(
    'debug',
    `${hex(raft.id)} ${ours} sent snapshot[index: ${index}, term: ${term}] to ${hex(to)} [${describeProgress(progress)}]`,
  )
  progress.becomeSnapshot(index)
  logger?.('debug', `${hex(raft.id)} paused sending replication messages to ${hex(to)} [${describeProgress(progress)}]`)
  const m = newMessage('MsgSnap', to)
  m.snapshot = snapshot
  raft.send(m)
  return true
}

/** Appends to all other members, each what it lacks. */
export function broadcastAppend(raft: Raft): void {
  for (const id of raft.tracker.ids) if (id !== raft.id) sendAppend(raft, id)
}

/**
 * A heartbeat round. The commit index is cut to what the follower is known to have: it may hold other entries beyond.
 */
export function broadcastHeartbeat(raft: Raft): void {
  const round = raft.reads.begin(raft.id, raft.ticks)
  for (const id of raft.tracker.ids) {
    if (id === raft.id) continue
    const progress = raft.tracker.progress.get(id)
    assert(progress !== undefined, () => `no progress for ${id}`)
    const m = newMessage('MsgHeartbeat', id)
    m.commit = Math.min(progress.match, raft.log.committed)
    m.round = round
    raft.send(m)
    progress.sentCommit = m.commit
  }
}
