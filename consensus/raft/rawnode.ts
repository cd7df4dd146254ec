/**
 * One member of a Raft group as a pure state machine: no I/O, no clock, no promises. It follows the `RawNode` of
 * etcd-io/raft in surface and behaviour.
 *
 * ## Driving it
 *
 * Put in what happens: `tick()` at a steady rate, `step(message)` for what arrives from peers, `propose`, `readIndex`,
 * and so on. Then, while `hasReady()`, take `ready()` and carry it out:
 *
 *  1. Persist `hardState`, `entries` and `snapshot`, in one write, synced if `mustSync`. `entries` replace what the log
 *     holds from the first one's index on. A snapshot replaces log and state, and comes without entries.
 *  2. Send `messages`, *after* that write. Only types for which `leavesBeforeSync` holds may leave earlier, or while it
 *     is under way: a leader's disk need not be faster than its followers' (dissertation, 10.2.1).
 *  3. Apply `snapshot`, then `committedEntries`, in order. For an entry that holds a configuration change call
 *     `applyConfChange(confChangeOf(entry))`, unless the application strikes it out: then nothing is called.
 *  4. Serve each of `readStates` once the state machine has applied its index.
 *  5. `advance()`. Then the next `ready()` may be taken.
 *
 * Messages may be lost, doubled, delayed and reordered; they must not be altered, and must not reach an earlier or later
 * incarnation of the process they were meant for. After a `MsgSnap` was sent or lost, call `reportSnapshot`; after a
 * message certainly did not arrive, `reportUnreachable`. Without the former a follower can wait for a snapshot for ever.
 *
 * Durability is what safety rests on. What was synced must be there after a crash: `hardState` (a vote given twice in
 * a term makes two leaders) and `entries` (an acknowledged entry that is gone may have been committed by that
 * acknowledgement). A node that cannot guarantee this must not come back under its id.
 *
 * ## Asynchronous storage
 *
 * With `asyncStorageWrites` steps 1, 3 and 5 are replaced by two messages in `messages`, to sentinel targets. They
 * carry `responses`, to be delivered (to peers, or by `step` to this node) when the work is done:
 *
 *  - `MsgStorageAppend` to `localAppendThread`: persist `entries`, the hard state in `term`, `vote` and `commit` (all
 *    zero if it did not change) and `snapshot`. Before any response is delivered it must be durable; with no responses
 *    it need not be.
 *  - `MsgStorageApply` to `localApplyThread`: apply `entries`. It need not be durable.
 *
 * Messages to one target are handled in the order of their hand-out, none is dropped. All other messages may leave at
 * once. `entries`, `hardState`, `snapshot` and `committedEntries` of the Ready are the same work shown a second time;
 * `advance` is not called. In this mode entries are applied only when they are durable here. A snapshot in a
 * `MsgStorageAppend` may overtake entries that wait in a `MsgStorageApply`: those at or below its index are then skipped.
 *
 * ## Reads
 *
 * `readIndex(context)` leads to a `ReadState` with the same bytes: when its index is applied, a read of the state is
 * linearizable. Nothing is promised: a request can be lost with its messages or with the leader. Ask again with **new**
 * bytes, or an old answer cannot be told from the new one. A driver must look at term and leader again after every wait.
 *
 * A leader that may have been stopped for about an election timeout calls `suspectLease()` before it does anything else:
 * then lease reads need a heartbeat round first. In `leaseBased` mode call it whenever ticks came late by more than a
 * quarter of the election timeout in sum within one election timeout; the core has no clock to see that itself. A driver
 * that must serve nothing at all before that round waits for the `ReadState` of a read that it asks for right then.
 *
 * ## Errors
 *
 * A caller's mistakes and the world's are `NitroError`s or outcomes. An `AssertionError` is a bug, or storage that broke
 * its promise; the node must stop. A `NitroError` of code `LogDamaged` out of the constructor or `step` says that entries this node once
 * acknowledged are gone; it must stop, too.
 */
import { NitroError, assert } from '../../base/index.ts'
import { bootstrapGroup } from './bootstrap.ts'
import type { Peer } from './bootstrap.ts'
import type { AnyConfChange } from './confchange.ts'
import { asV2 } from './confchange.ts'
import { encodeConfChange, entryTypeOf } from './confchange-codec.ts'
import { resolveConfig } from './config.ts'
import type { RaftConfig } from './config.ts'
import { applyConfChange, refusalOf } from './membership.ts'
import { localTypes, newMessage, responseTypes } from './message.ts'
import type { Message, MessageType } from './message.ts'
import { Raft } from './raft.ts'
import type { StepOutcome } from './raft.ts'
import { collectReady, stepsOnAdvance } from './ready.ts'
import type { Ready } from './ready.ts'
import { broadcastHeartbeat } from './replication.ts'
import { basicStatusOf, statusOf } from './status.ts'
import type { BasicStatus, Status } from './status.ts'
import { trace } from './trace.ts'
import type { Configuration } from './tracker.ts'
import { emptyHardState, entriesSize, equalHardState, isEmptyHardState, isLocalTarget, none } from './types.ts'
import type { ConfState, Entry, HardState, Index, NodeId, SoftState, Term } from './types.ts'

