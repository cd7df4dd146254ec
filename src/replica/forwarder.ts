/**
 * Commands of a follower on their way to the leader, and their outcomes back.
 *
 * Commands travel, never entries: the leader puts them into its own batch. A command is forwarded at most once per
 * attempt, and never onwards from there, so no loop and no silent second execution is possible; whoever sent it decides about
 * another attempt, within its session.
 */
import { NitroError } from '../../base/index.ts'
import type { Scheduler } from '../../base/index.ts'
import { errorResult } from '../../execution/codec.ts'
import { CommandBatchWriter, forEachCommand, frameKinds } from '../wire/index.ts'
import type { CommandOwner } from '../wire/index.ts'
import type { Channel } from './outbox.ts'

/** Sends a frame to a member; false when the link is down or full. */
export type MemberSender = (to: number, channel: Channel, kind: number, payload: Uint8Array) => boolean

interface Forwarded {
  readonly to: number
  readonly owner: CommandOwner
  readonly tag: number
}

const frameBytesMax = 1 << 20

/** The sending half: on a follower. */
export class Forwarder {
  private readonly send: MemberSender
  private readonly underWay = new Map<number, Forwarded>()
  private nextTag = 1
  private batch = new CommandBatchWriter()
  private batchTags: number[] = []
  private to = 0

  constructor(send: MemberSender) {
    this.send = send
  }

  /** Commands sent and not yet answered. */
  get pending(): number {
    return this.underWay.size
  }

  /** Adds a command for the leader `to`; leaves with {@link flush}. */
  add(to: number, command: Uint8Array, owner: CommandOwner, tag: number): void {
    if (this.to !== to || this.batch.sizeBytes >= frameBytesMax) this.flush()
    this.to = to
    const own = this.nextTag++
    this.underWay.set(own, { to, owner, tag })
    this.batchTags.push(own)
    this.batch.add(own, command)
  }

  /** Sends what was added. What can't be sent fails at once: it never left. */
  flush(): void {
    if (this.batch.count === 0) return
    const tags = this.batchTags
    this.batchTags = []
    if (this.send(this.to, 'bulk', frameKinds.forward, this.batch.take())) return
    for (const tag of tags) {
      this.fail(tag, new NitroError('NotLeader', 'the leader cannot be reached from this node', { executed: 'no' }))
    }
  }

  /** The leader answered. */
  answered(payload: Uint8Array): void {
    forEachCommand(payload, (tag, bytes, start, end) => {
      const one = this.underWay.get(tag)
      if (one === undefined) return
      this.underWay.delete(tag)
      one.owner.completed(one.tag, bytes.slice(start, end))
    })
  }

  /** The link to a member broke: what was under way there may or may not have happened. */
  lost(to: number): void {
    for (const [tag, one] of this.underWay) {
      if (one.to !== to) continue
      this.fail(tag, new NitroError('ConnectionClosed', 'the link to the leader broke', { executed: 'maybe' }))
    }
  }

  /**
   * Another node leads: what is under way elsewhere may or may not happen. The old leader may hang on an open link, so
   * its word is not waited for.
   */
  leads(leader: number): void {
    for (const [tag, one] of this.underWay) {
      if (one.to === leader) continue
      this.fail(tag, new NitroError('NotLeader', 'another node leads now', { executed: 'maybe' }))
    }
  }

  /** Fails everything: the node stops. */
  failAll(error: NitroError): void {
    for (const tag of [...this.underWay.keys()]) this.fail(tag, error)
  }

  private fail(tag: number, error: NitroError): void {
    const one = this.underWay.get(tag)
    if (one === undefined) return
    this.underWay.delete(tag)
    one.owner.failed(one.tag, error)
  }
}

const fullPauseMs = 10

/**
 * The receiving half, one per link from a follower: owns the forwarded commands on the leader and gathers their results.
 * It ends with the link, because tags are only unique within the process at its other end.
 */
export class ForwardedOwner implements CommandOwner {
  private readonly send: (payload: Uint8Array) => boolean
  private readonly scheduler: Scheduler
  private results = new CommandBatchWriter()
  /** What the link had no room for, oldest first. */
  private readonly unsent: Uint8Array[] = []
  private over = false

  constructor(send: (payload: Uint8Array) => boolean, scheduler: Scheduler) {
    this.send = send
    this.scheduler = scheduler
  }

  completed(tag: number, result: Uint8Array): void {
    if (this.over) return
    if (this.results.count === 0) this.scheduler.endOfTurn(() => this.flush())
    this.results.add(tag, result)
    if (this.results.sizeBytes >= frameBytesMax) this.flush()
  }

  failed(tag: number, error: NitroError): void {
    this.completed(tag, errorResult(error))
  }

  /** The link is gone: the follower gave up what was under way, and nobody there knows these tags any more. */
  end(): void {
    this.over = true
    this.unsent.length = 0
  }

  private flush(): void {
    if (this.over || this.results.count === 0) return
    this.unsent.push(this.results.take())
    if (this.unsent.length === 1) this.sendUnsent()
  }

  private sendUnsent(): void {
    while (!this.over && this.unsent.length > 0) {
      if (!this.send(this.unsent[0] as Uint8Array)) {
        this.scheduler.after(fullPauseMs, () => this.sendUnsent())
        return
      }
      this.unsent.shift()
    }
  }
}
