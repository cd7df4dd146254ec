/**
 * Virtual time: a queue of events, and a loop that makes each of them happen at its moment.
 *
 * Events are ordered by time, then by a seeded draw, then by number. Events of one process at one moment share the draw,
 * so they stay in the order in which they were planned, as an event loop keeps them; those of different processes do not.
 */
import { assert } from '../../base/index.ts'
import type { SeededRandom } from './random.ts'
import { runTurns } from './real-turn.ts'
import type { Trace } from './trace.ts'

/** What is planned. */
export interface VirtualEvent {
  readonly atMs: number
  readonly tie: number
  readonly seq: number
  readonly run: () => void
  cancelled: boolean
}

/** Draws of a process for events of one moment. */
export interface Lane {
  atMs: number
  tie: number
}

/** Events at one moment after which the simulated system is taken to be spinning. */
const sameMomentMax = 200_000

/** The clock and the queue of a run. */
export class VirtualTime {
  /** Milliseconds since the run began. */
  nowMs = 0
  readonly trace: Trace
  private readonly random: SeededRandom
  private readonly heap: VirtualEvent[] = []
  private nextSeq = 0
  private atOnce = 0

  constructor(random: SeededRandom, trace: Trace) {
    this.random = random
    this.trace = trace
  }

  /** Plans `run` for a time that is not past. */
  plan(lane: Lane, atMs: number, run: () => void): VirtualEvent {
    assert(atMs >= this.nowMs && Number.isFinite(atMs), () => `an event at ${atMs} is planned at ${this.nowMs}`)
    if (lane.atMs !== atMs) {
      lane.atMs = atMs
      lane.tie = this.random.u32()
    }
    const event: VirtualEvent = { atMs, tie: lane.tie, seq: this.nextSeq++, run, cancelled: false }
    this.push(event)
    return event
  }

  /** Makes events happen up to `untilMs`, or until `enough` holds after one of them; true if it did. */
  async run(untilMs: number, enough?: () => boolean): Promise<boolean> {
    let met = false
    let begun = false
    await runTurns(() => {
      // What was set off before comes to its end first.
      if (!begun) {
        begun = true
        return false
      }
      met = enough?.() === true
      return met || !this.next(untilMs)
    })
    return met
  }

  /** Makes one event happen, unless there is none up to `untilMs`. */
  private next(untilMs: number): boolean {
    for (;;) {
      const event = this.heap[0]
      if (event === undefined || event.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs)
        return false
      }
      this.pop()
      if (event.cancelled) continue
      this.atOnce = event.atMs === this.nowMs ? this.atOnce + 1 : 0
      assert(this.atOnce < sameMomentMax, () => `time stands still at ${this.nowMs}`)
      this.nowMs = event.atMs
      event.run()
      return true
    }
  }

  private push(event: VirtualEvent): void {
    const { heap } = this
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const up = (at - 1) >> 1
      if (before(heap[up] as VirtualEvent, event)) break
      heap[at] = heap[up] as VirtualEvent
      at = up
    }
    heap[at] = event
  }

  private pop(): void {
    const { heap } = this
    const event = heap.pop() as VirtualEvent
    const { length } = heap
    if (length === 0) return
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= length) break
      if (down + 1 < length && before(heap[down + 1] as VirtualEvent, heap[down] as VirtualEvent)) down++
      if (before(event, heap[down] as VirtualEvent)) break
      heap[at] = heap[down] as VirtualEvent
      at = down
    }
    heap[at] = event
  }
}

function before(a: VirtualEvent, b: VirtualEvent): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs
  if (a.tie !== b.tie) return a.tie < b.tie
  return a.seq < b.seq
}
