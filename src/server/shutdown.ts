/**
 * How a server ends: on the first signal it hands leadership over, drains and stops within a grace; on the second it
 * exits at once. Supervisors send one, people press Ctrl-C twice.
 */
import type { Scheduler } from '../../base/index.ts'

/** Where requests to stop come from: a process, or a test. */
export interface StopSource {
  /** Calls `stop` with the reason, each time one arrives; returns a function that stops listening. */
  listen(stop: (reason: string) => void): () => void
}

/** The reason to stop when the process that started this one has closed its standard input, or is gone. */
export const parentGone = 'standard input closed'

/** How a stop ended. */
export type StopOutcome = 'stopped' | 'grace over' | 'second signal'

/** Runs `stop` and waits for its end, for the end of the grace, or for another request, whichever is first. */
export function stopWithin(options: {
  readonly stop: () => Promise<void>
  readonly graceMs: number
  readonly scheduler: Scheduler
  readonly source: StopSource
}): Promise<StopOutcome> {
  return new Promise((resolve, reject) => {
    const timer = options.scheduler.after(options.graceMs, () => finish('grace over'))
    const unlisten = options.source.listen(() => finish('second signal'))
    const release = (): void => {
      timer.cancel()
      unlisten()
    }
    const finish = (outcome: StopOutcome): void => {
      release()
      resolve(outcome)
    }
    options.stop().then(
      () => finish('stopped'),
      (error: unknown) => {
        release()
        reject(error)
      },
    )
  })
}

/** Resolves with the reason of the first request to stop. */
export function nextStop(source: StopSource): { readonly reason: Promise<string>; cancel(): void } {
  let unlisten = (): void => {}
  const reason = new Promise<string>((resolve) => {
    unlisten = source.listen((why) => {
      unlisten()
      resolve(why)
    })
  })
  return { reason, cancel: () => unlisten() }
}