/**
 * Where a proposal went: its place in this leader's log, or index and term 0 if it was forwarded. At that index the log
 * may in the end hold another entry, of another term; then the proposal did not happen.
 */
export interface ProposalRef {
  readonly index: Index
  readonly term: Term
}

/** {@link ProposalRef}, and why the leader put an empty entry in place of the change; '' if it did not, or if forwarded. */
export interface ConfChangeRef extends ProposalRef {
  readonly refused: string
}

const early: ReadonlySet<MessageType> = new Set<MessageType>([
  'MsgApp',
  'MsgSnap',
  'MsgHeartbeat',
  'MsgTimeoutNow',
  'MsgProp',
  'MsgReadIndex',
  'MsgReadIndexResp',
  'MsgTransferLeader',
])

/** Whether a message of a Ready may be sent before the Ready's write is durable. */
export function leavesBeforeSync(type: MessageType): boolean {
  return early.has(type)
}

/** One member of a group. See the head of this file for the contract. */
export class RawNode {
  private readonly raft: Raft
  private lastSoftState: SoftState
  private lastHardState: HardState
  private steps: Message[] = []
  private advancePending = false

  /**
   * Restores the node from its storage. Throws InvalidArgument for bad options, LogDamaged if the log ends before what
   * hard state or `applied` say.
   */
  constructor(config: RaftConfig) {
    this.raft = new Raft(resolveConfig(config))
    this.lastSoftState = { lead: this.raft.lead, role: this.raft.role }
    this.lastHardState = this.raft.hardState()
  }

  get id(): NodeId {
    return this.raft.id
  }

  /**
   * Starts a group in empty storage by giving every one of `peers` the same first entries, one per peer, already
   * committed. A later member without entries gets these from a leader; so the log must not be compacted before it
   * holds a snapshot. Throws InvalidArgument if there are no peers or storage is not empty.
   */
  bootstrap(peers: readonly Peer[]): void {
    bootstrapGroup(this.raft, peers)
    // All of it is news to storage.
    this.lastHardState = emptyHardState
  }

  /** Advances the logical clock. */
  tick(): void {
    this.raft.tick()
  }

  /**
   * Campaigns now; without effect for a leader, a learner, while a configuration change waits to be applied, and in lease
   * mode while a leader was heard of within an election timeout.
   */
  campaign(): void {
    this.raft.step(newMessage('MsgHup'))
  }

  /**
   * Proposes an entry; `data` must not change afterwards. Throws NotLeader if nobody leads or the leader is another one
   * and forwarding is off, ProposalDropped if the leader cannot take it now (too much uncommitted, a transfer, removed).
   */
  propose(data: Uint8Array): ProposalRef {
    return this.proposeEntry({ term: 0, index: 0, type: 'normal', data })
  }

  /** Proposes a change of the membership; throws like {@link propose}. */
  proposeConfChange(change: AnyConfChange): ConfChangeRef {
    const { raft } = this
    const refused = raft.role === 'leader' ? refusalOf(raft, asV2(change), raft.pendingConfIndex) : ''
    const data = encodeConfChange(change)
    const { index, term } = this.proposeEntry({ term: 0, index: 0, type: entryTypeOf(change), data })
    return { index, term, refused }
  }

  private proposeEntry(entry: Entry): ProposalRef {
    const { raft } = this
    const m = newMessage('MsgProp')
    m.from = raft.id
    m.entries = [entry]
    const outcome = raft.step(m)
    if (outcome === 'noLeader') {
      throw new NitroError('NotLeader', 'raft: no leader takes the proposal', { details: { leader: raft.lead } })
    }
    if (outcome !== 'ok') throw new NitroError('ProposalDropped', 'raft: the leader dropped the proposal')
    return raft.isLeader() ? { index: raft.log.lastIndex(), term: raft.term } : { index: 0, term: 0 }
  }

  /** Puts a committed change in force; the result is to be kept with the next snapshot. An impossible one does nothing. */
  applyConfChange(change: AnyConfChange): ConfState {
    return applyConfChange(this.raft, asV2(change))
  }

  /**
   * Handles a message from a peer or, in asynchronous mode, a response of a storage thread. Messages of local types from
   * elsewhere and responses of strangers are refused by their outcome. Throws LogDamaged, see the head of this file.
   */
  step(m: Message): StepOutcome {
    const local = isLocalTarget(m.from)
    if (localTypes.has(m.type) && !local) return 'localMessage'
    if (responseTypes.has(m.type) && !local && !this.raft.tracker.progress.has(m.from)) return 'unknownPeer'
    return this.raft.step(m)
  }

