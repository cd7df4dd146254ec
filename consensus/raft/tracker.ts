/**
 * The active configuration together with what is known about each member, and the votes of the running election.
 */
import { Inflights } from './inflights.ts'
import type { Progress } from './progress.ts'
import { jointIndex, jointVote } from './quorum.ts'
import type { AckedIndexer, VoteResult } from './quorum.ts'
import type { ConfState, Index, NodeId } from './types.ts'

/**
 * The configuration in force. Lists are sorted. Invariants: learners are no voters of either half; `learnersNext` is a
 * subset of `outgoing`; a configuration that is not joint has no `learnersNext` and no `autoLeave`.
 */
export interface Configuration {
  readonly incoming: readonly NodeId[]
  /** Not empty iff the configuration is joint. */
  readonly outgoing: readonly NodeId[]
  readonly learners: readonly NodeId[]
  readonly learnersNext: readonly NodeId[]
  readonly autoLeave: boolean
}

/** What is known per member. */
export type ProgressMap = Map<NodeId, Progress>

/** A configuration without members. */
export const emptyConfiguration: Configuration = Object.freeze({
  incoming: Object.freeze([]),
  outgoing: Object.freeze([]),
  learners: Object.freeze([]),
  learnersNext: Object.freeze([]),
  autoLeave: false,
})

/** Whether decisions need two majorities. */
export function isJoint(config: Configuration): boolean {
  return config.outgoing.length > 0
}

/** The voters of both halves, sorted, each once. */
export function allVoters(config: Configuration): readonly NodeId[] {
  if (config.outgoing.length === 0) return config.incoming
  return sortedIds(new Set([...config.incoming, ...config.outgoing]))
}

/** The persistent form of a configuration. */
export function confStateOf(config: Configuration): ConfState {
  return {
    voters: config.incoming,
    learners: config.learners,
    votersOutgoing: config.outgoing,
    learnersNext: config.learnersNext,
    autoLeave: config.autoLeave,
  }
}

/** A set of ids as a sorted list. */
export function sortedIds(ids: Iterable<NodeId>): NodeId[] {
  return [...ids].sort((a, b) => a - b)
}

/** Configuration, progress and votes of one group, as one node sees them. */
export class Tracker implements AckedIndexer {
  readonly maxInflight: number
  readonly maxInflightBytes: number
  config: Configuration = emptyConfiguration
  progress: ProgressMap = new Map()
  /** Keys of `progress`, sorted: messages leave in a stable order. */
  ids: readonly NodeId[] = []
  /** Voters of both halves, sorted. */
  voters: readonly NodeId[] = []
  votes = new Map<NodeId, boolean>()

  constructor(maxInflight: number, maxInflightBytes: number) {
    this.maxInflight = maxInflight
    this.maxInflightBytes = maxInflightBytes
  }

  /** Puts a configuration in force. */
  switchTo(config: Configuration, progress: ProgressMap): void {
    this.config = config
    this.progress = progress
    this.ids = sortedIds(progress.keys())
    this.voters = allVoters(config)
  }

  newInflights(): Inflights {
    return new Inflights(this.maxInflight, this.maxInflightBytes)
  }

  /** True when `id` is the only voter, so that it decides alone. */
  isSingleton(id: NodeId): boolean {
    return this.config.outgoing.length === 0 && this.config.incoming.length === 1 && this.config.incoming[0] === id
  }

  ackedIndex(id: NodeId): number | undefined {
    return this.progress.get(id)?.match
  }

  /** The highest index that the voters' acknowledgements allow to commit. */
  committed(): Index {
    return jointIndex(this.config.incoming, this.config.outgoing, this)
  }

  /** The highest value that a quorum of `acked` has reached. */
  quorumIndex(acked: AckedIndexer): number {
    return jointIndex(this.config.incoming, this.config.outgoing, acked)
  }

  /** Whether a quorum was heard of since the last check. */
  quorumActive(): boolean {
    const active = new Map<NodeId, boolean>()
    for (const [id, progress] of this.progress) if (!progress.isLearner) active.set(id, progress.recentActive)
    return jointVote(this.config.incoming, this.config.outgoing, active) === 'won'
  }

  resetVotes(): void {
    this.votes = new Map()
  }

  /** Notes a vote; only the first of each node counts. */
  recordVote(id: NodeId, granted: boolean): void {
    if (!this.votes.has(id)) this.votes.set(id, granted)
  }

  /** The standing of the election. */
  tally(): { granted: number; rejected: number; result: VoteResult } {
    let granted = 0
    let rejected = 0
    for (const [id, progress] of this.progress) {
      if (progress.isLearner) continue
      const vote = this.votes.get(id)
      if (vote === undefined) continue
      if (vote) granted++
      else rejected++
    }
    return { granted, rejected, result: jointVote(this.config.incoming, this.config.outgoing, this.votes) }
  }
}
