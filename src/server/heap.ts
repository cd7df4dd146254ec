/**
 * Room for garbage. V8 begins to collect the old generation when it and the buffers made since the last time have grown to about twice
 * of what was live then. A server's heap is small, while frames, blocks and entries of the log pass through it fast: under load that
 * is several collections a second, and a quarter of a follower's processor time. A heap that may grow by some megabytes first needs a
 * tenth of them. Buffers have a limit of their own, 64 MiB since the last collection, which nothing raises: they are kept out of old
 * memory instead (ADR 0022).
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import type { Scheduler } from '../../base/index.ts'

/** What a heap may grow by, at least, before the old generation is collected. */
const roomBytes = 128 * 1024 * 1024
/** More than this many percent of what is live is not given: it would be room for a server that does nothing. */
const percentMax = 400
/** What V8 does by itself when it is not told a number of percent. */
const usualPercent = 100
const checkMs = 5_000

/** The heap of this process. */
export interface Heap {
  usedBytes(): number
  /** How many percent of what is live may be added before the next collection; 0 leaves it to V8. */
  setGrowth(percent: number): void
}

/** V8's. */
export const v8Heap: Heap = {
  usedBytes: () => getHeapStatistics().used_heap_size,
  setGrowth: (percent) => setFlagsFromString(`--heap-growing-percent=${percent}`),
}

/** Keeps the room while a heap grows and shrinks, until the function it returns is called. */
export function keepHeapRoom(heap: Heap, scheduler: Scheduler): () => void {
  let last = 0
  const check = (): void => {
    const wanted = Math.min(Math.round((roomBytes / heap.usedBytes()) * 100), percentMax)
    const percent = wanted <= usualPercent ? 0 : wanted
    if (percent !== last) heap.setGrowth(percent)
    last = percent
    timer = scheduler.after(checkMs, check)
  }
  let timer = scheduler.after(0, check)
  return () => {
    timer.cancel()
    if (last !== 0) heap.setGrowth(0)
  }
}
