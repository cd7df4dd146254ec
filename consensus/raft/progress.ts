/**
 * What a leader knows about one follower's log, and how much it may send to it.
 *
 * ```
 *            reject / unreachable              append answered
 *        ┌──────────────────────────┐   ┌─────────────────────────┐
 *        ▼                          │   │                         ▼
 *      probe ── log is compacted ─▶ snapshot ── reconnects ─▶ replicate
 * ```
 *
 * - `probe`: one append per heartbeat interval, until an answer shows where the logs agree
 * - `replicate`: appends are pipelined, `next` runs ahead of the answers within the window
 * - `snapshot`: no appends; the follower needs what the log no longer has
 */
import type { Inflights } from './inflights.ts'
import type { Index } from './types.ts'

/** How the leader treats a follower. */
export type ProgressState = 'probe' | 'replicate' | 'snapshot'

/** The leader's view of one follower. */
export class Progress {
  /** The follower's log is known to agree with the leader's up to here. Invariant: `0 <= match < next`. */
  match: Index = 0
  /** The next entry to send. In `replicate`, entries in (match, next) are in flight. */
  next: Index
  /** The highest commit index sent along, as far as it can take effect; tells whether sending a newer one is useful. */
  sentCommit: Index = 0
  state: ProgressState = 'probe'
  /** In `snapshot`: the index of the snapshot that was sent; otherwise 0. */
  pendingSnapshot: Index = 0
  /** Whether anything was heard since the last quorum check. Always true for the leader itself. */
  recentActive = false
  /** No further append until an answer, or a heartbeat's answer, comes. */
  appendPaused = false
  isLearner: boolean
  readonly inflights: Inflights

  constructor(next: Index, isLearner: boolean, inflights: Inflights) {
    this.next = next
    this.isLearner = isLearner
    this.inflights = inflights
  }

  /** A copy that shares only the window. */
  clone(): Progress {
    const copy = new Progress(this.next, this.isLearner, this.inflights)
    copy.match = this.match
    copy.sentCommit = this.sentCommit
    copy.state = this.state
    copy.pendingSnapshot = this.pendingSnapshot
    copy.recentActive = this.recentActive
    copy.appendPaused = this.appendPaused
    return copy
  }

  private reset(state: ProgressState): void {
    this.appendPaused = false
    this.pendingSnapshot = 0
    this.state = state
    this.inflights.reset()
  }

  /** Falls back to probing; after a snapshot that arrived, from just behind it. */
  becomeProbe(): void {
    const behindSnapshot = this.state === 'snapshot' ? this.pendingSnapshot + 1 : 0
    this.reset('probe')
    this.next = Math.max(this.match + 1, behindSnapshot)
    this.sentCommit = Math.min(this.sentCommit, this.next - 1)
  }

  /** Starts pipelining from the first entry not known to be there. */
  becomeReplicate(): void {
    this.reset('replicate')
    this.next = this.match + 1
  }

  /** Stops appends until the snapshot at `index`, or another one that reconnects, is reported. */
  becomeSnapshot(index: Index): void {
    this.reset('snapshot')
    this.pendingSnapshot = index
    this.next = index + 1
    this.sentCommit = index
  }

  /** Accounts for an append that is being sent with `count` entries of `bytes` payload. */
  sentEntries(count: number, bytes: number): void {
    if (this.state === 'replicate') {
      if (count > 0) {
        this.next += count
        this.inflights.add(this.next - 1, bytes)
      }
      // Filling the window makes this message a probe: the next one waits for an answer.
      this.appendPaused = this.inflights.full()
    } else if (count > 0) {
      this.appendPaused = true
    }
  }

  /** Whether telling `commit` could move the follower's commit index further than what was told before. */
  canBumpCommit(commit: Index): boolean {
    return commit > this.sentCommit && this.sentCommit < this.next - 1
  }

  /** An acknowledgement up to `index`. False when it tells nothing new. */
  maybeUpdate(index: Index): boolean {
    if (index <= this.match) return false
    this.match = index
    this.next = Math.max(this.next, index + 1)
    this.appendPaused = false
    return true
  }

  /**
   * A refusal of the append anchored at `rejected`, with a hint where to try next. False when the refusal is stale:
   * it is about an index acknowledged since, or not about the probe that is out.
   */
  maybeDecreaseTo(rejected: Index, hint: Index): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false
      this.next = this.match + 1
      this.sentCommit = Math.min(this.sentCommit, this.next - 1)
      return true
    }
    if (this.next - 1 !== rejected) return false
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1)
    this.sentCommit = Math.min(this.sentCommit, this.next - 1)
    this.appendPaused = false
    return true
  }

  /** Whether nothing is sent at present. */
  paused(): boolean {
    return this.state === 'snapshot' || this.appendPaused
  }
}