  /** Asks for a safe index; false if nobody leads. `context` names the request and must be new each time. */
  readIndex(context: Uint8Array): boolean {
    const m = newMessage('MsgReadIndex')
    m.context = context
    return this.raft.step(m) === 'ok'
  }

  /** No lease begun so far is trusted any more. A leader starts a heartbeat round at once to begin a new one. */
  suspectLease(): void {
    this.raft.reads.suspect()
    if (this.raft.isLeader()) broadcastHeartbeat(this.raft)
  }

  /** Asks the leader to hand over to `target`, which has an election timeout to succeed. */
  transferLeadership(target: NodeId): void {
    const m = newMessage('MsgTransferLeader')
    m.from = target
    this.raft.step(m)
  }

  /** A follower forgets its leader, so that it grants pre-votes; refused in lease mode, no effect on a leader. */
  forgetLeader(): void {
    this.raft.step(newMessage('MsgForgetLeader'))
  }

  /** A message to `id` was certainly lost. */
  reportUnreachable(id: NodeId): void {
    const m = newMessage('MsgUnreachable')
    m.from = id
    this.raft.step(m)
  }

  /** The snapshot for `id` arrived, or did not. */
  reportSnapshot(id: NodeId, outcome: 'finished' | 'failed'): void {
    const m = newMessage('MsgSnapStatus')
    m.from = id
    m.reject = outcome === 'failed'
    this.raft.step(m)
  }

  /** Whether `ready()` would hold anything. */
  hasReady(): boolean {
    const { raft } = this
    if (raft.messages.length > 0 || raft.messagesAfterAppend.length > 0) return true
    if (raft.log.unstable.hasNextEntries() || raft.log.hasNextCommitted(!raft.config.asyncStorageWrites)) return true
    if (raft.readStates.length > 0 || raft.log.unstable.nextSnapshot() !== undefined) return true
    if (this.lastSoftState.lead !== raft.lead || this.lastSoftState.role !== raft.role) return true
    const hardState = raft.hardState()
    return !isEmptyHardState(hardState) && !equalHardState(hardState, this.lastHardState)
  }

  /** Hands out everything that is new. In synchronous mode `advance()` must follow before the next one. */
  ready(): Ready {
    const { raft } = this
    const async = raft.config.asyncStorageWrites
    assert(!this.advancePending, 'ready() twice without advance()')
    const ready = collectReady(raft, this.lastSoftState, this.lastHardState)
    if (ready.softState !== undefined) this.lastSoftState = ready.softState
    if (ready.hardState !== undefined) this.lastHardState = ready.hardState
    if (ready.readStates.length > 0) raft.readStates = []
    if (!async) {
      this.steps = stepsOnAdvance(raft, ready)
      this.advancePending = true
    }
    raft.messages = []
    raft.messagesAfterAppend = []
    raft.log.unstable.acceptInProgress()
    const last = ready.committedEntries.at(-1)
    if (last !== undefined) raft.log.acceptApplying(last.index, entriesSize(ready.committedEntries), !async)
    trace(raft, 'Ready')
    return ready
  }

  /** The last Ready is persisted and applied. Not in asynchronous mode. */
  advance(): void {
    assert(!this.raft.config.asyncStorageWrites, 'advance() has no place in asynchronous mode')
    const { steps } = this
    this.steps = []
    this.advancePending = false
    for (const m of steps) this.raft.step(m)
  }

  /** Who leads, how far everything is; cheap. */
  basicStatus(): BasicStatus {
    return basicStatusOf(this.raft)
  }

  /** {@link basicStatus} with configuration and, on a leader, the members' progress. */
  status(): Status {
    return statusOf(this.raft)
  }

  /** The configuration in force, as in {@link status} but without a copy of the members' progress. */
  get configuration(): Configuration {
    return this.raft.tracker.config
  }

  /** What a leader counts as a member's copy of its log; 0 for one that it does not follow, and on nodes that do not lead. */
  matchOf(id: NodeId): Index {
    return this.raft.role === 'leader' ? (this.raft.tracker.progress.get(id)?.match ?? 0) : 0
  }

  /** The leader's id, or 0. */
  get lead(): NodeId {
    return this.raft.lead
  }

  get term(): Term {
    return this.raft.term
  }

  /** Term of the last entry of its log, stable or not. If a leader has that term, the log is a part of the leader's. */
  get lastTerm(): Term {
    return this.raft.log.lastTerm()
  }

  get isLeader(): boolean {
    return this.raft.lead !== none && this.raft.isLeader()
  }

  /** Sets the timeout of the running election period; for tests that need a certain node to campaign first. */
  setRandomizedElectionTimeout(ticks: number): void {
    this.raft.randomizedElectionTimeout = ticks
  }
}
