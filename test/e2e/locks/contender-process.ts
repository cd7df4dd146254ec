/** A contender as the script sees it: a process that is told things, tells things, and is stopped, killed and started again. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { atExit } from '../harness/index.ts'
import type { ContenderOptions, Order, Told } from './messages.ts'

/** Where the bundles of the two programs are. */
export interface Programs {
  readonly contender: string
  readonly resource: string
}

/** What all starts of a contender share. */
export interface ContenderStart {
  readonly program: string
  readonly number: number
  readonly options: Omit<ContenderOptions, 'label' | 'seed'>
  readonly seed: string
  readonly onTold: (told: Told, contender: Contender) => void
}

/** One contender, through all its starts. */
export class Contender {
  readonly number: number
  /** How often it was started. */
  starts = 0
  /** Grants since it was last asked. */
  grants = 0
  /** The process is stopped by a signal now, or has been told to stop itself: others leave it alone. */
  isBusy = false
  /** What it wrote to standard error, last. */
  stderr = ''
  private readonly start_: ContenderStart
  private child: ChildProcess | undefined
  private ended: Promise<void> = Promise.resolve()
  private readonly listeners = new Set<(told: Told | undefined) => void>()

  constructor(start: ContenderStart) {
    this.start_ = start
    this.number = start.number
  }

  /** Whether its process is there, stopped or not. */
  get isRunning(): boolean {
    return this.child !== undefined
  }

  /** Starts it anew. */
  start(): void {
    const { program, options, seed, onTold } = this.start_
    const label = `c${this.number}.${++this.starts}`
    const whole: ContenderOptions = { ...options, label, seed: `${seed}/${label}` }
    const child = spawn(process.execPath, [program, JSON.stringify(whole)], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.child = child
    const forget = atExit(() => void child.kill('SIGKILL'))
    child.stdin.on('error', () => {})
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr = (this.stderr + text).slice(-2_000)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const told = toldIn(line)
      if (told === undefined) return
      if (told.kind === 'granted') this.grants++
      onTold(told, this)
      for (const listener of [...this.listeners]) listener(told)
    })
    this.ended = new Promise((resolve) =>
      child.once('close', () => {
        forget()
        if (this.child === child) this.child = undefined
        for (const listener of [...this.listeners]) listener(undefined)
        resolve()
      }),
    )
  }

  /** Tells it something. */
  order(order: Order): void {
    this.child?.stdin?.write(`${order}\n`)
  }

  /** Sends a signal to its process. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child?.kill(signal)
  }

  /** Ends it as the loss of power would; resolves when all it has told was heard. */
  kill(): Promise<void> {
    this.child?.kill('SIGKILL')
    return this.ended
  }

  /** Asks it to end, and ends it when it has not in time. Resolves with whether it ended by itself. */
  async end(timeoutMs: number): Promise<boolean> {
    this.child?.stdin?.end()
    let isInTime = true
    const timer = setTimeout(() => {
      isInTime = false
      this.child?.kill('SIGKILL')
    }, timeoutMs)
    await this.ended
    clearTimeout(timer)
    return isInTime
  }

  /** The next it tells of this kind; undefined when it has not in time, or has ended. */
  next<K extends Told['kind']>(kind: K, timeoutMs: number): Promise<Extract<Told, { kind: K }> | undefined> {
    return new Promise((resolve) => {
      const done = (told: Told | undefined): void => {
        clearTimeout(timer)
        this.listeners.delete(listener)
        resolve(told as Extract<Told, { kind: K }> | undefined)
      }
      const listener = (told: Told | undefined): void => {
        if (told === undefined || told.kind === kind) done(told)
      }
      const timer = setTimeout(() => done(undefined), timeoutMs)
      this.listeners.add(listener)
    })
  }
}

/** A line cut short by a SIGKILL is none. */
function toldIn(line: string): Told | undefined {
  try {
    return JSON.parse(line) as Told
  } catch {
    return undefined
  }
}
