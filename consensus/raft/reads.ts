/**
 * Reads that do not go through the log: heartbeat rounds, the reads that wait for them, and the leader's lease.
 *
 * Every broadcast of heartbeats is a *round* with a number that grows within a term. A voter that echoes round r said:
 * "when I got it, you were my leader". So a quorum of echoes of r or later proves that nobody else led when round r
 * began, and every read that arrived before it may be answered with the commit index of its arrival (Raft dissertation,
 * 6.4). Any number of reads ride on one round, and the round is ours: what the caller names its reads plays no part, so
 * a name that is used again can never be answered by an older round.
 *
 * The lease (6.4.1) is the same fact with a clock: voters that heard from a leader refuse others for an election
 * timeout, so for most of that time *after the beginning* of the last round that a quorum echoed, no round is needed.
 * It is not trusted
 *  - while leadership is being transferred, since the transfer tells voters to ignore it
 *  - after a transfer that was given up, until a quorum echoed a later round, and so did every target that was told to
 *    campaign: a target that echoed a later round obeys the older order no more
 *  - after `suspect`, until a quorum echoed a later round
 */
import type { AckedIndexer } from './quorum.ts'
import type { Message } from './message.ts'
import type { Index, NodeId } from './types.ts'

/** A read waiting for a round. */
export interface PendingRead {
  readonly request: Message
  readonly index: Index
  /** The round it was registered with; any later one will do as well. */
  readonly round: number
}

/** Rounds, waiting reads and lease of one leadership. Made anew in each term. */
export class ReadTracker implements AckedIndexer {
  /** The latest round begun; 0 before the first. */
  round = 0
  private readonly acks = new Map<NodeId, number>()
  private pending: PendingRead[] = []
  /** The first round begun in each tick, with that tick; only as far back as needed. */
  private starts: { readonly round: number; readonly tick: number }[] = []
  private confirmedRound = 0
  private confirmedTick = 0
  private barrier = 0
  /** Targets that were told to campaign, and the round up to which they may still obey. */
  private readonly ordered = new Map<NodeId, number>()

  /** Begins a round at the given tick of the leader's clock; its own vote for it counts at once. */
  begin(self: NodeId, tick: number): number {
    this.round++
    this.acks.set(self, this.round)
    if (this.starts.at(-1)?.tick !== tick) this.starts.push({ round: this.round, tick })
    return this.round
  }

  /** Registers a read; it is answered by the next round to begin or a later one. */
  add(request: Message, index: Index): void {
    this.pending.push({ request, index, round: this.round + 1 })
  }

  /** A member echoed a round. */
  acknowledge(from: NodeId, round: number): void {
    if (round > (this.acks.get(from) ?? 0)) this.acks.set(from, Math.min(round, this.round))
  }

  ackedIndex(id: NodeId): number | undefined {
    return this.acks.get(id)
  }

  /** A quorum echoed up to `round`; returns the reads this confirms, in the order of arrival. */
  confirm(round: number): readonly PendingRead[] {
    if (round <= this.confirmedRound) return []
    this.confirmedRound = Math.min(round, this.round)
    let used = 0
    while (used < this.starts.length && (this.starts[used]?.round ?? 0) <= this.confirmedRound) {
      this.confirmedTick = this.starts[used]?.tick ?? 0
      used++
    }
    // The last one used stays: later rounds of the same tick began then, too.
    this.starts = this.starts.slice(Math.max(0, used - 1))
    let done = 0
    while (done < this.pending.length && (this.pending[done]?.round ?? 0) <= this.confirmedRound) done++
    const confirmed = this.pending.slice(0, done)
    this.pending = this.pending.slice(done)
    return confirmed
  }

  /** Whether reads wait for a round. */
  get waiting(): number {
    return this.pending.length
  }

  /** No round begun so far supports the lease any more. */
  suspect(): void {
    this.barrier = this.round
  }

  /** `target` was told to campaign at once, overriding the voters' loyalty. */
  orderedToCampaign(target: NodeId): void {
    this.ordered.set(target, this.round)
    this.suspect()
  }

  /** Whether the lease covers tick `now`, if it lasts `leaseTicks` from the beginning of a confirmed round. */
  leaseHolds(now: number, leaseTicks: number): boolean {
    if (this.confirmedRound <= this.barrier || now - this.confirmedTick >= leaseTicks) return false
    for (const [target, round] of this.ordered) if ((this.acks.get(target) ?? 0) <= round) return false
    return true
  }
}
