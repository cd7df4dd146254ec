/**
 * Durable writes of the core's hand-outs: one at a time, everything that gathered meanwhile in the next.
 *
 * What depends on a write leaves after it: the responses the core attached, and vote requests, which DESIGN
 * holds back with them. Responses that address this node itself are stepped into the core like a peer's.
 */
import { assert } from '../../base/index.ts'
import type { Entry, HardState, Message } from '../../consensus/index.ts'
import type { DurableLog, LogBatch } from '../storage/index.ts'

/** One hand-out of the core: what to write and what may leave afterwards. */
interface Job {
  readonly message: Message | undefined
  readonly held: readonly Message[]
}

/** What the writer tells the driver. */
export interface LogWriterEvents {
  /** Durable: these messages may leave now. */
  release(messages: readonly Message[]): void
  /** A snapshot is to take the place of log and state; resolves when the state is switched durably. */
  install(message: Message): Promise<void>
  /** This is durable. */
  written(batch: LogBatch): void
  failed(error: unknown): void
}

/** Writes hand-outs in order. */
export class LogWriter {
  private readonly log: DurableLog
  private readonly events: LogWriterEvents
  private jobs: Job[] = []
  private stopped = false
  /** Whether a durable write is under way. */
  writing = false

  constructor(log: DurableLog, events: LogWriterEvents) {
    this.log = log
    this.events = events
  }

  /** Adds a hand-out; `held` leave together with its responses. */
  push(message: Message | undefined, held: readonly Message[]): void {
    if (message === undefined && this.jobs.length === 0 && !this.writing) {
      this.events.release(held)
      return
    }
    this.jobs.push({ message, held })
    if (!this.writing) this.start()
  }

  /** Writes nothing any more; what is under way ends by itself. */
  stop(): void {
    this.stopped = true
    this.jobs = []
  }

  /** Resolves when no write is under way. */
  async idle(): Promise<void> {
    while (this.current !== undefined) await this.current
  }
  private current: Promise<void> | undefined

  private start(): void {
    if (this.stopped || this.jobs.length === 0) return
    const batch = this.takeBatch()
    this.writing = true
    this.current = this.write(batch).then(
      () => {
        this.current = undefined
        this.writing = false
        if (this.stopped) return
        for (const job of batch) {
          if (job.message !== undefined) this.events.release(job.message.responses)
          this.events.release(job.held)
        }
        this.start()
      },
      (error: unknown) => {
        this.current = undefined
        this.writing = false
        this.stopped = true
        this.events.failed(error)
      },
    )
  }

  /** All waiting jobs; a snapshot is written alone. */
  private takeBatch(): Job[] {
    const at = this.jobs.findIndex((job) => job.message?.snapshot !== undefined)
    if (at < 0) return this.jobs.splice(0)
    return this.jobs.splice(0, at === 0 ? 1 : at)
  }

  private async write(batch: readonly Job[]): Promise<void> {
    const first = batch[0] as Job
    if (first.message?.snapshot !== undefined) {
      assert(batch.length === 1, 'a snapshot is written alone')
      const { meta } = first.message.snapshot
      await this.events.install(first.message)
      await this.persist({
        entries: first.message.entries,
        hardState: hardStateOf(first.message),
        snapshot: { index: meta.index, term: meta.term },
      })
      return
    }
    let entries: Entry[] | readonly Entry[] = []
    let hardState: HardState | undefined
    for (const { message } of batch) {
      if (message === undefined) continue
      entries = joinEntries(entries, message.entries)
      hardState = hardStateOf(message) ?? hardState
    }
    if (entries.length === 0 && hardState === undefined) return
    await this.persist({ entries, hardState })
  }

  private async persist(batch: LogBatch): Promise<void> {
    await this.log.write(batch)
    this.events.written(batch)
  }
}

/** The hard state a hand-out asks to persist; all zero means none. */
function hardStateOf(message: Message): HardState | undefined {
  const { term, vote, commit } = message
  return term === 0 && vote === 0 && commit === 0 ? undefined : { term, vote, commit }
}

/** `more` after `entries`; where it begins at or before their end it replaces what follows (a newer leader's suffix). */
function joinEntries(entries: readonly Entry[], more: readonly Entry[]): readonly Entry[] {
  if (more.length === 0) return entries
  if (entries.length === 0) return more
  const first = (more[0] as Entry).index
  const start = (entries[0] as Entry).index
  assert(first <= start + entries.length, () => `entries up to ${start + entries.length - 1}, then ${first}`)
  return [...entries.slice(0, Math.max(first - start, 0)), ...more]
}
