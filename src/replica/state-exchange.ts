/**
 * Putting another state in place of the present one: a snapshot that the core accepted, or a repair of damaged state.
 *
 * Order: no entry is open; nothing is being flushed; the new database is chosen by one durable write; only then do
 * machine and flusher go on with it. The log learns of it afterwards, so a crash in between finds a state that is ahead
 * of the log, which the next start understands.
 */
import { assert, messageOf } from '../../base/index.ts'
import type { Message } from '../../consensus/index.ts'
import type { Machine } from '../../execution/index.ts'
import type { Applier } from './applier.ts'
import type { Flusher } from './flusher.ts'
import type { ReplicaPorts } from './ports.ts'
import type { ReceivedState, Snapshots } from './snapshots.ts'

/** What an exchange touches. */
export interface StateExchangeOptions {
  readonly ports: ReplicaPorts
  readonly applier: Applier
  readonly flusher: Flusher
  readonly snapshots: Snapshots
  /** The new machine is in place; `repaired` if the core does not know of it. */
  readonly exchanged: (machine: Machine, repaired: boolean) => void
}

/** Exchanges the state of one group member. */
export class StateExchange {
  private readonly options: StateExchangeOptions
  private last: Promise<unknown> = Promise.resolve()

  constructor(options: StateExchangeOptions) {
    this.options = options
  }

  /** The core accepted the snapshot that was received: switch to it, durably, before the log says so. */
  async installForCore(message: Message): Promise<void> {
    const index = message.snapshot?.meta.index ?? 0
    const received = this.options.snapshots.take(index)
    assert(received !== undefined, () => `the snapshot at ${index} was received`)
    await this.install(received)
  }

  /** Switches to a received state, after any exchange that is still under way. */
  install(received: ReceivedState): Promise<void> {
    return this.inTurn(() => this.switchTo(received))
  }

  private inTurn(run: () => Promise<void>): Promise<void> {
    const done = this.last.then(run)
    this.last = done.catch(() => undefined)
    return done
  }

  private async switchTo(received: ReceivedState): Promise<void> {
    const { applier, flusher, ports, exchanged } = this.options
    await this.boundary()
    applier.exchange(undefined)
    await flusher.pause()
    await received.replacement.commit()
    const { machine } = received
    flusher.replace(machine)
    applier.exchange(machine)
    ports.metrics.add('nitrostate_snapshots_received_total')
    ports.logger.info({ index: machine.appliedIndex }, 'state replaced by a snapshot')
    exchanged(machine, received.message === undefined)
  }

  /**
   * The state on disk is damaged: serve nothing, and fetch it anew. The log is whole, so this node may still vote. The core
   * hands every entry out once, so the new state must hold all that were applied, not only those that were flushed.
   */
  async repair(reason: unknown): Promise<void> {
    const { applier, flusher, snapshots, ports } = this.options
    ports.logger.error({ reason: messageOf(reason) }, 'state damaged: fetching it from a peer')
    const reached = Math.max(applier.machine?.appliedIndex ?? 0, flusher.durable.index)
    applier.abandonEntry()
    applier.exchange(undefined)
    const paused = flusher.pause()
    await this.inTurn(async () => {
      await paused
      // A snapshot that was on its way may have taken its place already.
      if (applier.machine === undefined) snapshots.fetch(reached)
    })
  }

  private async boundary(): Promise<void> {
    const { applier, ports } = this.options
    while (!applier.atBoundary) await new Promise<void>((resolve) => ports.scheduler.endOfTurn(resolve))
  }
}
