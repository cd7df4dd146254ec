/**
 * The driver: turns a pure core into a running one.
 *
 * Once per turn: drain what arrived, tick if due, propose what waits, ask for reads, then hand out what the core wants
 * done. The order of effects is the contract (DESIGN section 2): a leader's appends, heartbeats and read messages leave at
 * once; votes, vote requests and every acknowledgement leave after the durable write; committed entries go to the applier, and last:
 * what others wait for, peers and the disk, is on its way before this thread is busy with them.
 */
import type { Clock, Logger, Scheduler } from '../../base/index.ts'
import { isVoteRequest, localAppendThread, localApplyThread } from '../../consensus/index.ts'
import type { Message, RawNode, SoftState } from '../../consensus/index.ts'
import type { LogWriter } from './log-writer.ts'
import type { Outbox } from './outbox.ts'
import type { ReplicaObserver } from './ports.ts'

/** What the driver tells the replica. */
export interface DriverEvents {
  /** Time to propose waiting commands and start read barriers; inside a turn, before hand-outs. */
  beforeReady(): void
  /** The role or the leader changed. */
  softState(state: SoftState): void
  readState(context: Uint8Array, index: number): void
  /** The core accepted a snapshot: log and state are about to be replaced. */
  restoring(index: number): void
  /** Committed entries to apply. */
  apply(message: Message): void
  /** The core wants a peer to get a snapshot. */
  sendSnapshot(message: Message): void
  /** A tick happened, `lateMs` late. */
  ticked(lateMs: number): void
  /** The leader's log clock, in milliseconds; 0 when this node does not lead. */
  logTimeMs(): number
  failed(error: unknown): void
}

/** Runs one core. */
export class Driver {
  readonly core: RawNode
  private readonly clock: Clock
  private readonly scheduler: Scheduler
  private readonly logger: Logger
  private readonly observer: ReplicaObserver | undefined
  private readonly tickMs: number
  private readonly events: DriverEvents
  private readonly outbox: Outbox
  private writer: LogWriter | undefined
  private inbox: Message[] = []
  /** Committed entries of this turn. */
  private committed: Message[] = []
  private scheduled = false
  private stopped = false
  private tickDue = false
  private tickAtMs = 0

  constructor(
    core: RawNode,
    ports: {
      readonly clock: Clock
      readonly scheduler: Scheduler
      readonly logger: Logger
      readonly observer?: ReplicaObserver | undefined
    },
    tickMs: number,
    outbox: Outbox,
    events: DriverEvents,
  ) {
    this.core = core
    this.clock = ports.clock
    this.scheduler = ports.scheduler
    this.logger = ports.logger
    this.observer = ports.observer
    this.tickMs = tickMs
    this.outbox = outbox
    this.events = events
  }

  /** Begins ticking; `writer` takes durable hand-outs. */
  start(writer: LogWriter): void {
    this.writer = writer
    this.tickAtMs = this.clock.monotonicMs() + this.tickMs
    this.armTick()
    this.wake()
  }

  stop(): void {
    this.stopped = true
    this.inbox = []
    this.committed = []
  }

  /** A message for the core, from a peer or from local storage; stepped in this turn. */
  receive(message: Message): void {
    this.inbox.push(message)
    this.wake()
  }

  /** Makes sure that a turn follows. */
  wake(): void {
    if (this.scheduled || this.stopped) return
    this.scheduled = true
    this.scheduler.endOfTurn(() => {
      this.scheduled = false
      if (this.stopped) return
      try {
        this.turn()
      } catch (error) {
        this.stopped = true
        this.events.failed(error)
      }
    })
  }

  private armTick(): void {
    const delayMs = Math.max(this.tickAtMs - this.clock.monotonicMs(), 0)
    this.scheduler.after(delayMs, () => {
      if (this.stopped) return
      this.tickDue = true
      this.wake()
    })
  }

  private turn(): void {
    const messages = this.inbox
    this.inbox = []
    for (const message of messages) this.step(message)
    if (this.tickDue) this.tick()
    this.events.beforeReady()
    while (this.core.hasReady()) this.handOut()
    this.outbox.flush()
    const { committed } = this
    this.committed = []
    for (const message of committed) this.events.apply(message)
  }

  /** A late tick counts once: an election timeout is never used up in one jump. */
  private tick(): void {
    this.tickDue = false
    const nowMs = this.clock.monotonicMs()
    const lateMs = Math.max(nowMs - this.tickAtMs, 0)
    const onTimeMs = this.tickAtMs + this.tickMs
    this.tickAtMs = onTimeMs > nowMs ? onTimeMs : nowMs + this.tickMs
    this.armTick()
    this.events.ticked(lateMs)
    this.core.tick()
  }

  /** Throws `LogDamaged` when it shows that acknowledged entries are gone: then this node must stop. */
  private step(message: Message): void {
    this.observer?.received(message)
    const outcome = this.core.step(message)
    if (outcome === 'ok') return
    this.logger.debug({ type: message.type, from: message.from, outcome }, 'message without effect')
  }

  private handOut(): void {
    const ready = this.core.ready()
    this.observer?.handsOut(ready)
    if (ready.snapshot !== undefined) this.events.restoring(ready.snapshot.meta.index)
    if (ready.softState !== undefined) this.events.softState(ready.softState)
    for (const state of ready.readStates) this.events.readState(state.context, state.index)
    // Reads that came meanwhile are asked for in the next turn, which must not wait for a tick.
    if (ready.readStates.length > 0) this.wake()
    let append: Message | undefined
    const held: Message[] = []
    const logTimeMs = this.events.logTimeMs()
    for (const message of ready.messages) {
      if (message.to === localAppendThread) append = message
      else if (message.to === localApplyThread) this.committed.push(message)
      else if (message.type === 'MsgSnap') this.events.sendSnapshot(message)
      else if (isVoteRequest(message.type)) held.push(message)
      else this.send(message, logTimeMs)
    }
    if (append !== undefined || held.length > 0) this.writer?.push(append, held)
  }

  /** Messages whose write is done: peers' go out, our own are stepped. */
  release(messages: readonly Message[]): void {
    if (messages.length === 0) return
    const logTimeMs = this.events.logTimeMs()
    for (const message of messages) {
      if (message.to === this.core.id) this.inbox.push(message)
      else this.send(message, logTimeMs)
    }
    this.wake()
  }

  private send(message: Message, logTimeMs: number): void {
    this.observer?.sent(message)
    this.outbox.add(message, logTimeMs)
  }
}
