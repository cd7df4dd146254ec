/**
 * Feeds committed entries to the machine, in slices.
 *
 * A slice ends after a command once `sliceMs` are spent, so that ticks and messages are never kept waiting; commands stay
 * atomic to readers, because nothing else runs inside one. Results leave as their commands run; the acknowledgement to
 * the core, which moves its applied index, leaves when the whole hand-out is done.
 *
 * The machine can be missing for a while (its state is being repaired) or be exchanged for one from a snapshot. Entries
 * that the new machine already contains are passed over.
 */
import { NitroError, assert } from '../../base/index.ts'
import type { Clock, Scheduler } from '../../base/index.ts'
import type { Entry, Message } from '../../consensus/index.ts'
import type { Machine } from '../../execution/index.ts'
import type { Proposals, ProposedBatch } from './proposals.ts'

/** What the applier tells the replica. */
export interface ApplierEvents {
  /** A configuration entry is due: change the core and hand the new table to the machine. */
  configuration(entry: Entry): void
  /** A configuration entry was handed out that the machine already contains. */
  passed(entry: Entry): void
  /** The machine's applied index moved by one entry. */
  applied(entry: Entry): void
  /** A hand-out is finished: its responses go to the core. */
  done(message: Message): void
  /** The machine or the log is broken; the node can't go on as it is. */
  failed(error: unknown): void
  /** Whether applying has to wait, because flushing is behind. */
  mustWait(): boolean
}

const sliceMs = 5
const commandsPerLook = 16

/** Applies committed entries in order. */
export class Applier {
  machine: Machine | undefined
  /** Commands applied by this process. */
  commands = 0
  private readonly clock: Clock
  private readonly scheduler: Scheduler
  private readonly proposals: Proposals
  private readonly events: ApplierEvents
  private readonly work: Message[] = []
  private position = 0
  private open: { readonly batch: ProposedBatch | undefined; done: number } | undefined
  private scheduled = false
  private stopped = false
  private readonly sink = (position: number, result: Uint8Array): void => {
    this.commands++
    const { open } = this
    if (open?.batch === undefined) return
    const { batch } = open
    open.done = position + 1
    const owner = batch.owners[position]
    if (owner === undefined) return
    if (position > 0 && batch.owners[position - 1] !== owner) batch.owners[position - 1]?.runEnded?.()
    owner.completed(batch.tags[position] as number, result)
  }

  constructor(clock: Clock, scheduler: Scheduler, proposals: Proposals, events: ApplierEvents) {
    this.clock = clock
    this.scheduler = scheduler
    this.proposals = proposals
    this.events = events
  }

  /** True between two entries: the only time at which the machine may be sealed or exchanged. */
  get atBoundary(): boolean {
    return this.open === undefined
  }

  /** Entries handed out and not yet applied. */
  get backlog(): number {
    return this.work.reduce((sum, message) => sum + message.entries.length, 0) - this.position
  }

  /** Takes a hand-out of committed entries; they are applied in this turn as far as time allows. */
  push(message: Message): void {
    this.work.push(message)
    if (!this.scheduled) this.run()
  }

  /** Goes on after `mustWait` or after a machine arrived. */
  resume(): void {
    if (!this.scheduled) this.run()
  }

  /** Puts another machine in place; only between entries. */
  exchange(machine: Machine | undefined): void {
    assert(this.open === undefined, 'the machine is exchanged between entries')
    this.machine = machine
  }

  /** Gives up the entry that could not be applied; whoever waits for its commands can't know what became of them. */
  abandonEntry(): void {
    const { open } = this
    this.open = undefined
    this.stopped = false
    if (open?.batch === undefined) return
    const error = new NitroError('Unavailable', 'this node met damaged state', { executed: 'maybe' })
    this.proposals.abandon(open.batch, open.done, error)
  }

  /** Applies nothing any more. Who waits for the rest of the open entry, which stays open, can't know what became of it. */
  stop(): void {
    this.stopped = true
    this.commands++
    const { open } = this
    if (open?.batch === undefined) return
    this.open = { batch: undefined, done: 0 }
    this.proposals.abandon(
      open.batch,
      open.done,
      new NitroError('Closed', 'the node is stopping', { executed: 'maybe' }),
    )
  }

  private schedule(): void {
    this.scheduled = true
    this.scheduler.endOfTurn(() => {
      this.scheduled = false
      this.run()
    })
  }

  private run(): void {
    if (this.stopped) return
    try {
      this.slice()
    } catch (error) {
      this.stopped = true
      this.events.failed(error)
    }
  }

  private slice(): void {
    const untilMs = this.clock.monotonicMs() + sliceMs
    while (this.work.length > 0 && !this.stopped) {
      const machine = this.machine
      if (machine === undefined) return
      const message = this.work[0] as Message
      while (this.position < message.entries.length) {
        if (this.open === undefined && this.events.mustWait()) return
        const entry = message.entries[this.position] as Entry
        if (entry.index <= machine.appliedIndex) this.pass(entry)
        else if (!this.applyEntry(machine, entry, untilMs)) return this.schedule()
        this.position++
        if (this.machine !== machine) break
        if (this.clock.monotonicMs() >= untilMs) return this.schedule()
      }
      if (this.position < message.entries.length) continue
      this.position = 0
      this.work.shift()
      this.events.done(message)
    }
  }

  private pass(entry: Entry): void {
    if (entry.type !== 'normal') this.events.passed(entry)
  }

  /** Applies one entry or goes on with it; false when time is up before its end. */
  private applyEntry(machine: Machine, entry: Entry, untilMs: number): boolean {
    if (this.open === undefined) {
      assert(
        entry.index === machine.appliedIndex + 1,
        () => `entry ${entry.index} follows applied index ${machine.appliedIndex}`,
      )
      const batch = this.proposals.applying(entry.index, entry.term)
      if (entry.type !== 'normal') {
        this.events.configuration(entry)
        this.events.applied(entry)
        return true
      }
      if (entry.data.length === 0) {
        machine.skipEntry(entry.index, entry.term)
        this.events.applied(entry)
        return true
      }
      machine.startEntry(entry.index, entry.term, entry.data, batch !== undefined)
      this.open = { batch, done: 0 }
    }
    for (let sinceLook = 1; machine.step(this.sink); sinceLook++) {
      if (sinceLook % commandsPerLook === 0 && this.clock.monotonicMs() >= untilMs) return false
    }
    machine.finishEntry()
    this.open.batch?.owners.at(-1)?.runEnded?.()
    this.open = undefined
    this.events.applied(entry)
    return true
  }
}
