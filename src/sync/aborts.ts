/** Listening to signals that many listen to, such as the one by which a service is shut down. */

/** Those who listen to one signal, and the one listener that the signal knows of. */
interface Listeners {
  readonly runs: Set<{ readonly run: () => void }>
  readonly fire: () => void
}

/** It holds no signal and is held by none. */
const listening = new WeakMap<AbortSignal, Listeners>()

/**
 * Calls `run` when the signal aborts, unless the returned function was called before. A signal gets one listener however many wait for
 * it: from the eleventh on Node takes them for a leak and says so. Does nothing if it has aborted already.
 */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal === undefined || signal.aborted) return () => undefined
  const { runs, fire } = listening.get(signal) ?? listen(signal)
  const mine = { run }
  runs.add(mine)
  return () => {
    if (!runs.delete(mine) || runs.size > 0) return
    signal.removeEventListener('abort', fire)
    listening.delete(signal)
  }
}

function listen(signal: AbortSignal): Listeners {
  const runs: Listeners['runs'] = new Set()
  const fire = (): void => {
    listening.delete(signal)
    // One that is called may have another stop listening.
    for (const one of [...runs]) if (runs.delete(one)) one.run()
  }
  signal.addEventListener('abort', fire, { once: true })
  const listeners = { runs, fire }
  listening.set(signal, listeners)
  return listeners
}
