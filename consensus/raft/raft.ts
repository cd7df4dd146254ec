/**
 * The state of one node and its transitions: roles, terms, timers, and the sorting of messages by term. What a leader,
 * a follower or a candidate does with a message of its own term is in the files named after them.
 */
import { NitroError, assert, emptyBytes } from '../../base/index.ts'
import { restoreConfiguration } from './changer.ts'
import type { ResolvedConfig } from './config.ts'
import { handleVoteRequest, hup, refusePreVote } from './election.ts'
import { stepCandidate, stepFollower } from './follower.ts'
import { stepLeader } from './leader.ts'
import { changeBase, switchToConfiguration } from './membership.ts'
import { isVoteRequest, newMessage } from './message.ts'
import type { Message } from './message.ts'
import { Progress } from './progress.ts'
import { ReadTracker } from './reads.ts'
import { releaseReads } from './read-index.ts'
import { RaftLog } from './log.ts'
import { appendEntries, reduceUncommitted } from './replication.ts'
import { trace, traceMessage } from './trace.ts'
import { Tracker } from './tracker.ts'
import { entriesSize, hex, none, payloadsSize } from './types.ts'
import type { Entry, HardState, Index, NodeId, ReadState, Role, Snapshot, Term } from './types.ts'

/**
 * What became of a message. `noLeader`: a proposal or read with nobody to take it. `dropped`: a proposal that the leader
 * does not take now. `localMessage`: a local type from another node. `unknownPeer`: a response from no member.
 */
export type StepOutcome = 'ok' | 'noLeader' | 'dropped' | 'localMessage' | 'unknownPeer'

/** One node of a group. Everything here is private to this folder; drivers use `RawNode`. */
export class Raft {
  readonly id: NodeId
  readonly config: ResolvedConfig
  readonly log: RaftLog
  term: Term = 0
  vote: NodeId = none
  role: Role = 'follower'
  lead: NodeId = none
  tracker: Tracker
  isLearner = false
  readStates: ReadState[] = []
  /** May leave at once. None is addressed to this node. */
  messages: Message[] = []
  /** Must wait until everything unstable so far is durable; self-addressed ones come back through `step`. */
  messagesAfterAppend: Message[] = []
  /** The target of a running transfer (Raft dissertation, 3.10). */
  leadTransferee: NodeId = none
  /** At or above the index of the last configuration change in the log; no other is taken until it is applied. */
  pendingConfIndex: Index = 0
  /** Estimated payload of the uncommitted tail; kept by the leader. */
  uncommittedSize = 0
  reads = new ReadTracker()
  /** Reads that wait for the first commit of the term, or for the end of a transfer. */
  heldReads: Message[] = []
  /** As a follower: the latest heartbeat round heard of in this term. */
  leaderRound = 0
  electionElapsed = 0
  heartbeatElapsed = 0
  randomizedElectionTimeout = 0
  /** Ticks since this core was made. */
  ticks = 0
  /** The tick at which a leader, of whatever term, was last heard. */
  heardAt = Number.NEGATIVE_INFINITY
  /** Ticks left in which a restarted voter respects a lease it may have forgotten. */
  restartGuard = 0

  constructor(config: ResolvedConfig) {
    this.id = config.id
    this.config = config
    this.log = new RaftLog(config.storage, config.maxCommittedSizePerReady, config.logger)
    this.tracker = new Tracker(config.maxInflightMsgs, config.maxInflightBytes)
    trace(this, 'InitState')
    const { hardState, confState } = config.storage.initialState()
    const restored = restoreConfiguration(changeBase(this), confState)
    assert(restored.ok, 'the stored configuration cannot be restored')
    switchToConfiguration(this, restored.config, restored.progress)
    this.load(hardState, config.applied)
    this.becomeFollower(this.term, none)
    if (config.readOnlyOption === 'leaseBased' && this.term > 0) this.restartGuard = config.electionTick
    const peers = this.tracker.voters.map(hex).join(',')
    const { committed, applied } = this.log
    config.logger?.(
      'info',
      `newRaft ${hex(this.id)} [peers: [${peers}], term: ${this.term}, commit: ${committed}, applied: ${applied}, ` +
        `lastindex: ${this.log.lastIndex()}, lastterm: ${this.log.lastTerm()}]`,
    )
  }

