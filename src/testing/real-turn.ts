/**
 * The one place of the simulator that touches the real event loop and process: it lets everything run that was set off
 * by an event, promises and `nextTick`s of any depth, before the next event happens.
 *
 * Node runs all promises and ticks to their end between two immediates that were planned together, without going round
 * its event loop. So immediates are planned many at a time, and one event costs well below a microsecond of overhead.
 */

/** Immediates planned together. */
const batchSize = 128

/**
 * Calls `step` until it says true; between two calls nothing is left of what the earlier one set off. Deterministic as
 * long as nothing real (disk, socket, timer) is under way. Rejects with what `step` throws.
 */
export function runTurns(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = false
    const one = (): void => {
      if (done) return
      try {
        if (!step()) return
        done = true
        resolve()
      } catch (error) {
        done = true
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    }
    const batch = (): void => {
      if (done) return
      for (let i = 0; i < batchSize; i++) setImmediate(one)
      setImmediate(batch)
    }
    batch()
  })
}

/** Calls `run` for each rejection that nobody handles, which would end a real process; call the result to stop. */
export function watchRejections(run: (reason: unknown) => void): () => void {
  process.on('unhandledRejection', run)
  return () => {
    process.off('unhandledRejection', run)
  }
}
