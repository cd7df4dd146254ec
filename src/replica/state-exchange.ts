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
  /** The new machine is in place. */
  readonly exchanged: (machine: Machine) => void
}

/** Exchanges the state of one group member. */
export class StateExchange {
  private readonly options: StateExchangeOptions

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

  /** Switches to a received state. */
  async install(received: ReceivedState): Promise<void> {
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
    exchanged(machine)
  }

  /** The state on disk is damaged: serve nothing, and fetch it anew. The log is whole, so this node may still vote. */
  async repair(reason: unknown): Promise<void> {
    const { applier, flusher, snapshots, ports } = this.options
    ports.logger.error({ reason: messageOf(reason) }, 'state damaged: fetching it from a peer')
    applier.abandonEntry()
    await this.boundary()
    applier.exchange(undefined)
    await flusher.pause()
    snapshots.fetch(flusher.durable.index)
  }

  private async boundary(): Promise<void> {
    const { applier, ports } = this.options
    while (!applier.atBoundary) await new Promise<void>((resolve) => ports.scheduler.endOfTurn(resolve))
  }
}
