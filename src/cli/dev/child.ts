/**
 * One server process of a development cluster.
 *
 * It runs in a process group of its own, so that Ctrl-C reaches only the parent, which then ends all in order. Its
 * standard input is a pipe that nobody writes to: when the parent is gone, however it went, the pipe closes and the
 * server stops by itself.
 */
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { prettyLine } from '../../server/index.ts'

/** How to start a child. */
export interface ChildOptions {
  readonly name: string
  readonly mainPath: string
  readonly args: readonly string[]
  readonly command: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** All it writes goes to this file. */
  readonly logPath: string
  readonly colors: boolean
  /** Called with each line a person should see: warnings, errors, and whatever is no log line. */
  readonly onProblem: (line: string) => void
}

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null
  readonly signal: string | null
}

/** A running server process. */
export interface Child {
  readonly name: string
  readonly pid: number
  /** What starts the same server by hand. */
  readonly command: string
  readonly ended: Promise<ChildEnd>
  /** Asks it to stop, without handing anything over to the others, which stop as well. */
  stop(): void
  /** Ends it at once. */
  kill(): void
}

/** A larger young generation: fewer values of a busy server live long enough to be copied out of it (docs: tuning). */
export const heapFlags: readonly string[] = ['--max-semi-space-size=64']

/** Starts a server. */
export function startChild(options: ChildOptions): Child {
  const { name, mainPath, args, environment, logPath, colors, onProblem } = options
  const child = spawn(process.execPath, [...heapFlags, mainPath, 'server', ...args], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    env: withoutSettings(environment),
  })
  const log = createWriteStream(logPath, { flags: 'a' })
  log.on('error', () => {})
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stderr, crlfDelay: Number.POSITIVE_INFINITY })
  lines.on('line', (line) => {
    log.write(`${line}\n`)
    if (concernsPeople(line)) onProblem(prettyLine(line, colors).trimEnd())
  })
  const ended = new Promise<ChildEnd>((resolve) => {
    child.once('error', (error) => {
      onProblem(error.message)
      resolve({ code: null, signal: null })
    })
    child.once('close', (code, signal) => {
      log.end()
      resolve({ code, signal })
    })
  })
  return {
    name,
    pid: child.pid ?? 0,
    command: options.command,
    ended,
    stop: () => void child.stdin.end(),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** Settings of the shell are for servers one starts oneself; a development cluster has its own. */
function withoutSettings(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('NITROSTATE_')))
}

function concernsPeople(line: string): boolean {
  return !/^\{"level":"(?:debug|info)"/.test(line)
}