  /**
   * Takes up where the disk left off. The commit index may have been written later than what it stands for: entries that
   * are in a snapshot or were applied are committed, whatever it says.
   */
  private load(state: HardState, applied: Index): void {
    const committed = Math.max(state.commit, applied, this.log.committed)
    const last = this.log.lastIndex()
    if (committed > last) {
      throw new NitroError('LogDamaged', `entries up to ${committed} were committed, the log ends at ${last}`, {
        details: { committed, lastIndex: last },
      })
    }
    this.log.committed = committed
    this.term = state.term
    this.vote = state.vote
    if (applied > 0) this.log.appliedTo(Math.max(applied, this.log.applied), 0)
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed }
  }

  /**
   * Queues a message. Answers that promise something (votes, acknowledgements of appends) wait for the disk, also when
   * they refuse: a refusal may rest on a vote or an entry that is still being written.
   */
  send(message: Message): void {
    if (message.from === none) message.from = this.id
    const { type } = message
    if (type === 'MsgVote' || type === 'MsgPreVote' || type === 'MsgVoteResp' || type === 'MsgPreVoteResp') {
      assert(message.term !== 0, () => `${type} without a term`)
    } else {
      assert(message.term === 0, () => `${type} with a term of its own`)
      // Proposals and reads are forwarded and act as local messages where they arrive.
      if (type !== 'MsgProp' && type !== 'MsgReadIndex') message.term = this.term
    }
    if (type === 'MsgAppResp' || type === 'MsgVoteResp' || type === 'MsgPreVoteResp') {
      this.messagesAfterAppend.push(message)
    } else {
      assert(message.to !== this.id, () => `${type} to oneself`)
      this.messages.push(message)
    }
    traceMessage(this, 'Send', message)
  }

  /** Handles a message of any term. */
  step(m: Message): StepOutcome {
    traceMessage(this, 'Receive', m)
    if (m.term > this.term) {
      if (isVoteRequest(m.type) && !m.force && this.protectsLeader()) {
        const last = this.describeLast()
        this.config.logger?.(
          'info',
          `${hex(this.id)} [${last}] ignored ${m.type} from ${hex(m.from)} [logterm: ${m.logTerm}, index: ${m.index}] ` +
            `at term ${this.term}: lease is not expired (remaining ticks: ${this.config.electionTick - this.electionElapsed})`,
        )
        return 'ok'
      }
      // A pre-vote never changes a term; a granted one answers with the term that was asked for.
      if (m.type !== 'MsgPreVote' && (m.type !== 'MsgPreVoteResp' || m.reject)) {
        this.config.logger?.(
          'info',
          `${hex(this.id)} [term: ${this.term}] received a ${m.type} message with higher term from ${hex(m.from)} [term: ${m.term}]`,
        )
        const fromLeader = m.type === 'MsgApp' || m.type === 'MsgHeartbeat' || m.type === 'MsgSnap'
        this.becomeFollower(m.term, fromLeader ? m.from : none)
      }
    } else if (m.term !== 0 && m.term < this.term) {
      this.stepOlder(m)
      return 'ok'
    }
    switch (m.type) {
      case 'MsgHup':
        hup(this, this.config.preVote ? 'preElection' : 'election')
        return 'ok'
      case 'MsgStorageAppendResp':
        if (m.index !== 0) this.log.unstable.stableTo(m.index, m.logTerm)
        if (m.snapshot !== undefined) this.appliedSnapshot(m.snapshot)
        return 'ok'
      case 'MsgStorageApplyResp':
        this.appliedEntries(m.entries)
        return 'ok'
      case 'MsgVote':
      case 'MsgPreVote':
        handleVoteRequest(this, m)
        return 'ok'
      default:
        if (this.role === 'leader') return stepLeader(this, m)
        return this.role === 'follower' ? stepFollower(this, m) : stepCandidate(this, m)
    }
  }

  /** Whether votes against the present leader are refused (Raft dissertation, 4.2.3), which makes its lease. */
  private protectsLeader(): boolean {
    if (!this.config.checkQuorum) return false
    return this.boundByLease() || (this.lead !== none && this.electionElapsed < this.config.electionTick)
  }

  /**
   * In lease mode a voter is bound for an election timeout from the last word of a leader, whatever it has become since,
   * and after a restart, since it does not know what it heard before.
   */
  boundByLease(): boolean {
    if (this.config.readOnlyOption !== 'leaseBased') return false
    return this.restartGuard > 0 || this.ticks - this.heardAt < this.config.electionTick
  }

  /** A message of an older term. */
  private stepOlder(m: Message): void {
    if ((this.config.checkQuorum || this.config.preVote) && (m.type === 'MsgHeartbeat' || m.type === 'MsgApp')) {
      // A leader of an older term. With check-quorum or pre-vote a node whose term ran ahead is not heard when it
      // campaigns; this answer is how the group learns of the higher term and the node comes free.
      this.send(newMessage('MsgAppResp', m.from))
    } else if (m.type === 'MsgPreVote') {
      // Dropping it could leave a group where pre-vote is being introduced without a leader for ever.
      refusePreVote(this, m)
    } else if (m.type === 'MsgStorageAppendResp') {
      // The log may have been overwritten since; see the note on acknowledgements in ready.ts.
      if (m.index !== 0) {
        this.config.logger?.(
          'info',
          `${hex(this.id)} [term: ${this.term}] ignored entry appends from a ${m.type} message with lower term [term: ${m.term}]`,
        )
      }
      // A snapshot is committed state, whatever the term in which it was written.
      if (m.snapshot !== undefined) this.appliedSnapshot(m.snapshot)
    } else {
      this.config.logger?.(
        'info',
        `${hex(this.id)} [term: ${this.term}] ignored a ${m.type} message with lower term from ${hex(m.from)} [term: ${m.term}]`,
      )
    }
  }

  /** One tick of the logical clock. */
  tick(): void {
    this.ticks++
    if (this.restartGuard > 0) this.restartGuard--
    this.electionElapsed++
    if (this.role !== 'leader') {
      if (this.promotable() && this.electionElapsed >= this.randomizedElectionTimeout) {
        this.electionElapsed = 0
        this.step(this.toSelf('MsgHup'))
      }
      return
    }
    this.heartbeatElapsed++
    if (this.electionElapsed >= this.config.electionTick) {
      this.electionElapsed = 0
      if (this.config.checkQuorum) this.step(this.toSelf('MsgCheckQuorum'))
      // A transfer that did not succeed within an election timeout is given up.
      if (this.isLeader() && this.leadTransferee !== none) this.abortTransfer()
    }
    if (this.isLeader() && this.heartbeatElapsed >= this.config.heartbeatTick) {
      this.heartbeatElapsed = 0
      this.step(this.toSelf('MsgBeat'))
    }
  }

  /** A method, because a step in between can change the role behind the type checker's back. */
  isLeader(): boolean {
    return this.role === 'leader'
  }

  private toSelf(type: Message['type']): Message {
    const message = newMessage(type)
    message.from = this.id
    return message
  }

  /** Forgets what belongs to a role or a term. */
  private reset(term: Term): void {
    if (this.term !== term) {
      this.term = term
      this.vote = none
      this.leaderRound = 0
    }
    this.lead = none
    this.electionElapsed = 0
    this.heartbeatElapsed = 0
    this.randomizedElectionTimeout = this.config.electionTick + this.config.random(this.config.electionTick)
    this.leadTransferee = none
    this.tracker.resetVotes()
    const last = this.log.lastIndex()
    for (const [id, old] of this.tracker.progress) {
      const progress = new Progress(last + 1, old.isLearner, this.tracker.newInflights())
      if (id === this.id) progress.match = last
      this.tracker.progress.set(id, progress)
    }
    this.pendingConfIndex = 0
    this.uncommittedSize = 0
    this.reads = new ReadTracker()
    this.heldReads = []
  }

  becomeFollower(term: Term, lead: NodeId): void {
    this.reset(term)
    this.lead = lead
    this.role = 'follower'
    this.config.logger?.('info', `${hex(this.id)} became follower at term ${this.term}`)
    trace(this, 'BecomeFollower')
  }

  becomeCandidate(): void {
    assert(this.role !== 'leader', 'a leader does not become a candidate')
    this.reset(this.term + 1)
    this.vote = this.id
    this.role = 'candidate'
    this.config.logger?.('info', `${hex(this.id)} became candidate at term ${this.term}`)
    trace(this, 'BecomeCandidate')
  }

  /** Changes nothing that is persistent, and neither the term nor the timers. */
  becomePreCandidate(): void {
    assert(this.role !== 'leader', 'a leader does not become a pre-candidate')
    this.tracker.resetVotes()
    this.lead = none
    this.role = 'preCandidate'
    this.config.logger?.('info', `${hex(this.id)} became pre-candidate at term ${this.term}`)
  }

  becomeLeader(): void {
    assert(this.role !== 'follower', 'a follower does not become leader without campaigning')
    this.reset(this.term)
    this.lead = this.id
    this.role = 'leader'
    const own = this.tracker.progress.get(this.id)
    assert(own !== undefined, 'a leader is a member')
    own.becomeReplicate()
    own.recentActive = true
    // There may be a change in the unapplied tail; waiting for all of it is cheaper than looking.
    this.pendingConfIndex = this.log.lastIndex()
    trace(this, 'BecomeLeader')
    const accepted = appendEntries(this, [{ term: 0, index: 0, type: 'normal', data: emptyBytes }])
    assert(accepted, 'the first entry of a term has no size')
    this.config.logger?.('info', `${hex(this.id)} became leader at term ${this.term}`)
  }

  /** Whether this node may campaign: a voter, without a snapshot on its way in. */
  promotable(): boolean {
    const own = this.tracker.progress.get(this.id)
    return own !== undefined && !own.isLearner && this.log.unstable.snapshot === undefined
  }

  /** Gives up a transfer and lets the held reads go; the lease stays suspect, see `reads.ts`. */
  abortTransfer(): void {
    this.leadTransferee = none
    this.reads.suspect()
    releaseReads(this)
  }

  private appliedEntries(entries: readonly Entry[]): void {
    const last = entries.at(-1)
    if (last === undefined) return
    this.appliedTo(last.index, entriesSize(entries))
    reduceUncommitted(this, payloadsSize(entries))
  }

  private appliedSnapshot(snapshot: Snapshot): void {
    this.log.unstable.stableSnapshotTo(snapshot.meta.index)
    this.appliedTo(snapshot.meta.index, 0)
  }

  private appliedTo(index: Index, size: number): void {
    const applied = Math.max(index, this.log.applied)
    this.log.appliedTo(applied, size)
    if (!this.tracker.config.autoLeave || applied < this.pendingConfIndex || this.role !== 'leader') return
    // Leave the joint configuration. A running transfer drops the proposal: then the next leader proposes it, or this
    // one does when the next entry is applied.
    const proposal = newMessage('MsgProp')
    proposal.entries = [{ term: 0, index: 0, type: 'confChangeV2', data: emptyBytes }]
    if (this.step(proposal) === 'ok') {
      this.config.logger?.('info', 'initiating automatic transition out of joint configuration')
    } else {
      this.config.logger?.('debug', 'not initiating automatic transition out of joint configuration')
    }
  }

  /** `logterm: T, index: I, vote: V`, for log lines. */
  describeLast(): string {
    return `logterm: ${this.log.lastTerm()}, index: ${this.log.lastIndex()}, vote: ${hex(this.vote)}`
  }
}
