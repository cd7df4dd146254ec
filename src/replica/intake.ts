/**
 * Where commands and reads enter a group: on the leader they become entries, on a follower they travel to the leader; reads
 * wait for their barrier.
 */
import { ByteWriter, NitroError, isNitroError, latin1 } from '../../base/index.ts'
import { EntryBuilder, authFlag, builtins, checkCommand, encodeCommand, nextActivation } from '../../execution/index.ts'
import type { Caller, CommandHeader, Machine } from '../../execution/index.ts'
import type { Consistency } from '../api/index.ts'
import { forEachCommand, frameKinds } from '../wire/index.ts'
import type { CommandOwner } from '../wire/index.ts'
import { ForwardedOwner, Forwarder } from './forwarder.ts'
import type { MemberSender } from './forwarder.ts'
import type { Group } from './group.ts'
import type { LogClock } from './log-clock.ts'
import type { LogWriter } from './log-writer.ts'
import { encodeOffer } from './offers.ts'
import type { ReplicaPorts } from './ports.ts'

/** What the intake stands on. */
export interface IntakeOptions {
  readonly group: Group
  readonly ports: ReplicaPorts
  readonly logClock: LogClock
  readonly writer: LogWriter
  readonly send: MemberSender
  /** Whether there is a link to a member. */
  readonly reaches: (member: number) => boolean
  readonly failed: (error: unknown) => void
}

/** The intake of one group member. */
export class Intake {
  private readonly options: IntakeOptions
  private readonly forwarder: Forwarder
  private readonly builder = new EntryBuilder()
  private readonly followers = new Map<number, ForwardedOwner>()
  private timeEntry = 0
  private activationEntry = 0

  constructor(options: IntakeOptions) {
    this.options = options
    this.forwarder = new Forwarder(options.send)
  }

  /** Commands whose outcome is open. */
  get pending(): number {
    return this.options.group.proposals.pending + this.forwarder.pending
  }

  /** Whether this node leads, or there is a link to the one that does. */
  get reachesLeader(): boolean {
    const { group, reaches } = this.options
    return group.isLeader || (group.leaderId !== 0 && reaches(group.leaderId))
  }

  /** Puts a command on its way; `owner` hears exactly once. */
  submit(command: Uint8Array, owner: CommandOwner, tag: number): void {
    const { group } = this.options
    if (group.halted) return owner.failed(tag, stopping())
    if (!this.admit(command, owner, tag)) return
    group.proposals.submit(command, owner, tag)
    group.driver.wake()
  }

  /** Nothing enters the log that the machine could not read: such an entry would halt every node. */
  private admit(command: Uint8Array, owner: CommandOwner, tag: number): boolean {
    try {
      const header = checkCommand(command)
      if (header.program === 0) this.refuseAwaited(command, header)
      if (header.callerAt >= 0 || header.program === builtins.auth) this.refuseUnflagged()
      return true
    } catch (error) {
      if (!isNitroError(error)) throw error
      owner.failed(tag, error)
      return false
    }
  }

  /** A program of which no version is in force yet may be in a moment: better to ask again than to hear that it is unknown. */
  private refuseAwaited(command: Uint8Array, { nameAt, nameEnd }: CommandHeader): void {
    const { machine } = this.options.group.applier
    if (machine === undefined) throw repairing()
    const { activation } = machine
    if (!activation.offersMore) return
    const name = latin1(command, nameAt, nameEnd)
    if (activation.awaits(name)) throw notActive(name)
  }

  /** Members of a release that knows no users would halt at such a command; the flag says that there are none. */
  private refuseUnflagged(): void {
    if (this.options.group.applier.machine?.activation.flagOn(authFlag) !== true) throw notActive('auth')
  }

  /** Runs a query at the wished consistency; `owner` hears exactly once. */
  query(
    program: string,
    method: string,
    args: Uint8Array,
    consistency: Consistency,
    timeoutMs: number,
    owner: CommandOwner,
    tag: number,
    caller: Caller,
  ): void {
    const { group, ports } = this.options
    if (group.halted) return owner.failed(tag, stopping())
    const run = (): void => this.answer(program, method, args, owner, tag, caller)
    if (consistency === 'committed') {
      run()
      return
    }
    const deadlineMs = ports.clock.monotonicMs() + timeoutMs
    group.reads.add({ deadlineMs, run, failed: (error) => owner.failed(tag, error) })
    group.driver.wake()
  }

  private answer(
    program: string,
    method: string,
    args: Uint8Array,
    owner: CommandOwner,
    tag: number,
    caller: Caller,
  ): void {
    const { machine } = this.options.group.applier
    if (machine === undefined) {
      owner.failed(tag, repairing())
      return
    }
    if (machine.activation.awaits(program)) return owner.failed(tag, notActive(program))
    this.options.ports.metrics.add('nitrostate_server_reads_total')
    const result = machine.query(program, method, args, this.options.logClock.now(), caller)
    if (machine.damage === undefined) {
      owner.completed(tag, result)
      return
    }
    owner.failed(tag, new NitroError('Unavailable', 'this node met damaged state and repairs it'))
    this.options.failed(machine.damage)
  }

