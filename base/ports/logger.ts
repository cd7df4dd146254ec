/** Logging as a port, shaped like pino: facts first, then a sentence. */

/** Facts of a log line. */
export type LogFields = Readonly<Record<string, unknown>>

/** Writes log lines; never throws, never blocks. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger
}

/** Drops everything. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
