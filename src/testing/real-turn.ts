/**
 * The one place of the simulator that touches the real event loop and process: it lets everything run that was set off
 * by an event, promises and `nextTick`s of any depth, before the next event happens.
 */

/** Resolves when no microtask is left. Deterministic as long as nothing real (disk, socket, timer) is under way. */
export function endOfRealTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Calls `run` for each rejection that nobody handles, which would end a real process; call the result to stop. */
export function watchRejections(run: (reason: unknown) => void): () => void {
  process.on('unhandledRejection', run)
  return () => {
    process.off('unhandledRejection', run)
  }
}
