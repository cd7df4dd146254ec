/** What the storage tests share: a disk in memory, a manual clock, entries. */
import type { Clock, Files, Scheduler } from '../../base/index.ts'
import type { Entry } from '../../consensus/index.ts'
import type { DurableLog, LogOptions } from '../../src/storage/index.ts'
import { nodeCrypto, openLog } from '../../src/storage/index.ts'

export const incarnation: Uint8Array = Uint8Array.from({ length: 16 }, (_, at) => at + 1)

/** Timers that run when told to. */
export class ManualTime implements Scheduler, Clock {
  private nowMs = 0
  private readonly timers = new Set<{ readonly at: number; readonly run: () => void }>()

  monotonicMs(): number {
    return this.nowMs
  }

  wallMs(): number {
    return this.nowMs
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = { at: this.nowMs + delayMs, run }
    this.timers.add(timer)
    return { cancel: () => void this.timers.delete(timer) }
  }

  endOfTurn(run: () => void): void {
    this.after(0, run)
  }

  get pending(): number {
    return this.timers.size
  }

  advance(ms: number): void {
    this.nowMs += ms
    for (const timer of [...this.timers]) {
      if (timer.at > this.nowMs) continue
      this.timers.delete(timer)
      timer.run()
    }
  }
}

/** Lets everything that is only waiting for microtasks go on. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Opens `data/log/` with small segments on a disk. */
export function openOn(files: Files, options: Partial<LogOptions> = {}): Promise<DurableLog> {
  const time = new ManualTime()
  const defaults = { directory: 'data', crypto: nodeCrypto, scheduler: time, clock: time, incarnation, create: false }
  return openLog({ ...defaults, files, segmentBytes: 4096, ...options })
}

/** Entries [from, from + count) whose data names index and term. */
export function entriesFrom(from: number, count: number, term = 1, bytes = 20): Entry[] {
  return Array.from({ length: count }, (_, at) => entry(from + at, term, bytes))
}

/** One entry with recognizable data of `bytes` bytes. */
export function entry(index: number, term = 1, bytes = 20): Entry {
  const data = Uint8Array.from({ length: bytes }, (_, at) => ((index * 7 + term * 31 + at * 13) % 255) + 1)
  return { index, term, type: 'normal', data }
}

/** Everything a log holds, as plain data. */
export function contentOf(log: DurableLog): { first: number; hardState: object; entries: unknown[] } {
  const [first, last] = [log.firstIndex(), log.lastIndex()]
  const entries = first > last ? [] : log.entries(first, last + 1, Number.MAX_SAFE_INTEGER)
  if (!Array.isArray(entries)) throw new Error(`entries said ${entries}`)
  return {
    first,
    hardState: log.hardState,
    entries: entries.map(({ index, term, type, data }) => ({ index, term, type, data: [...data] })),
  }
}

/** Whether two plain values are equal; for loops too long for `expect`. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
