/** Waiting for events of keys: the promise form of an engine's watch. */
import type { DecodedEvent, KeyRange } from '../../execution/codec.ts'
import type { Engine, WatchHandle } from '../api/index.ts'
import { onAbort } from './aborts.ts'

/** Bytes of events that may wait here. */
const creditBytes = 64 * 1024

/**
 * Shows the events of a range from a revision on to `see` until it returns true. Rejects with `signal.reason`, `Compacted`,
 * `Closed`, or what `see` throws.
 */
export function watchKeys(
  engine: Engine,
  range: KeyRange,
  fromRevision: number,
  signal: AbortSignal,
  see: (event: DecodedEvent, revision: number) => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    let handle: WatchHandle | undefined
    const end = (settle: () => void): void => {
      detach()
      handle?.close()
      handle = undefined
      settle()
    }
    const detach = onAbort(signal, () => end(() => reject(signal.reason)))
    const request = { range, fromRevision, puts: true, deletes: true, emits: false, previous: false }
    handle = engine.watch(
      { ...request, creditBytes, progressMs: 0 },
      {
        opened: () => undefined,
        progress: () => undefined,
        ended: (error) => end(() => reject(error)),
        delivered: (delivery) => {
          try {
            for (const { revision, events } of delivery.revisions()) {
              for (const event of events) {
                if (handle === undefined) return
                if (see(event, revision)) return end(resolve)
              }
            }
            handle?.consumed(delivery.sizeBytes)
          } catch (error) {
            end(() => reject(error))
          }
        },
      },
    )
  })
}
