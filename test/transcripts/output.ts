/**
 * What a case prints: handlers' lines and log lines, filtered by level. The highest level silences both.
 */
import type { LogLevel } from '../../consensus/index.ts'

const levels = ['debug', 'info', 'warn', 'error', 'fatal', 'none'] as const

/** Collects the output of one case. */
export class Output {
  private text = ''
  private level = 0

  get quiet(): boolean {
    return this.level === levels.length - 1
  }

  get empty(): boolean {
    return this.text === ''
  }

  write(text: string): void {
    if (!this.quiet) this.text += text
  }

  line(text: string): void {
    this.write(`${text}\n`)
  }

  log(level: LogLevel, message: string): void {
    if (levels.indexOf(level) >= this.level) this.line(`${level.toUpperCase()} ${message}`)
  }

  /** What was written since the last call. */
  take(): string {
    const taken = this.text
    this.text = ''
    return taken
  }

  /** Runs `inner` and indents what it writes. */
  indent(inner: () => void): void {
    const before = this.take()
    inner()
    const written = this.take().replace(/\n$/, '')
    this.text = before
    if (written !== '') for (const line of written.split('\n')) this.line(`  ${line}`)
  }

  /** Sets the level by name; returns the way back. Throws for an unknown name. */
  setLevel(name: string): () => void {
    const next = levels.indexOf(name.toLowerCase() as (typeof levels)[number])
    if (next === -1)
      throw new Error(`log levels must be either of [${levels.map((one) => one.toUpperCase()).join(' ')}]`)
    const before = this.level
    this.level = next
    return () => {
      this.level = before
    }
  }
}
