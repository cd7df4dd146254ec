/** Following what is held and waited for: a resource's entries as they are, and then as they change. */
import { isNitroError } from '../../base/index.ts'
import type { Scheduler } from '../../base/index.ts'
import {
  decodeInspectResult,
  decodeSyncEntry,
  decodeSyncKey,
  encodeInspectArgs,
  syncRange,
} from '../../execution/codec.ts'
import type { SyncEntry, SyncResource } from '../../execution/codec.ts'
import { onAbort } from './aborts.ts'
import { watchKeys } from './key-watch.ts'
import type { SyncPorts } from './ports.ts'

const retryMs = 250

/** Entries by their sequence. */
export type Entries = ReadonlyMap<number, SyncEntry>

/**
 * Shows the entries of a resource to `see`, first as they are and then after every change, until it returns true. Outages are
 * waited for. After a gap in the history it goes on with what is there. Rejects with `signal.reason`, `Closed`, or what `see` throws.
 */
export function followEntries(
  ports: SyncPorts,
  resource: SyncResource,
  signal: AbortSignal,
  see: (entries: Entries) => boolean,
): Promise<void> {
  return persist(ports.scheduler, signal, async () => {
    const payload = await ports.engine.query('sync', 'inspect', encodeInspectArgs(resource), { signal })
    const { revision, holders, waiters } = decodeInspectResult(payload)
    const entries = new Map([...holders, ...waiters].map((one) => [one.sequence, one as SyncEntry]))
    if (see(entries)) return
    await watchKeys(ports.engine, syncRange(resource), revision + 1, signal, ({ key, entry }) => {
      const sequence = decodeSyncKey(key)?.sequence ?? 0
      if (entry === undefined) entries.delete(sequence)
      else entries.set(sequence, decodeSyncEntry(entry.value))
      return see(entries)
    })
  })
}

/** Repeats `work` while the cluster can't be reached, or has compacted what was to be seen. */
export async function persist(scheduler: Scheduler, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await work()
      return
    } catch (error) {
      signal.throwIfAborted()
      if (!isNitroError(error) || !(error.retryable || error.code === 'Compacted')) throw error
      await pause(scheduler, retryMs, signal)
    }
  }
}

/** Resolves after a time, or when aborted. */
export function pause(scheduler: Scheduler, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel()
      detach()
      resolve()
    }
    const timer = scheduler.after(signal.aborted ? 0 : ms, end)
    const detach = onAbort(signal, end)
  })
}
