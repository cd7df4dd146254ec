/** Runs `etcdctl`, as a person would. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { atExit, expect, until } from '../harness/index.ts'
import type { CliRun } from '../harness/index.ts'

/** On a machine that is busy, two seconds are soon over: logging in takes a good tenth of one of the processor alone. */
const patience = ['--dial-timeout=20s', '--command-timeout=20s']

/** A command that goes on until it is stopped. */
export interface RunningCtl {
  readonly out: () => string
  /** Waits until it has written this. */
  wrote(text: string): Promise<void>
  /** Ends it, as Ctrl-C does; resolves when it is gone. */
  stop(): Promise<CliRun>
}

/** Runs commands against some endpoints. */
export class Ctl {
  private readonly endpoints: readonly string[]

  constructor(endpoints: readonly string[]) {
    this.endpoints = endpoints
  }

  /** The same commands against other endpoints. */
  at(...endpoints: readonly string[]): Ctl {
    return new Ctl(endpoints)
  }

  /** Runs a command to its end, whatever that is. */
  async run(args: readonly string[], input = ''): Promise<CliRun> {
    const { child, done } = this.spawn(args)
    child.stdin?.end(input)
    return done
  }

  /** The output of a command that must succeed, without the last line break. */
  async ok(args: string | readonly string[], input = ''): Promise<string> {
    const words = typeof args === 'string' ? args.split(' ') : args
    const { code, out, err } = await this.run(words, input)
    expect(code === 0, `etcdctl ${words.join(' ')}: exit code ${code}\n${out}${err}`)
    return out.trimEnd()
  }

  /** The error of a command that must fail. */
  async fails(args: string): Promise<string> {
    const { code, out, err } = await this.run(args.split(' '))
    expect(code !== 0, `etcdctl ${args} succeeded:\n${out}`)
    return err
  }

  /** Starts a command that goes on. */
  start(args: string): RunningCtl {
    const { child, done, out } = this.spawn(args.split(' '))
    const forget = atExit(() => void child.kill('SIGKILL'))
    return {
      out,
      wrote: async (text) => {
        const why = (): string => `etcdctl ${args} wrote:\n${out()}`
        await until(`etcdctl writes ${JSON.stringify(text)}`, () => out().includes(text), { everyMs: 20, why })
      },
      stop: async () => {
        child.kill('SIGINT')
        const ended = await done
        forget()
        return ended
      },
    }
  }

  private spawn(args: readonly string[]): { child: ChildProcess; done: Promise<CliRun>; out: () => string } {
    const environment = { ...process.env, ETCDCTL_API: '3' }
    const shared = [`--endpoints=${this.endpoints.join(',')}`, ...patience]
    const child = spawn('etcdctl', [...shared, ...args], { env: environment })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.stdin.on('error', () => {})
    const done = new Promise<CliRun>((resolve, reject) => {
      child.once('error', (error) => reject(new Error(`etcdctl: ${error.message}: is etcd-client installed?`)))
      child.once('close', (code) => resolve({ code, out, err }))
    })
    return { child, done, out: () => out }
  }
}
