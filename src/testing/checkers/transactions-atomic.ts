/**
 * Transactions are atomic: all changes of one are in one revision, which holds nothing else; its conditions and reads are of the
 * state just before; and one whose fate is not known has happened wholly, once, or not at all.
 */
import type { Checker, Report } from './checker.ts'
import type { AttemptFact, Fact, WriteFact } from './facts.ts'
import { describeOperation } from './history.ts'
import type { Operation } from './history.ts'
import type { OneHistory, TrueEvent } from './one-history.ts'
import type { Change } from './watch.ts'

/**
 * Compares what transactions were told with the history, and at the end all that were begun. What a node told of an entry that it
 * had not applied to its end waits until some node has.
 */
export class TransactionsAtomic implements Checker {
  readonly property = 'transactions are atomic'
  private readonly attempts: AttemptFact[] = []
  private readonly undone = new Set<string>()
  private awaited: { readonly revision: number; readonly judge: () => void }[] = []
  private readonly history: OneHistory
  private readonly report: Report

  constructor(history: OneHistory, report: Report) {
    this.history = history
    this.report = report
  }

  told(fact: Fact): void {
    if (fact.kind === 'attempt') this.attempts.push(fact)
    else if (fact.kind === 'undone') this.undone.add(fact.value)
    else if (fact.kind === 'write') this.whenApplied(fact.revision, () => this.write(fact))
  }

  /** A put of one key is a transaction, too. */
  ended(operation: Operation): void {
    const { kind, key, value = '', revision, outcome } = operation
    if (kind !== 'put' || outcome !== 'ok' || revision === undefined) return
    this.whenApplied(revision, () => {
      const mine = describe([{ type: 'put', key, value }])
      const theirs = describe(this.history.at(revision)?.events ?? [])
      if (mine !== theirs)
        this.report(`revision ${revision} is ${theirs || 'nothing'}: ${describeOperation(operation)}`)
    })
  }

  private whenApplied(revision: number, judge: () => void): void {
    if (revision <= this.history.revision) judge()
    else this.awaited.push({ revision, judge })
  }

  applied(): void {
    if (this.awaited.length === 0) return
    const ready = this.awaited.filter(({ revision }) => revision <= this.history.revision)
    this.awaited = this.awaited.filter(({ revision }) => revision > this.history.revision)
    for (const { judge } of ready) judge()
  }

  private write(fact: WriteFact): void {
    const { history } = this
    const { client, known, revision, changes, condition, succeeded } = fact
    const what = `the transaction of ${client} at ${revision}`
    if (changes.length > 0) {
      const mine = describe(changes)
      const theirs = describe(history.at(revision)?.events ?? [])
      if (mine !== theirs)
        this.report(`${what} was told to have done ${mine}; the revision holds ${theirs || 'nothing'}`)
      if (revision <= known.revision) this.report(`${what} came after ${known.revision} had been told`)
    } else if (revision < known.revision) this.report(`${what} saw less than ${known.revision}, which had been told`)
    const before = changes.length > 0 ? revision - 1 : revision
    const expected = condition.every(({ key, mod }) => (history.get(key, before)?.modRevision ?? 0) === mod)
    if (expected !== succeeded) {
      const told = condition.map(({ key, mod }) => `${key}@${mod}`).join(' and ')
      this.report(`${what} asked for ${told} and was told ${succeeded}`)
    }
    for (const [at, reads] of [
      [before, fact.before],
      [revision, fact.after],
    ] as const) {
      for (const { key, value } of reads) {
        const stored = history.get(key, at)?.value
        if (value !== stored) this.report(`${what} read ${key}=${value}; at ${at} it is ${stored}`)
      }
    }
  }

  finished(): void {
    for (const { judge } of this.awaited.splice(0)) judge()
    const places = new Map<string, { readonly revision: number; readonly keys: Set<string> }[]>()
    for (const [revision, { events }] of this.history.all()) {
      for (const { type, key, value } of events) {
        if (type === 'delete') continue
        const known = places.get(value) ?? []
        if (known.at(-1)?.revision !== revision) known.push({ revision, keys: new Set() })
        known.at(-1)?.keys.add(key)
        places.set(value, known)
      }
    }
    for (const { client, value, keys } of this.attempts) {
      const found = places.get(value) ?? []
      if (found.length === 0) continue
      if (this.undone.has(value)) this.report(`${client} was refused, and ${value} is there all the same`)
      const told = found.map((one) => `${[...one.keys].join(' ')} at ${one.revision}`).join(', ')
      const whole = found.length === 1 && keys.every((key) => found[0]?.keys.has(key))
      if (!whole) this.report(`a transaction of ${client} wrote ${value} to ${keys.join(' ')}, and it is in ${told}`)
    }
  }
}

function describe(changes: readonly (Change | TrueEvent)[]): string {
  return changes.map(({ type, key, value = '' }) => `${type} ${key}${type === 'delete' ? '' : `=${value}`}`).join(', ')
}
