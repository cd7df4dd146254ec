/**
 * What a run reports while it happens, and who listens.
 *
 * A checker is one promise: a class that listens to some of these reports and says which of them broke the promise. It
 * keeps its own picture of the run, never changes anything, and neither waits nor throws. To add one: a file here, its
 * name in {@link Property}, one line in `standard.ts`, and a test with reports that are good and reports that are bad.
 */
import type { Entry, Message, Ready } from '../../../consensus/index.ts'
import type { Machine } from '../../../execution/index.ts'
import type { ObservedMember, ReplicaObserver } from '../../replica/index.ts'
import type { LogBatch } from '../../storage/index.ts'
import type { Fact } from './facts.ts'
import type { History, Operation } from './history.ts'
import type { Violations } from './violations.ts'

/** The promises, by the names that failures and the table of mutants use. */
export const properties = [
  'election safety',
  'leader append-only',
  'log matching',
  'leader completeness',
  'state machine safety',
  'committed is durable',
  'counted copies exist',
  'what is written stays',
  'promises before answers',
  'stable leader',
  'equal state',
  'state survives crashes',
  'replies after durability',
  'linearizable',
  'revisions rise',
  'acknowledged is kept',
  'exactly once',
  'one history',
  'reads agree',
  'transactions are atomic',
  'lease bound',
  'ended leases stay ended',
  'watch guarantees',
  'grants exclude each other',
  'tokens rise',
  'first come, first served',
  'no lost waiter',
  'every acquire ends',
  'nothing left behind',
  'guarded writes',
  'held is true',
  'signal in time',
  'one leader',
  'elections in order',
  'progress',
  'convergence',
  'nodes stay up',
] as const

/** One of {@link properties}, or `run` where the run itself broke. */
export type Property = (typeof properties)[number] | 'run'

/** What a key holds at the end. */
export interface Final {
  readonly value: string
  readonly revision: number
}

/** A run that is over. */
export interface FinishedRun {
  readonly history: History
  /** What every key holds at the end, by linearizable reads; undefined when they were not answered. */
  readonly finals: ReadonlyMap<string, Final | undefined> | undefined
}

/** Everything that is reported. `node` is a name. Reports of one node come in the order in which things happened to it. */
export interface Observations {
  /** As in {@link ReplicaObserver}, with the node's name. `loaded` may come before `opened`. */
  opened(node: string, member: ObservedMember): void
  received(node: string, message: Message): void
  handsOut(node: string, ready: Ready): void
  written(node: string, batch: LogBatch): void
  sent(node: string, message: Message): void
  leads(node: string, term: number): void
  loaded(node: string, machine: Machine): void
  applied(node: string, entry: Entry, machine: Machine): void
  /** A node's process is gone, whether it was stopped, killed, or lost power. */
  down(node: string): void
  /** It could not be opened, or ended by itself, because its log or its identity is not what it was: the error's code. */
  failed(node: string, code: string): void
  /** A fault changed what its disk holds: bits that rot, writes that went astray, records that are gone. */
  damaged(node: string): void
  /** A client begins an operation, and is told what became of it. */
  began(operation: Operation): void
  ended(operation: Operation): void
  /** A client of the state engine is told something. */
  told(fact: Fact): void
  /** The run is over. */
  finished(run: FinishedRun): void
}

/** Listens to some reports and knows what promise they are about. */
export interface Checker extends Partial<Observations> {
  readonly property: Property
}

/** Listens to some reports to give checkers a common picture; finds nothing itself. */
export type Picture = Partial<Observations>

/** Notes that a promise was broken. */
export type Report = (what: string) => void

type Listeners = { readonly [Name in keyof Observations]: Observations[Name][] }

/** Hands every report to all who listen, pictures before checkers. */
export class Checkers {
  private readonly listeners: Listeners = {
    opened: [],
    received: [],
    handsOut: [],
    written: [],
    sent: [],
    leads: [],
    loaded: [],
    applied: [],
    down: [],
    failed: [],
    damaged: [],
    began: [],
    ended: [],
    told: [],
    finished: [],
  }
  private readonly violations: Violations

  constructor(violations: Violations) {
    this.violations = violations
  }

  /** Lets a checker or a picture hear every report from now on. Returns it. */
  add<T extends Picture>(one: T): T {
    for (const name of Object.keys(this.listeners) as (keyof Observations)[]) this.listen(name, one)
    return one
  }

  private listen<Name extends keyof Observations>(name: Name, one: Picture): void {
    const handler = one[name]
    if (handler !== undefined) this.listeners[name].push(handler.bind(one) as Observations[Name])
  }

  /** Where a checker of this property says what it found. */
  reportOf(property: Property): Report {
    return (what) => this.violations.add(property, what)
  }

  /** The observer of one node. */
  observer(node: string): ReplicaObserver {
    const { opened, received, handsOut, written, sent, leads, loaded, applied } = this.listeners
    return {
      opened: (member) => {
        for (const each of opened) each(node, member)
      },
      received: (message) => {
        for (const each of received) each(node, message)
      },
      handsOut: (ready) => {
        for (const each of handsOut) each(node, ready)
      },
      written: (batch) => {
        for (const each of written) each(node, batch)
      },
      sent: (message) => {
        for (const each of sent) each(node, message)
      },
      leads: (term) => {
        for (const each of leads) each(node, term)
      },
      loaded: (machine) => {
        for (const each of loaded) each(node, machine)
      },
      applied: (entry, machine) => {
        for (const each of applied) each(node, entry, machine)
      },
    }
  }

  /** A node's process is gone. */
  down(node: string): void {
    for (const each of this.listeners.down) each(node)
  }

  /** A node says that its log or identity is not what it was. */
  failed(node: string, code: string): void {
    for (const each of this.listeners.failed) each(node, code)
  }

  /** A fault changed what a node's disk holds. */
  damaged(node: string): void {
    for (const each of this.listeners.damaged) each(node)
  }

  /** A client began an operation. */
  began(operation: Operation): void {
    for (const each of this.listeners.began) each(operation)
  }

  /** A client was told what became of an operation. */
  ended(operation: Operation): void {
    for (const each of this.listeners.ended) each(operation)
  }

  /** A client of the state engine was told something. */
  told(fact: Fact): void {
    for (const each of this.listeners.told) each(fact)
  }

  /** The run is over: what can only be judged at the end is judged now. */
  finished(run: FinishedRun): void {
    for (const each of this.listeners.finished) each(run)
  }
}
