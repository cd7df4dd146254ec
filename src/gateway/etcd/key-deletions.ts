/** Waits for the deletion of one of several keys. */
import type { Engine, WatchHandle } from '../../api/index.ts'

/** Watches keys until one of them is deleted. */
export class KeyDeletions {
  private readonly handles: WatchHandle[] = []
  private seen = false
  private error: Error | undefined
  private wake: (() => void) | undefined

  constructor(
    engine: Engine,
    keys: readonly Uint8Array[],
    { from, creditBytes }: { readonly from: number; readonly creditBytes: number },
  ) {
    for (const start of keys) {
      const handle = engine.watch(
        {
          ...{ range: { start }, fromRevision: from, puts: false, deletes: true, emits: false },
          ...{ previous: false, creditBytes, progressMs: 0 },
        },
        {
          opened: () => {},
          delivered: () => {
            this.seen = true
            this.wake?.()
          },
          progress: () => {},
          ended: (error) => {
            this.error = error
            this.wake?.()
          },
        },
      )
      this.handles.push(handle)
    }
  }

  /** Resolves when a key was deleted. Rejects with the signal's reason, or with why it can't be watched. */
  async next(signal: AbortSignal): Promise<void> {
    const aborted = (): void => this.wake?.()
    signal.addEventListener('abort', aborted)
    try {
      while (!this.seen) {
        signal.throwIfAborted()
        if (this.error !== undefined) throw this.error
        await new Promise<void>((resolve) => (this.wake = resolve))
      }
    } finally {
      signal.removeEventListener('abort', aborted)
    }
  }

  /** Watches no more. */
  close(): void {
    for (const handle of this.handles) handle.close()
  }
}