  /**
   * Once a turn, before the core hands out: proposes or forwards what waits, and asks for a read index. While the leader can't
   * be reached, commands wait as they do without one: most often it has died, and refused they would come again ever more
   * slowly, long after there is a new one.
   */
  turn(): void {
    const { group } = this.options
    const { leaderId, proposals, reads } = group
    if (group.isLeader) {
      this.proposeActivation()
      this.proposeWaiting()
    } else if (proposals.queued > 0 && this.reachesLeader) {
      proposals.drain((command, owner, tag) => this.forwarder.add(leaderId, command, owner, tag))
      this.forwarder.flush()
    }
    if (reads.waiting && leaderId !== 0) reads.start()
  }

  /** Everything that waits becomes entries; while a durable write is under way, more gathers for the next one. */
  private proposeWaiting(): void {
    const { group, writer } = this.options
    const { core } = group.driver
    while (group.proposals.queued > 0 && !writer.writing) {
      this.builder.clear()
      const batch = group.proposals.fill(this.builder, core.term)
      try {
        group.proposals.record(core.propose(this.finishEntry()).index, batch)
      } catch (error) {
        if (!isNitroError(error)) throw error
        group.proposals.refuse(batch, new NitroError('ProposalDropped', error.message, { executed: 'no' }))
      }
    }
  }

  private finishEntry(): Uint8Array {
    return this.builder.finish(this.options.logClock.now(), Math.floor(this.options.ports.clock.wallMs()))
  }

  /** Proposes an empty entry when something is due by log time and no other entry carries the time. */
  proposeTime(machine: Machine): void {
    const due = machine.nextDeadline
    if (due === undefined || due > this.options.logClock.now() || this.timeEntry > machine.appliedIndex) return
    this.builder.clear()
    try {
      this.timeEntry = this.options.group.driver.core.propose(this.finishEntry()).index
    } catch (error) {
      if (!isNitroError(error)) throw error
    }
  }

  /** Proposes what every member offers above what is in force; members that can't be asked are waited for. */
  private proposeActivation(): void {
    const { group } = this.options
    const { machine } = group.applier
    if (machine?.activation.offersMore !== true || this.activationEntry > machine.appliedIndex) return
    const offers = group.members.offers()
    const changes = offers === undefined ? undefined : nextActivation(machine.activation.active, offers)
    if (changes === undefined) return
    const writer = new ByteWriter()
    encodeCommand(writer, { program: 'system', method: 'activate', args: encodeOffer(changes) })
    this.builder.clear()
    this.builder.add(writer.take())
    try {
      this.activationEntry = group.driver.core.propose(this.finishEntry()).index
    } catch (error) {
      if (!isNitroError(error)) throw error
    }
  }

  /** Commands a follower forwarded. Throws `MalformedFrame`. */
  forwarded(from: number, payload: Uint8Array): void {
    const { group } = this.options
    const owner = this.ownerFor(from)
    const { isLeader } = group
    forEachCommand(payload, (tag, bytes, start, end) => {
      const command = bytes.subarray(start, end)
      if (isLeader) {
        if (this.admit(command, owner, tag)) group.proposals.submit(command, owner, tag)
      } else owner.failed(tag, new NitroError('NotLeader', `${group.selfName} does not lead`, { executed: 'no' }))
    })
    group.driver.wake()
  }

  private ownerFor(from: number): ForwardedOwner {
    let owner = this.followers.get(from)
    if (owner === undefined) {
      const { send, ports } = this.options
      const answer = (results: Uint8Array): boolean => send(from, 'bulk', frameKinds.forwardResult, results)
      this.followers.set(from, (owner = new ForwardedOwner(answer, ports.scheduler)))
    }
    return owner
  }

  /** The leader answered forwarded commands. Throws `MalformedFrame`. */
  answered(payload: Uint8Array): void {
    this.forwarder.answered(payload)
  }

  /** There is a leader, and it is another than before. */
  leaderChanged(leader: number): void {
    this.forwarder.leads(leader)
    // What this node proposed in an earlier term may be gone, and its index with it.
    this.activationEntry = 0
  }

  /** The link to a member broke. */
  linkLost(id: number): void {
    this.forwarder.lost(id)
    this.followers.get(id)?.end()
    this.followers.delete(id)
  }

  /** Fails everything: the node stops. */
  failAll(error: NitroError): void {
    this.options.group.proposals.failAll()
    this.forwarder.failAll(error)
    this.options.group.reads.failAll(error)
  }
}

function notActive(program: string): NitroError {
  return new NitroError('Unavailable', `${program} is not in force yet: not every member offers it, or was asked`, {
    executed: 'no',
    retryable: true,
  })
}

/** Without its state a node can't read, nor tell whether a program is in force. */
function repairing(): NitroError {
  return new NitroError('Unavailable', 'this node is repairing its state', { executed: 'no', retryable: true })
}

function stopping(): NitroError {
  return new NitroError('Closed', 'the node is stopping', { executed: 'no', retryable: true })
}
