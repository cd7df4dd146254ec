/**
 * Writes the machine's effects to disk behind its back: whole entries, one synced batch each time, metadata included.
 *
 * `durable` is the position a restart would begin at; the log is never compacted above it. Between two batches the
 * database stands exactly at `durable`: that is when snapshots are taken of it.
 */
import { emptyBytes } from '../../base/index.ts'
import type { Clock, Kv, KvSnapshot, Metrics, Scheduler, Timer } from '../../base/index.ts'
import type { Snapshot } from '../../consensus/index.ts'
import type { Machine } from '../../execution/index.ts'
import type { StateDirectory } from '../storage/index.ts'
import type { Configuration } from './configuration.ts'
import { decodeConfiguration } from './configuration.ts'
import type { ReplicaSizes } from './ports.ts'

/** A position of the state on disk, with what Raft and the member table say there. */
export interface DurablePosition {
  readonly index: number
  readonly term: number
  readonly revision: number
  readonly configuration: Configuration
}

/** What the flusher tells the replica. */
export interface FlusherEvents {
  /** `durable` moved. */
  flushed(): void
  failed(error: unknown): void
  /** Whether the machine stands between two entries. */
  atBoundary(): boolean
}

/** Flushes one machine at a time. */
export class Flusher {
  durable: DurablePosition
  private machine: Machine | undefined
  private readonly state: StateDirectory
  private readonly clock: Clock
  private readonly scheduler: Scheduler
  private readonly metrics: Metrics
  private readonly sizes: ReplicaSizes
  private readonly events: FlusherEvents
  private timer: Timer | undefined
  private running: Promise<void> | undefined
  private paused = false
  private readonly quiet: (() => void)[] = []
  private decoded: { readonly bytes: Uint8Array; readonly configuration: DurablePosition['configuration'] } | undefined

  constructor(
    machine: Machine | undefined,
    position: DurablePosition,
    state: StateDirectory,
    ports: { readonly clock: Clock; readonly scheduler: Scheduler; readonly metrics: Metrics },
    sizes: ReplicaSizes,
    events: FlusherEvents,
  ) {
    this.machine = machine
    this.state = state
    this.clock = ports.clock
    this.scheduler = ports.scheduler
    this.metrics = ports.metrics
    this.sizes = sizes
    this.events = events
    this.durable = position
  }

  /** The database in use; for reading blocks. */
  get kv(): Kv {
    return this.state.kv
  }

  /** An entry was applied: flush soon, or now if much has gathered. */
  noteApplied(): void {
    if (this.paused || this.running !== undefined || this.machine === undefined) return
    if (this.machine.overlayBytes >= this.sizes.flushBytes) this.start()
    else this.timer ??= this.scheduler.after(this.sizes.flushIntervalMs, () => this.start())
  }

  /** Whether the database is one to copy from: not while it is being repaired or replaced. */
  get whole(): boolean {
    return this.machine !== undefined && !this.paused
  }

  /**
   * Whether applying should wait for the disk: the next flush is full, and one is under way. A seal is one turn that takes all that has
   * gathered, and twice as much of old blocks, so what may gather while the disk stalls is how long everything stops later.
   */
  get behind(): boolean {
    return this.running !== undefined && (this.machine?.overlayBytes ?? 0) >= this.sizes.flushBytes
  }

  private start(): void {
    this.timer?.cancel()
    this.timer = undefined
    const { machine } = this
    if (this.paused || this.running !== undefined || machine === undefined) return
    if (!this.events.atBoundary()) {
      this.timer = this.scheduler.after(1, () => this.start())
      return
    }
    let flush: ReturnType<Machine['seal']>
    try {
      flush = machine.seal()
    } catch (error) {
      this.events.failed(error)
      return
    }
    if (flush === undefined) return this.runQuiet()
    const position = this.positionOf(machine)
    const startedMs = this.clock.monotonicMs()
    this.running = this.state
      .write(flush.changes)
      .then(() => {
        this.running = undefined
        this.metrics.observe('nitrostate_disk_flush_duration_seconds', (this.clock.monotonicMs() - startedMs) / 1000)
        machine.flushed(flush)
        this.durable = position
        this.runQuiet()
        this.events.flushed()
        if (machine.overlayBytes > 0) this.noteApplied()
      })
      .catch((error: unknown) => {
        this.running = undefined
        this.events.failed(error)
      })
  }

  private runQuiet(): void {
    for (const run of this.quiet.splice(0)) run()
  }

  /** What the core may tell a follower that needs a snapshot. */
  newestSnapshot(): Snapshot | 'snapshotTemporarilyUnavailable' {
    const { index, term, configuration } = this.durable
    if (index === 0 || !this.whole) return 'snapshotTemporarilyUnavailable'
    return { meta: { index, term, confState: configuration.confState }, data: emptyBytes }
  }

  /** A view of the database exactly at `durable`, as soon as no batch is under way. */
  snapshot(): Promise<{ readonly position: DurablePosition; readonly view: KvSnapshot }> {
    return new Promise((resolve) => {
      const take = (): void => resolve({ position: this.durable, view: this.state.snapshot() })
      if (this.running === undefined) take()
      else this.quiet.push(take)
    })
  }

  /** Writes everything applied so far and resolves when it is durable. */
  async flushAll(): Promise<void> {
    await this.idle()
    this.start()
    await this.idle()
  }

  private async idle(): Promise<void> {
    while (this.running !== undefined) await this.running
  }

  /** Starts no more batches and waits for the one under way. */
  async pause(): Promise<void> {
    this.paused = true
    this.timer?.cancel()
    this.timer = undefined
    await this.idle()
  }

  /** Goes on with another machine, whose state the database already holds durably. */
  replace(machine: Machine): void {
    this.machine = machine
    this.durable = this.positionOf(machine)
    this.paused = false
  }

  /** Goes on with the same machine. */
  unpause(): void {
    this.paused = false
    this.noteApplied()
  }

  private positionOf(machine: Machine): DurablePosition {
    return {
      index: machine.appliedIndex,
      term: machine.appliedTerm,
      revision: machine.revision,
      configuration: this.configurationOf(machine.configuration),
    }
  }

  /** Configurations are rare: the one that was decoded last is nearly always the one that is asked for. */
  private configurationOf(bytes: Uint8Array): DurablePosition['configuration'] {
    if (this.decoded?.bytes !== bytes) this.decoded = { bytes, configuration: decodeConfiguration(bytes) }
    return this.decoded.configuration
  }
}
