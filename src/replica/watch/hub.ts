/**
 * The watch hub of one node: every watcher is a place in the event log, and the hub moves the watchers on.
 *
 * Watchers that stand at the same place are one cohort. Most stand at the end of the log and go along with it, once a turn;
 * one that resumes or was left behind goes on by itself, until it stands where others do. Nothing is kept for a watcher: what
 * it can't take stays in the log, and when it is compacted there before the watcher comes for it, the watch ends with
 * `Compacted`. Work is bounded for each turn; the rest goes on in the next one.
 */
import { NitroError, isNitroError } from '../../../base/index.ts'
import type { Clock, Scheduler, Timer } from '../../../base/index.ts'
import type { Caller } from '../../../execution/index.ts'
import type { Group as ReplicaGroup } from '../group.ts'
import type { ReplicaPorts } from '../ports.ts'
import type { BarrierWaiter } from '../reads.ts'
import { Cohort, Watcher } from './cohort.ts'
import type { PassEvents } from './cohort.ts'
import { Matcher } from './matcher.ts'
import type { EventBuffer, EventSource, WatchGate, WatchOutlet, WatchSpec } from './types.ts'
import { WaitingCohorts } from './waiting.ts'

/** What a hub stands on. */
export interface WatchHubOptions {
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** The machine; undefined while there is none. */
  readonly source: () => EventSource | undefined
  /** Who may watch; undefined while there is no machine. Default: everybody. */
  readonly gate?: (() => WatchGate | undefined) | undefined
  /** Runs the waiter once every write acknowledged before has been applied. */
  readonly barrier: (waiter: BarrierWaiter) => void
  /** Reading events found damaged state. */
  readonly failed: (error: unknown) => void
}

const sliceMs = 5
const watchersPerLook = 256
const barrierTimeoutMs = 5_000
const watchesMax = 100_000
/** Watchers without events hear how far they are after so many revisions, or after this time. */
const progressRevisions = 10_000
const progressMs = 1_000

/** The hub. */
export class WatchHub implements PassEvents {
  /** Open watches. */
  watchers = 0
  /** Watches that were left behind and wait for their reader. */
  left = 0
  /** Events handed over, once for each watcher. */
  events = 0
  /** How often a watch was left behind. */
  timesLeft = 0
  private readonly options: WatchHubOptions
  private readonly matcher = new Matcher()
  private readonly outlets = new Map<WatchOutlet, Map<number, Watcher>>()
  /** Cohorts that have events to read, in the order of their turns. */
  private readonly ready: Cohort[] = []
  /** Those of them that stand between two revisions, by the later one. */
  private readonly readyAt = new Map<number, Cohort>()
  /** Cohorts that have read everything there is. */
  private readonly waiting = new WaitingCohorts()
  /** Watches that want to hear when they have everything. */
  private readonly asked = new Set<Watcher>()
  private readonly touched = new Set<WatchOutlet>()
  private scheduled = false
  private toldRevision = 0
  private gateVersion = 0
  private reviewing: Generator<Watcher, undefined> | undefined
  private progressTimer: Timer | undefined
  private stopped: NitroError | undefined

  constructor(options: WatchHubOptions) {
    this.options = options
  }

  /** The hub of a group member. */
  static of(group: ReplicaGroup, { clock, scheduler }: ReplicaPorts, failed: (error: unknown) => void): WatchHub {
    return new WatchHub({
      clock,
      scheduler,
      source: () => group.applier.machine,
      gate: () => group.applier.machine?.gate,
      barrier: (waiter) => {
        group.reads.add(waiter)
        group.driver.wake()
      },
      failed,
    })
  }

  /**
   * Opens a watch from a revision on, or, with 0, behind everything acknowledged before the call. The id is the caller's,
   * unique in its outlet. The outlet hears `opened` and then events, or `ended`. It ends when `caller` may not read the keys, or no
   * longer.
   */
  open(
    outlet: WatchOutlet,
    id: number,
    spec: WatchSpec,
    fromRevision: number,
    creditBytes: number,
    caller: Caller = 'owner',
  ): void {
    this.touch(outlet)
    if (this.stopped !== undefined) return outlet.ended(id, this.stopped)
    if (this.watchers >= watchesMax) {
      const details = { name: 'watches', limit: watchesMax }
      return outlet.ended(
        id,
        new NitroError('LimitExceeded', `${watchesMax} watches are open on this node`, { details }),
      )
    }
    const watcher = new Watcher(id, outlet, this.matcher.enter(spec), caller, creditBytes)
    const known = this.outlets.get(outlet) ?? new Map<number, Watcher>()
    this.outlets.set(outlet, known)
    known.set(id, watcher)
    this.watchers++
    if (fromRevision > 0) this.begin(watcher, fromRevision)
    else {
      this.options.barrier({
        deadlineMs: this.options.clock.monotonicMs() + barrierTimeoutMs,
        run: () => {
          const source = this.options.source()
          if (source !== undefined) this.begin(watcher, source.revision + 1)
          else this.end(watcher, new NitroError('Unavailable', 'this node repairs its state'))
        },
        failed: (error) => this.end(watcher, error),
      })
    }
  }

