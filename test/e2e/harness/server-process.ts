/** One real server process: started, watched, stopped, and never left behind. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { messageOf } from '../../../base/index.ts'
import { Failed } from './report.ts'
import { atExit, mainPath } from './run.ts'
import { until } from './wait.ts'

/** How to start a server. */
export interface ServerStart {
  /** Arguments after `server`. */
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** All it writes to standard error is appended here. */
  readonly logPath: string
  /** A command that runs the server's command: `['setpriv', '--reuid', '65534']`. */
  readonly wrapper?: readonly string[]
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

/** A server process, running or ended. */
export class ServerProcess {
  /** What it wrote to standard error so far. */
  stderr = ''
  readonly ended: Promise<Exit>
  private exit: Exit | undefined
  private readonly child: ChildProcess

  constructor({ args, environment = {}, logPath, wrapper = [] }: ServerStart) {
    const served = [process.execPath, mainPath, 'server', ...args, '--exit-with-parent']
    const [command, ...rest] = [...wrapper, ...served] as [string, ...string[]]
    const inherited = Object.entries(process.env).filter(([name]) => !/^(?:NITROSTATE_|NODE_OPTIONS$)/.test(name))
    this.child = spawn(command, rest, {
      // Nobody writes to its standard input; it closes with this script, however that ends, and the server with it.
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...Object.fromEntries(inherited), ...environment },
    })
    this.child.stdin?.on('error', () => {})
    const forget = atExit(() => void this.child.kill('SIGKILL'))
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      appendFileSync(logPath, text)
    })
    this.ended = new Promise((resolve) => {
      const end = (exit: Exit): void => {
        this.exit ??= exit
        forget()
        resolve(this.exit)
      }
      this.child.once('error', (error) => {
        this.stderr += messageOf(error)
        end({ code: null, signal: null })
      })
      this.child.once('close', (code, signal) => end({ code, signal }))
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** How it ended; undefined while it runs. */
  get exited(): Exit | undefined {
    return this.exit
  }

  get running(): boolean {
    return this.exit === undefined
  }

  /** Ends it in order. */
  stop(): Promise<Exit> {
    this.child.kill('SIGTERM')
    return this.ended
  }

  /** Ends it as the loss of power would. */
  kill(): Promise<Exit> {
    this.child.kill('SIGKILL')
    return this.ended
  }

  /** Stops it from running, without its knowing. */
  pause(): void {
    this.child.kill('SIGSTOP')
  }

  /** Lets a paused process run. */
  resume(): void {
    this.child.kill('SIGCONT')
  }

  /** Waits until it has written something that matches. Fails at once when it ends without that. */
  async wrote(pattern: RegExp, timeoutMs = 15_000): Promise<string> {
    const found = await until(
      `the server writes ${pattern}`,
      () => pattern.exec(this.stderr)?.[0] ?? (this.running ? undefined : ''),
      { timeoutMs, everyMs: 20, why: () => this.tail() },
    )
    if (found === '') throw new Failed(`the server ended without writing ${pattern}:\n${this.tail()}`)
    return found
  }

  /** Waits for its end. */
  async end(timeoutMs = 15_000): Promise<Exit> {
    return until('the server ends', () => this.exit, { timeoutMs, everyMs: 20, why: () => this.tail() })
  }

  /** The last lines it wrote. */
  tail(lines = 12): string {
    return this.stderr.trimEnd().split('\n').slice(-lines).join('\n')
  }
}
