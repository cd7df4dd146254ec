/** A command of the command line that goes on running, and what it has written so far. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { atExit, mainPath, until } from '../harness/index.ts'

/** `nitrostate ARGS` as a process. */
export class RunningCommand {
  out = ''
  err = ''
  readonly ended: Promise<number | null>
  private readonly child: ChildProcess

  constructor(args: readonly string[]) {
    const child = spawn(process.execPath, [mainPath, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.err += text))
    const forget = atExit(() => void child.kill('SIGKILL'))
    this.ended = new Promise((resolve) =>
      child.once('exit', (code) => {
        forget()
        resolve(code)
      }),
    )
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Waits until it has written something that matches to standard output; resolves with the match. */
  wrote(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`the command writes ${pattern}`, () => pattern.exec(this.out) ?? undefined, {
      everyMs: 20,
      why: () => `${this.out}\n${this.err}`,
    })
  }
}
