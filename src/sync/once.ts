/**
 * Jobs that run once in the whole cluster for each time of a schedule.
 *
 * Members queue for a lock; its holder runs the job. Before a run, the holder notes the time it is for in a cell beside the lock,
 * under its token: the note is refused to whoever does not hold the lock any more, and a time that is noted is never run again. So
 * a run happens at most once; one whose member dies after the note does not happen.
 */
import { ByteReader, ByteWriter, isNitroError } from '../../base/index.ts'
import type { SyncCell, SyncResource } from '../../execution/codec.ts'
import type { OnceJob, OnceOptions, OnceRun } from '../api/index.ts'
import { onAbort } from './aborts.ts'
import type { Acquirer } from './acquire.ts'
import { Cell } from './cell.ts'
import { pause } from './entries.ts'
import type { Grant } from './grant.ts'
import { tell } from './tell.ts'
import { isWithin, runWithin } from './reentrancy.ts'
import type { Schedule } from './schedule.ts'

const retryMs = 1_000
/** The wall clock may jump: it is looked at again at least so often. */
const lookMs = 10_000

/** What a job is made of. */
export interface OnceFacts {
  readonly resource: SyncResource
  readonly options: OnceOptions
  readonly schedule: Schedule
  readonly job: (run: OnceRun) => unknown
}

/** One member's part in a job. */
export class ScheduledJob implements OnceJob {
  private readonly acquirer: Acquirer
  private readonly facts: OnceFacts
  private readonly cell: Cell
  private readonly stopping = new AbortController()
  private readonly done: Promise<void>
  private grant: Grant | undefined
  private readonly detach: () => void

  constructor(acquirer: Acquirer, facts: OnceFacts) {
    this.acquirer = acquirer
    this.facts = facts
    this.cell = new Cell(acquirer.ports, facts.resource)
    const { signal } = facts.options
    this.detach = onAbort(signal, () => void this.stop())
    if (signal?.aborted === true) this.stopping.abort(signal.reason)
    this.done = this.takePart()
  }

  get isRunner(): boolean {
    const state = this.grant?.state
    return state === 'held' || state === 'uncertain'
  }

  stop(): Promise<void> {
    this.detach()
    this.stopping.abort()
    // A run that stops its own job can't wait for its own end.
    return isWithin(this.acquirer.ports.context, this) ? Promise.resolve() : this.done
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  private async takePart(): Promise<void> {
    const { signal } = this.stopping
    const { resource, options } = this.facts
    const wanted = { resource, mode: 'exclusive', capacity: 1 } as const
    while (!signal.aborted) {
      try {
        const grant = await this.acquirer.acquire(wanted, { ttl: options.ttl, label: options.label, signal })
        this.grant = grant
        if (grant !== undefined) await this.serve(grant)
      } catch (error) {
        if (signal.aborted) break
        this.report(error)
        if (isNitroError(error, 'Closed')) break
        await pause(this.acquirer.ports.scheduler, retryMs, signal)
      } finally {
        await this.grant?.[Symbol.asyncDispose]()
        this.grant = undefined
      }
    }
  }

  /** Runs the job at its times until the grant is lost or the job is stopped. */
  private async serve(grant: Grant): Promise<void> {
    const { schedule, options } = this.facts
    const { clock } = this.acquirer.ports
    let noted = await this.cell.read()
    if (noted === undefined) noted = await this.note(grant, noted, Math.floor(clock.wallMs()))
    while (this.goesOn(grant) && noted !== undefined) {
      let dueMs = schedule(timeOf(noted))
      if (dueMs !== undefined && dueMs <= clock.wallMs() && options.missed !== 'run') dueMs = schedule(clock.wallMs())
      // After the last time of all it is still held, so that others rest as well.
      if (!(await this.waitUntil(dueMs ?? Infinity, grant)) || dueMs === undefined) return
      // Of several missed times one run is for the first, and all count as noted.
      const noteMs = Math.max(dueMs, lastBefore(schedule, dueMs, clock.wallMs()))
      noted = await this.note(grant, noted, noteMs)
      if (noted !== undefined && this.goesOn(grant)) await this.run(grant, dueMs)
    }
  }

  private goesOn(grant: Grant): boolean {
    return !this.stopping.signal.aborted && !grant.signal.aborted
  }

  /** False if it is not to wait any more. */
  private async waitUntil(atMs: number, grant: Grant): Promise<boolean> {
    const { clock, scheduler } = this.acquirer.ports
    const either = new AbortController()
    const abort = (): void => either.abort()
    for (const signal of [grant.signal, this.stopping.signal]) signal.addEventListener('abort', abort)
    for (let leftMs = atMs - clock.wallMs(); leftMs > 0 && this.goesOn(grant); leftMs = atMs - clock.wallMs()) {
      await pause(scheduler, Math.min(leftMs, lookMs), either.signal)
    }
    for (const signal of [grant.signal, this.stopping.signal]) signal.removeEventListener('abort', abort)
    return this.goesOn(grant)
  }

  /** Undefined if somebody else has noted something, which nobody can while the grant is held. Throws `NotHeld`. */
  private async note(grant: Grant, was: SyncCell | undefined, timeMs: number): Promise<SyncCell | undefined> {
    const writer = new ByteWriter(16)
    writer.uint(timeMs)
    const { done, cell } = await this.cell.set(was, writer.take(), { token: grant.token })
    return done ? cell : undefined
  }

  private async run(grant: Grant, scheduledMs: number): Promise<void> {
    const { token, signal } = grant
    const run: OnceRun = {
      ...{ scheduledMs, token, signal },
      throwIfLost: () => grant.throwIfLost(),
      guard: () => grant.guard(),
    }
    try {
      await runWithin(this.acquirer.ports.context, this, async () => this.facts.job(run))
    } catch (error) {
      this.report(error)
    }
  }

  private report(error: unknown): void {
    tell(this.facts.options.onError, error)
  }
}

/** The time up to which everything has been run or skipped. */
function timeOf(cell: SyncCell): number {
  return new ByteReader(cell.value).uint()
}

/** The newest time not after `nowMs`, if one is close: looking through years of them would take long. */
function lastBefore(schedule: Schedule, fromMs: number, nowMs: number): number {
  const next = schedule(fromMs)
  return next !== undefined && next <= nowMs ? Math.floor(nowMs) : fromMs
}
