/** A progress line on standard error, only when that is a terminal. */
import type { Timer } from '../../base/index.ts'
import type { CliContext } from './context.ts'
import { truncate } from './table.ts'

const everyMs = 200
const barCells = 24

/** A running progress line. */
export interface Progress {
  /** Takes the line away. */
  stop(): Promise<void>
}

/** Shows `done()` of `total` until stopped; without a total only the count and its rate. */
export function showProgress(context: CliContext, label: string, done: () => number, total?: number): Progress {
  const { stderr, scheduler, clock } = context
  if (!stderr.isTerminal) return { stop: async () => {} }
  const started = clock.monotonicMs()
  let timer: Timer
  const draw = (): void => {
    const line = progressLine(label, done(), total, clock.monotonicMs() - started)
    void stderr.write(`\r\u001b[K${truncate(line, (stderr.columns ?? 80) - 1)}`)
    timer = scheduler.after(everyMs, draw)
  }
  timer = scheduler.after(everyMs, draw)
  return {
    async stop() {
      timer.cancel()
      await stderr.write('\r\u001b[K')
    },
  }
}

/** One drawing of the line. */
export function progressLine(label: string, done: number, total: number | undefined, elapsedMs: number): string {
  const rate = elapsedMs <= 0 ? 0 : Math.round((done / elapsedMs) * 1000)
  if (total === undefined || total === 0) return `${label} ${done}  ${rate}/s`
  const part = Math.min(1, done / total)
  const filled = Math.round(part * barCells)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(barCells - filled)}`
  return `${label} ${bar} ${String(Math.floor(part * 100)).padStart(3)}%  ${done}/${total}  ${rate}/s`
}
