/**
 * Commands on their way into the log.
 *
 * Commands wait per owner (a connection, the local engine, a follower that forwards) and are taken round-robin, so that one busy
 * connection can't starve the rest; in runs, so that the answers of an owner can leave together while others are still made. A
 * batch becomes one entry; its owners are remembered under (index, term) until the entry at that index is applied, or one of a
 * later term before it. Only then is an outcome known: the same term at the index means these commands ran, a later term there or
 * before that they were overwritten and never will. Losing leadership alone decides nothing.
 */
import { NitroError } from '../../base/index.ts'
import type { EntryBuilder } from '../../execution/index.ts'
import type { CommandOwner } from '../wire/index.ts'

/** Commands of an owner that are taken one after the other. */
const runCommands = 64

/** What waits of an owner, from `at` on. */
interface Waiting {
  readonly owner: CommandOwner
  readonly commands: Uint8Array[]
  readonly tags: number[]
  at: number
}

/** The owners of one entry's commands, by position. */
export interface ProposedBatch {
  readonly term: number
  readonly owners: readonly CommandOwner[]
  readonly tags: readonly number[]
}

/** Waiting and proposed commands of one node. */
export class Proposals {
  /**
   * Of each owner, kept for as long as it lives. A map that owners enter and leave all the time becomes a chain of tables, each of which
   * knows the next: with one of them in old memory, V8 takes all later ones and what they knew for alive, commands and their frames too.
   */
  private readonly queues = new WeakMap<CommandOwner, Waiting>()
  /** The queues with commands, in the order of their turns, from `turnsAt` on. */
  private turns: Waiting[] = []
  private turnsAt = 0
  /** The one that got a command last: a frame brings many of one owner. */
  private latest: Waiting | undefined
  /**
   * By index. There is more than one when this node led, was deposed and leads again: the older batch was displaced here, but
   * another node may still hold it and make it win. Only what is applied in the end decides between them.
   */
  private readonly proposed = new Map<number, ProposedBatch[]>()
  private readonly pendingMax: number
  /** Of the newest entry that was applied. */
  private appliedTerm = 0
  /** Commands waiting or proposed. */
  pending = 0
  /** Commands waiting. */
  queued = 0
  /** Commands that ended here without an outcome from the machine. */
  failed = 0

  constructor(pendingMax: number) {
    this.pendingMax = pendingMax
  }

  /** Queues a command; `owner` hears of its outcome exactly once. The bytes must not change. */
  submit(command: Uint8Array, owner: CommandOwner, tag: number): void {
    if (this.pending >= this.pendingMax) {
      owner.failed(tag, new NitroError('Overloaded', `${this.pending} commands are already waiting`))
      return
    }
    const queue = this.latest?.owner === owner ? this.latest : this.queueOf(owner)
    if (queue.commands.length === 0) this.turns.push(queue)
    queue.commands.push(command)
    queue.tags.push(tag)
    this.pending++
    this.queued++
  }

  private queueOf(owner: CommandOwner): Waiting {
    let queue = this.queues.get(owner)
    if (queue === undefined) this.queues.set(owner, (queue = { owner, commands: [], tags: [], at: 0 }))
    this.latest = queue
    return queue
  }

  /** Fills an entry round-robin until it is full or nothing waits. */
  fill(builder: EntryBuilder, term: number): ProposedBatch {
    const owners: CommandOwner[] = []
    const tags: number[] = []
    // An owner that has more comes again behind the others.
    while (this.turnsAt < this.turns.length) {
      if (!this.takeRun(this.turns[this.turnsAt] as Waiting, builder, owners, tags)) break
      this.turnsAt++
    }
    if (2 * this.turnsAt >= this.turns.length) {
      this.turns.splice(0, this.turnsAt)
      this.turnsAt = 0
    }
    return { term, owners, tags }
  }

  /** Takes some commands of one owner, who is last in turn then; false when the entry has no room for more. */
  private takeRun(queue: Waiting, builder: EntryBuilder, owners: CommandOwner[], tags: number[]): boolean {
    const { owner, commands } = queue
    const end = Math.min(queue.at + runCommands, commands.length)
    for (; queue.at < end; queue.at++) {
      const command = commands[queue.at] as Uint8Array
      if (!builder.fits(command)) return false
      builder.add(command)
      owners.push(owner)
      tags.push(queue.tags[queue.at] as number)
      this.queued--
    }
    if (queue.at < commands.length) this.turns.push(queue)
    else empty(queue)
    return true
  }

