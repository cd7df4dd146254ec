/**
 * How much log to keep: enough that a follower that was away for a moment needs no snapshot, bounded by entries and bytes.
 */
import type { DurableLog } from '../storage/index.ts'
import type { ReplicaSizes } from './ports.ts'

/** Compacting pays only when a good part goes at once. */
const slack = 1.25

/** The index up to which the log should be forgotten now, never above `bound`; undefined when there is nothing to do. */
export function compactionIndex(
  log: Pick<DurableLog, 'firstIndex' | 'retainedBytes' | 'retainedEntries' | 'dataBytes'>,
  bound: number,
  sizes: Pick<ReplicaSizes, 'logRetainBytes' | 'logRetainEntries'>,
): number | undefined {
  const first = log.firstIndex()
  const overBytes = log.retainedBytes > sizes.logRetainBytes * slack
  const overEntries = log.retainedEntries > sizes.logRetainEntries * slack
  if ((!overBytes && !overEntries) || bound < first) return undefined
  let bytes = log.retainedBytes - sizes.logRetainBytes
  let entries = log.retainedEntries - sizes.logRetainEntries
  let index = first - 1
  while (index < bound && (bytes > 0 || entries > 0)) {
    bytes -= log.dataBytes(++index)
    entries--
  }
  return index < first ? undefined : index
}

/** Beyond this many times the wished size, a peer that is taking a snapshot no longer holds the log back. */
const heldFactorMax = 16

/** Compacts one log, one step at a time. */
export class Compactor {
  private readonly log: DurableLog
  private readonly sizes: ReplicaSizes
  private readonly failed: (error: unknown) => void
  private running = false

  constructor(log: DurableLog, sizes: ReplicaSizes, failed: (error: unknown) => void) {
    this.log = log
    this.sizes = sizes
    this.failed = failed
  }

  /** Compacts up to what is flushed and not held for a peer, if enough has gathered. */
  run(flushed: number, neededFrom: number): void {
    if (this.running) return
    const { log, sizes } = this
    const held = log.retainedBytes < heldFactorMax * sizes.logRetainBytes ? neededFrom : flushed
    const index = compactionIndex(log, Math.min(flushed, held), sizes)
    if (index === undefined) return
    this.running = true
    log.compact(index).then(
      () => (this.running = false),
      (error: unknown) => this.failed(error),
    )
  }
}
