/** What contenders told, and what it must amount to in the store and in the resource. */
import type { Client } from '../../../src/client/index.ts'
import { expect } from '../harness/index.ts'
import type { Increment, Seen, Told, Written } from './messages.ts'

/** What came of the counters of one round. */
export interface Counted {
  /** Increments that are in the store. */
  readonly written: number
  /** Sum of the counters: less than `written` if an increment overwrote another. */
  readonly counted: number
  /** Increments of those that were told to have been written. */
  readonly acknowledged: number
  /** Increments whose outcome nobody was told, and how many of them were written. */
  readonly unknown: number
  readonly unknownWritten: number
}

/** One round's account. */
export class Ledger {
  /** Which contender has which token. */
  private readonly grants = new Map<number, string>()
  /** The outcome of each increment; `writing` for those that nobody was told of. */
  private readonly outcomes = new Map<string, Increment & { readonly kind: Told['kind'] }>()
  /** States that stopped holders saw when they went on. */
  readonly woke: string[] = []
  /** Outcomes of the writes of holders that were stopped between read and write, by token. */
  private readonly stopped = new Set<number>()
  private readonly wrongs: string[] = []
  /** How often acquisitions and requests failed, by code. */
  readonly codes = new Map<string, number>()
  private readonly answers: Seen[] = []

  /** Takes down what a contender told. */
  note(told: Told, who: string): void {
    switch (told.kind) {
      case 'granted': {
        const before = this.grants.get(told.token)
        if (before !== undefined) this.wrongs.push(`token ${told.token} was given to ${before} and to ${who}`)
        this.grants.set(told.token, `${who} for ${told.lock}`)
        return
      }
      case 'stopping':
        this.stopped.add(told.token)
        return
      case 'woke':
        this.woke.push(told.state)
        return
      case 'resource':
        this.answers.push(told)
        return
      case 'without':
        this.codes.set(told.code, (this.codes.get(told.code) ?? 0) + 1)
        return
      default:
        this.outcomes.set(told.id, told)
        if ('code' in told) this.codes.set(told.code, (this.codes.get(told.code) ?? 0) + 1)
    }
  }

  /** How many grants there were. */
  get granted(): number {
    return this.grants.size
  }

  /** How many writes of stopped holders had which outcome. */
  stoppedWith(kind: Told['kind']): number {
    return [...this.outcomes.values()].filter((one) => one.kind === kind && this.stopped.has(one.token)).length
  }

  /** Fails if a token was given twice. */
  checkTokens(): string {
    expect(this.wrongs.length === 0, () => this.wrongs.join('\n'))
    return `${this.grants.size} grants`
  }

  /**
   * Reads counters and increments. Fails if an increment that was acknowledged is not there, or one that was refused is. When `isExact`,
   * fails also unless each counter counted each increment once, in the order of the grants.
   */
  async count({ store }: Client, prefix: string, locks: readonly string[], isExact: boolean): Promise<Counted> {
    let [written, counted, acknowledged, unknown, unknownWritten] = [0, 0, 0, 0, 0]
    for (const lock of locks) {
      const found = new Map<string, Written>()
      const start = `${prefix}/increment/${lock}/`
      for await (const entry of store.entries({ prefix: start })) {
        found.set(entry.keyText().slice(start.length), entry.json<Written>())
      }
      const counter = Number((await store.get(`${prefix}/counter/${lock}`))?.text() ?? 0)
      written += found.size
      counted += counter
      for (const { kind, id } of this.of(lock)) {
        const isThere = found.has(id)
        if (kind === 'acknowledged') {
          acknowledged++
          expect(isThere, `increment ${id} of ${lock} was acknowledged and is not there`)
        } else if (kind === 'refused' || kind === 'failed') {
          expect(!isThere, `increment ${id} of ${lock} was ${kind} and is there`)
        } else {
          unknown++
          if (isThere) unknownWritten++
        }
      }
      for (const id of found.keys()) expect(this.outcomes.has(id), `increment ${id} of ${lock} was never begun`)
      if (isExact) checkExact(lock, counter, found)
    }
    return { written, counted, acknowledged, unknown, unknownWritten }
  }

  /** Compares what the resource has seen with what contenders were told. Resolves with how many it refused. */
  checkResource(seen: readonly Seen[]): { readonly accepted: number; readonly refused: number } {
    const highest = new Map<string, number>()
    for (const { lock, token, accepted } of seen) {
      const before = highest.get(lock) ?? 0
      expect(this.grants.has(token), `${lock} got token ${token}, which nobody was granted`)
      expect(accepted === token >= before, `${lock} ${accepted ? 'accepted' : 'refused'} ${token} after ${before}`)
      if (accepted) highest.set(lock, token)
    }
    const told = (accepted: boolean, list: readonly Seen[]): number =>
      list.filter((one) => one.accepted === accepted).length
    for (const accepted of [true, false]) {
      expect(told(accepted, this.answers) <= told(accepted, seen), 'contenders were told what the resource did not see')
    }
    return { accepted: told(true, seen), refused: told(false, seen) }
  }

  private of(lock: string): (Increment & { readonly kind: Told['kind'] })[] {
    return [...this.outcomes.values()].filter((one) => one.lock === lock)
  }
}

/** Each increment was made on what the one before it had left, and by a later grant. */
function checkExact(lock: string, counter: number, found: ReadonlyMap<string, Written>): void {
  expect(counter === found.size, `${lock} counts ${counter} of ${found.size} increments`)
  const inOrder = [...found].toSorted(([, a], [, b]) => a.value - b.value)
  let before = 0
  for (const [at, [id, { value, token }]] of inOrder.entries()) {
    expect(value === at + 1, `increment ${id} of ${lock} made ${value} of ${at}`)
    expect(token > before, `increment ${id} of ${lock} has token ${token} after ${before}`)
    before = token
  }
}