  private begin(watcher: Watcher, fromRevision: number): void {
    if (watcher.over) return
    const refusal = this.refusal(watcher)
    if (refusal !== undefined) return this.end(watcher, refusal)
    this.touch(watcher.outlet)
    watcher.outlet.opened(watcher.id, fromRevision - 1)
    watcher.revision = fromRevision
    this.join(watcher)
  }

  /** Why a watcher may not see what it asks for. */
  private refusal({ caller, group }: Watcher): NitroError | undefined {
    return this.options.gate?.()?.watch(caller, group.spec.start, group.spec.end)
  }

  /**
   * Ends the watches whose callers may not read any more. False while there are more to look at: until then nothing is handed out
   * that was written since.
   */
  private reviewed(): boolean {
    const { clock, gate } = this.options
    const version = gate?.()?.version ?? this.gateVersion
    if (version !== this.gateVersion) this.reviewing = this.all()
    this.gateVersion = version
    const untilMs = clock.monotonicMs() + sliceMs
    for (let sinceLook = 1; this.reviewing !== undefined; sinceLook++) {
      const next = this.reviewing.next()
      if (next.done === true) this.reviewing = undefined
      else {
        const refusal = this.refusal(next.value)
        if (refusal !== undefined) this.end(next.value, refusal)
      }
      if (sinceLook % watchersPerLook === 0 && clock.monotonicMs() >= untilMs) break
    }
    return this.reviewing === undefined
  }

  /** Every watcher there is, also those that come or go meanwhile. */
  private *all(): Generator<Watcher, undefined> {
    for (const known of this.outlets.values()) yield* known.values()
  }

  /** Lets a watcher go on from where it stands. */
  private join(watcher: Watcher): void {
    const { revision, position } = watcher
    const there = position === 0 ? (this.waiting.at(revision) ?? this.readyAt.get(revision)) : undefined
    const cohort = there ?? new Cohort(revision, position)
    cohort.add(watcher)
    if (there === undefined) this.settle(cohort)
    this.wake()
  }

  /** Finds a place for a cohort: with those that wait, if it has read everything, else among those that read. */
  private settle(cohort: Cohort): void {
    if (cohort.size === 0) return
    const { revision, position } = cohort
    if (position > 0) this.ready.push(cohort)
    else if (revision > (this.options.source()?.revision ?? 0)) this.waiting.add(cohort)
    else {
      const there = this.readyAt.get(revision)
      if (there !== undefined) return there.absorb(cohort)
      this.readyAt.set(revision, cohort)
      this.ready.push(cohort)
    }
  }

  /** Whether the outlet has a watch of this id. */
  has(outlet: WatchOutlet, id: number): boolean {
    return this.outlets.get(outlet)?.has(id) === true
  }

  private find(outlet: WatchOutlet, id: number): Watcher | undefined {
    return this.outlets.get(outlet)?.get(id)
  }

  /** Ends a watch that its owner gave up; it hears nothing more. */
  close(outlet: WatchOutlet, id: number): void {
    const watcher = this.find(outlet, id)
    if (watcher !== undefined) this.forget(watcher)
  }

  /** The reader has taken so many bytes. */
  credit(outlet: WatchOutlet, id: number, bytes: number): void {
    const watcher = this.find(outlet, id)
    if (watcher === undefined) return
    watcher.creditBytes += bytes
    this.goOn(watcher)
  }

  /** The outlet can take more. */
  roomAgain(outlet: WatchOutlet): void {
    for (const watcher of this.outlets.get(outlet)?.values() ?? []) this.goOn(watcher)
  }

  private goOn(watcher: Watcher): void {
    if (watcher.cohort !== undefined || watcher.revision === 0 || !watcher.canTake) return
    this.left--
    this.join(watcher)
  }

  /** The watch hears how far it is as soon as it has everything there is. */
  askProgress(outlet: WatchOutlet, id: number): void {
    const watcher = this.find(outlet, id)
    if (watcher === undefined) return
    this.asked.add(watcher)
    this.wake()
  }

  /** The outlet is gone, with all its watches. */
  drop(outlet: WatchOutlet): void {
    for (const watcher of this.outlets.get(outlet)?.values() ?? []) this.forget(watcher)
    this.touched.delete(outlet)
  }

