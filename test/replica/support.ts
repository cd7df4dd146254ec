/** What the replica tests share: incarnations, members, owners that count, and time that passes when told. */
import { ByteWriter, utf8 } from '../../base/index.ts'
import type { Clock, NitroError, Scheduler, Timer } from '../../base/index.ts'
import { encodeCommand, encodePutArgs } from '../../execution/index.ts'
import type { Configuration, Member } from '../../src/replica/configuration.ts'
import { foundingConfiguration } from '../../src/replica/configuration.ts'
import type { CommandOwner } from '../../src/wire/index.ts'

/** 16 bytes, all of them `fill`. */
export const incarnation = (fill: number): Uint8Array => new Uint8Array(16).fill(fill)

/** Founders `n1` to `n<count>` with incarnations 1 to `count`. */
export const founders = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    name: `n${at + 1}`,
    incarnation: incarnation(at + 1),
    address: `n${at + 1}:1`,
  }))

/** The configuration that `count` founders form: ids 1 to `count`, all voters. */
export const founded = (count: number): Configuration =>
  foundingConfiguration(new Uint8Array(32).fill(9), founders(count))

/** A member whose name, address and incarnation follow from its id. */
export const member = (id: number, part: Partial<Member> = {}): Member => ({
  id,
  name: `n${id}`,
  address: `n${id}:1`,
  incarnation: incarnation(id),
  target: 'voter',
  ...part,
})

/** A command without a session that puts `value` under `key`. */
export function putCommand(key: string, value: Uint8Array = utf8('v')): Uint8Array {
  const writer = new ByteWriter()
  encodeCommand(writer, { program: 'kv', method: 'put', args: encodePutArgs(utf8(key), value) })
  return writer.take()
}

/** Notes every outcome: `tag ok bytes` or `tag code executed`. */
export class RecordingOwner implements CommandOwner {
  readonly heard: string[] = []

  completed(tag: number, result: Uint8Array): void {
    this.heard.push(`${tag} ok ${result.join()}`)
  }

  failed(tag: number, error: NitroError): void {
    this.heard.push(`${tag} ${error.code} ${error.executed}`)
  }
}

/** A clock and timers that move only by {@link pass}; ends of turns run at {@link turn}. */
export class HandTime implements Clock, Scheduler {
  nowMs = 0
  private turns: (() => void)[] = []
  private timers: { readonly atMs: number; readonly run: () => void }[] = []

  monotonicMs(): number {
    return this.nowMs
  }

  wallMs(): number {
    return 1_000_000 + this.nowMs
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { atMs: this.nowMs + delayMs, run }
    this.timers.push(timer)
    return { cancel: () => void (this.timers = this.timers.filter((one) => one !== timer)) }
  }

  endOfTurn(run: () => void): void {
    this.turns.push(run)
  }

  /** Number of timers that are set. */
  get armed(): number {
    return this.timers.length
  }

  /** Runs what was left for the end of the turn, once; what that leaves waits for the next call. */
  turn(): number {
    const due = this.turns.splice(0)
    for (const run of due) run()
    return due.length
  }

  /** Runs ends of turns until there are none. */
  allTurns(): void {
    while (this.turn() > 0);
  }

  /** Moves the clock and fires what is due, in order of time. */
  pass(ms: number): void {
    this.nowMs += ms
    for (;;) {
      const due = this.timers.filter((timer) => timer.atMs <= this.nowMs).toSorted((a, b) => a.atMs - b.atMs)[0]
      if (due === undefined) return
      this.timers = this.timers.filter((one) => one !== due)
      due.run()
    }
  }
}

/** Lets promises of any depth go on. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The code of the NitroError that `run` throws; `none` if it does not. */
export function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return (error as NitroError).code
  }
  return 'none'
}
