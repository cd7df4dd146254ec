/** The log of simulated nodes: some lines count as coverage, all go to whoever wants to read them. */
import type { LogFields, Logger } from '../../base/index.ts'
import type { Coverage } from './reached/coverage.ts'
import { marks } from './reached/rows.ts'

/** A logger of one node. `line` takes the text of each line; without it nothing is made into text. */
export function nodeLogger(
  name: string,
  nowMs: () => number,
  coverage: Coverage,
  line: ((text: string) => void) | undefined,
): Logger {
  const write =
    (level: string) =>
    (fields: LogFields, message: string): void => {
      const row = marks[message]
      if (row !== undefined) coverage.hit(row)
      line?.(`${nowMs().toFixed(3)} ${name} ${level} ${message} ${JSON.stringify(fields)}`)
    }
  const logger: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => logger,
  }
  return logger
}