  /** Takes every waiting command out, for forwarding to the leader. */
  drain(each: (command: Uint8Array, owner: CommandOwner, tag: number) => void): void {
    const all = this.turns.slice(this.turnsAt).map(({ owner, commands, tags, at }) => {
      return { owner, commands: commands.slice(at), tags: tags.slice(at) }
    })
    for (const queue of this.turns) empty(queue)
    this.turns = []
    this.turnsAt = 0
    this.pending -= this.queued
    this.queued = 0
    for (const { owner, commands, tags } of all) {
      for (const [i, command] of commands.entries()) each(command, owner, tags[i] as number)
    }
  }

  /** The batch now stands in the log at `index`, uncommitted. */
  record(index: number, batch: ProposedBatch): void {
    const before = this.proposed.get(index)
    if (before === undefined) this.proposed.set(index, [batch])
    else before.push(batch)
  }

  /** The core refused the batch: it reached no log. */
  refuse(batch: ProposedBatch, error: NitroError): void {
    this.failBatch(batch, error)
  }

  /** The entry at `index` is about to be applied: its owners here, if these commands are what it holds. */
  applying(index: number, term: number): ProposedBatch | undefined {
    if (term > this.appliedTerm) this.decideAfter(index, term)
    const batches = this.proposed.get(index)
    if (batches === undefined) return undefined
    this.proposed.delete(index)
    let applied: ProposedBatch | undefined
    for (const batch of batches) {
      if (batch.term === term) applied = batch
      else this.failBatch(batch, overwritten())
    }
    if (applied !== undefined) this.pending -= applied.tags.length
    return applied
  }

  /**
   * An entry of a later term than before is committed at `index`. Terms never fall along a log, and every leader from now on
   * has that entry (Raft, section 5.4.3): what was proposed behind it in an earlier term is in no log that can win. Without this,
   * commands of a leader that was cut off would wait until somebody else's entries reach their place.
   */
  private decideAfter(index: number, term: number): void {
    this.appliedTerm = term
    for (const [at, batches] of this.proposed) {
      if (at <= index) continue
      const left = batches.filter((batch) => batch.term >= term)
      if (left.length === 0) this.proposed.delete(at)
      else this.proposed.set(at, left)
      for (const batch of batches) if (batch.term < term) this.failBatch(batch, overwritten())
    }
  }

  /** The entry of a batch that was being applied could not be, from position `done` on: what became of it is unknown. */
  abandon(batch: ProposedBatch, done: number, error: NitroError): void {
    for (let i = done; i < batch.tags.length; i++)
      (batch.owners[i] as CommandOwner).failed(batch.tags[i] as number, error)
  }

  /** A snapshot, up to an entry of this term, replaced the state: what happened to entries up to there can no longer be told. */
  jumpedTo(index: number, term: number): void {
    const lost = new NitroError('Unavailable', 'the outcome was lost in a snapshot', { executed: 'maybe' })
    for (const [at, batches] of this.proposed) {
      if (at > index) continue
      this.proposed.delete(at)
      for (const batch of batches) this.failBatch(batch, lost)
    }
    if (term > this.appliedTerm) this.decideAfter(index, term)
  }

  /** Gives up what waits: there has been no leader for too long. */
  failLeaderless(): void {
    this.failWaiting(new NitroError('Unavailable', 'no leader is known: is a majority of members up?'))
  }

  /** Fails everything that waits and was proposed nowhere. */
  failWaiting(error: NitroError): void {
    this.failed += this.queued
    this.drain((_command, owner, tag) => owner.failed(tag, error))
  }

  /** Fails everything: the node stops. */
  failAll(): void {
    this.failWaiting(new NitroError('Closed', 'the node is stopping', { retryable: true }))
    const error = new NitroError('Closed', 'the node stopped before the outcome was known', {
      executed: 'maybe',
      retryable: true,
    })
    for (const batches of this.proposed.values()) for (const batch of batches) this.failBatch(batch, error)
    this.proposed.clear()
  }

  private failBatch(batch: ProposedBatch, error: NitroError): void {
    this.pending -= batch.tags.length
    this.failed += batch.tags.length
    for (let i = 0; i < batch.tags.length; i++) {
      ;(batch.owners[i] as CommandOwner).failed(batch.tags[i] as number, error)
    }
  }
}

function empty(queue: Waiting): void {
  queue.commands.length = 0
  queue.tags.length = 0
  queue.at = 0
}

function overwritten(): NitroError {
  return new NitroError('ProposalDropped', 'another leader overwrote the entry before it was committed', {
    executed: 'no',
  })
}