  private forget(watcher: Watcher): void {
    if (watcher.over) return
    watcher.over = true
    if (watcher.cohort === undefined && watcher.revision > 0) this.left--
    watcher.cohort?.remove(watcher)
    this.matcher.leave(watcher.group)
    this.asked.delete(watcher)
    const known = this.outlets.get(watcher.outlet)
    known?.delete(watcher.id)
    if (known?.size === 0) this.outlets.delete(watcher.outlet)
    this.watchers--
  }

  private end(watcher: Watcher, error: NitroError): void {
    if (watcher.over) return
    this.forget(watcher)
    this.touch(watcher.outlet)
    watcher.outlet.ended(watcher.id, error)
  }

  /** There may be new events, or another machine. Costs nothing without watchers. */
  wake(): void {
    if (this.scheduled || this.stopped !== undefined || (this.watchers === 0 && this.touched.size === 0)) return
    this.scheduled = true
    this.options.scheduler.endOfTurn(() => {
      this.scheduled = false
      if (this.stopped === undefined) this.turn()
    })
  }

  private touch(outlet: WatchOutlet): void {
    this.touched.add(outlet)
    this.wake()
  }

  private turn(): void {
    const source = this.options.source()
    if (source !== undefined && source.damage === undefined) {
      if (this.reviewed()) {
        this.advance(source)
        this.tellProgress(source)
      } else this.wake()
    }
    // Who hears of events may open or close watches at once.
    const touched = [...this.touched]
    this.touched.clear()
    for (const outlet of touched) outlet.flush()
    if (this.ready.length > 0 && source !== undefined && source.damage === undefined) this.wake()
  }

  /** Those at the end of the log first: they are most, and one that is far behind has waited already. */
  private advance(source: EventSource): void {
    const { clock, failed } = this.options
    const untilMs = clock.monotonicMs() + sliceMs
    const fresh = this.waiting.take(source.revision)
    for (
      let cohort = fresh.shift() ?? this.ready.shift();
      cohort !== undefined;
      cohort = fresh.shift() ?? this.ready.shift()
    ) {
      if (this.readyAt.get(cohort.revision) === cohort) this.readyAt.delete(cohort.revision)
      try {
        if (cohort.size > 0 && cohort.revision <= source.revision) cohort.pass(source, this.matcher, this)
      } catch (error) {
        if (!isNitroError(error, 'Compacted')) {
          for (const one of [cohort, ...fresh]) this.settle(one)
          failed(error)
          return
        }
        for (const watcher of cohort.watchers()) this.end(watcher, error)
      }
      this.settle(cohort)
      if (clock.monotonicMs() < untilMs) continue
      for (const one of fresh) this.settle(one)
      return
    }
  }

  /** For {@link Cohort} only. */
  given(watcher: Watcher, buffer: EventBuffer): void {
    this.events += buffer.count
    watcher.outlet.events(buffer, watcher.id)
    this.touched.add(watcher.outlet)
  }

  /** For {@link Cohort} only. */
  leftBehind(watcher: Watcher): void {
    this.left++
    this.timesLeft++
    this.touched.add(watcher.outlet)
  }

  private tellProgress(source: EventSource): void {
    for (const watcher of this.asked) {
      if (!hasAll(watcher, source) || (watcher.cohort as Cohort).revision > source.revision + 1) continue
      this.asked.delete(watcher)
      watcher.outlet.progress(watcher.id, source.revision)
      this.touched.add(watcher.outlet)
    }
    const since = source.revision - this.toldRevision
    if (since >= progressRevisions) this.tellAll(source)
    else if (since > 0) {
      this.progressTimer ??= this.options.scheduler.after(progressMs, () => {
        this.progressTimer = undefined
        const now = this.options.source()
        if (now === undefined || now.damage !== undefined || this.stopped !== undefined) return
        this.tellAll(now)
        this.wake()
      })
    }
  }

  private tellAll(source: EventSource): void {
    this.toldRevision = source.revision
    for (const [outlet, known] of this.outlets) {
      const behind: number[] = []
      for (const watcher of known.values()) if (!hasAll(watcher, source)) behind.push(watcher.id)
      if (behind.length === known.size) continue
      outlet.progressAll(source.revision, behind)
      this.touched.add(outlet)
    }
  }

  /** Ends every watch with a reason; none can be opened any more. */
  stop(reason: NitroError): void {
    if (this.stopped !== undefined) return
    this.stopped = reason
    this.progressTimer?.cancel()
    for (const [outlet, known] of this.outlets) {
      for (const watcher of known.values()) this.end(watcher, reason)
      outlet.flush()
    }
  }
}

/** Whether it was handed every event there is. */
function hasAll({ cohort }: Watcher, source: EventSource): boolean {
  return cohort !== undefined && cohort.position === 0 && cohort.revision > source.revision
}
