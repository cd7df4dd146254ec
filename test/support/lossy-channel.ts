/**
 * A channel that loses, delays, doubts and evicts, before a small reference machine that counts executions. The machine
 * is written from the rules of sessions alone, so that the session is checked against something it does not share code with.
 */
import { hex, NitroError, text, utf8, type Random, type Scheduler } from '../../base/index.ts'
import { decodeCommand, errorResult, okResult } from '../../execution/codec.ts'
import type { CommandChannel, CommandOwner } from '../../src/wire/index.ts'

interface ModelSession {
  readonly answers: Map<number, Uint8Array>
  answeredUpTo: number
}

/** Executes `echo` commands; what it answers is `done:` and the arguments. */
export class ModelMachine {
  readonly sessions = new Map<string, ModelSession>()
  /** How often each argument text was executed. */
  readonly executions = new Map<string, number>()
  readonly window: number
  opened = 0

  constructor(window: number) {
    this.window = window
  }

  apply(bytes: Uint8Array): Uint8Array {
    const { session, seq = 0, answeredUpTo = 0, program, method, args } = decodeCommand(bytes)
    if (program === 'session') return this.sessionCommand(method, hex(args))
    const known = this.sessions.get(hex(session ?? new Uint8Array()))
    if (known === undefined) return failure('SessionEvicted')
    known.answeredUpTo = Math.max(known.answeredUpTo, answeredUpTo)
    for (const number of known.answers.keys()) if (number <= known.answeredUpTo) known.answers.delete(number)
    if (seq <= known.answeredUpTo) return failure('Superseded')
    if (seq > known.answeredUpTo + this.window) return failure('LimitExceeded')
    let answer = known.answers.get(seq)
    if (answer === undefined) {
      answer = this.execute(text(args))
      known.answers.set(seq, answer)
    }
    return answer
  }

  private sessionCommand(method: string, id: string): Uint8Array {
    if (method === 'open' && !this.sessions.has(id)) {
      this.sessions.set(id, { answers: new Map(), answeredUpTo: 0 })
      this.opened++
    }
    if (method === 'close') this.sessions.delete(id)
    return okResult(Uint8Array.of(1))
  }

  private execute(what: string): Uint8Array {
    this.executions.set(what, (this.executions.get(what) ?? 0) + 1)
    return okResult(utf8(`done:${what}`))
  }
}

function failure(code: 'SessionEvicted' | 'Superseded' | 'LimitExceeded'): Uint8Array {
  return errorResult(new NitroError(code, code))
}

/** How often a submission meets each fate, as weights; the rest is answered well. */
export interface Faults {
  /** Refused, and certainly not executed. */
  readonly refused: number
  /** Lost on the way; the owner is told `maybe`. */
  readonly lost: number
  /** Executed, possibly long after the owner was told `maybe`. */
  readonly answerLost: number
  /** Answered twice. */
  readonly answeredTwice: number
  /** The session is evicted just before. */
  readonly evicted: number
}

/** No faults at all. */
export const noFaults: Faults = { refused: 0, lost: 0, answerLost: 0, answeredTwice: 0, evicted: 0 }

/** Carries commands to a {@link ModelMachine}, each submission at most once, each told about at least once. */
export class LossyChannel implements CommandChannel {
  readonly machine: ModelMachine
  faults: Faults
  submissions = 0
  private readonly scheduler: Scheduler
  private readonly random: Random

  constructor(machine: ModelMachine, scheduler: Scheduler, random: Random, faults: Faults = noFaults) {
    this.machine = machine
    this.scheduler = scheduler
    this.random = random
    this.faults = faults
  }

  submit(command: Uint8Array, done: CommandOwner, tag: number): void {
    this.submissions++
    const { refused, lost, answerLost, answeredTwice, evicted } = this.faults
    if (this.chance(evicted)) this.machine.sessions.clear()
    if (this.chance(refused)) return this.refuse(done, tag)
    if (this.chance(lost)) return this.later(50, () => done.failed(tag, doubt()))
    if (this.chance(answerLost)) {
      this.later(100, () => done.failed(tag, doubt()))
      return this.later(this.chance(0.7) ? 50 : 3_000, () => this.machine.apply(command))
    }
    this.later(50, () => {
      const result = this.machine.apply(command)
      this.later(50, () => done.completed(tag, result))
      if (this.chance(answeredTwice)) this.later(100, () => done.completed(tag, result))
    })
  }

  private refuse(done: CommandOwner, tag: number): void {
    const error = new NitroError('NotLeader', 'not the leader', { executed: 'no' })
    if (this.chance(0.5)) done.failed(tag, error)
    else this.later(20, () => done.failed(tag, error))
  }

  private chance(rate: number): boolean {
    return this.random.u32() / 2 ** 32 < rate
  }

  private later(mostMs: number, run: () => void): void {
    this.scheduler.after((this.random.u32() / 2 ** 32) * mostMs, run)
  }
}

function doubt(): NitroError {
  return new NitroError('ConnectionClosed', 'the connection closed', { executed: 'maybe' })
}
