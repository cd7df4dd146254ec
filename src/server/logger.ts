/** The Logger port over pino: JSON lines for machines, one-line text for people. */
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import type { LogFields, Logger } from '../../base/index.ts'
import { prettyLine } from './pretty-log.ts'

/** How a server logs. */
export interface LoggerOptions {
  readonly level: string
  readonly format: 'json' | 'pretty'
  readonly colors: boolean
  /** Takes finished lines, newline included. */
  readonly write: (line: string) => void
}

/** A Logger that writes to `options.write`. */
export function createLogger(options: LoggerOptions): Logger {
  const { write, colors } = options
  const destination: DestinationStream =
    options.format === 'json' ? { write } : { write: (line) => write(prettyLine(line, colors)) }
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
  }
  return wrap(pino(settings, destination))
}

function wrap(target: PinoLogger): Logger {
  return {
    debug: (fields: LogFields, message: string) => target.debug(fields, message),
    info: (fields: LogFields, message: string) => target.info(fields, message),
    warn: (fields: LogFields, message: string) => target.warn(fields, message),
    error: (fields: LogFields, message: string) => target.error(fields, message),
    child: (fields: LogFields) => wrap(target.child(fields)),
  }
}
