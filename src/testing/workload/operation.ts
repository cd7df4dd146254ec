/**
 * One kind of thing that clients of a run do, and what it needs for it. To add one: a {@link WorkloadOperation} in a file of
 * this folder and its name in `standard.ts`; what it records must be known to the model of the history.
 */
import { NitroError } from '../../../base/index.ts'
import type { ErrorCode } from '../../../base/index.ts'
import type { RequestOptions } from '../../api/index.ts'
import type { Client } from '../../client/index.ts'
import type { Fact } from '../checkers/facts.ts'
import type { Violations } from '../checkers/violations.ts'
import type { History, Operation } from '../checkers/history.ts'
import type { ClusterClient } from '../cluster-options.ts'
import type { Coverage } from '../reached/coverage.ts'
import type { SeededRandom } from '../random.ts'
import type { Desk } from './desk.ts'

/** A kind of operation. */
export interface WorkloadOperation {
  readonly name: string
  /** How often it is chosen, in relation to the others. */
  readonly weight: number
  /** Does it once; resolves when it is over, whatever came of it. Throws only for bugs of the simulator. */
  run(turn: Turn): Promise<void>
}

/** What an answer tells. */
export interface Answer {
  readonly result?: string | undefined
  readonly revision?: number | undefined
  readonly deleted?: boolean | undefined
}

/** What all turns of a run share. */
export interface TurnWorld {
  readonly history: History
  readonly random: SeededRandom
  readonly coverage: Coverage
  readonly violations: Violations
  /** Notes an operation's end in the trace. */
  note(operation: Operation): void
  /** A value that is written once in the run. */
  freshValue(): string
  /** What clients of the state engine share. */
  readonly desk: Desk
  /** Tells checkers, and the trace. */
  tell(fact: Fact): void
  /** True time. */
  nowMs(): number
  /** Whether sessions are so few that a client may lose its own. */
  readonly fewSessions: boolean
}

/** A worker's turn to do one operation. */
export class Turn {
  readonly client: ClusterClient
  readonly connection: Client
  readonly world: TurnWorld
  /** Deadline and signal for the one request of this turn. */
  readonly options: RequestOptions
  /** Replaces the connection of the client by a new one, with a session of its own. */
  readonly reconnect: () => Promise<void>

  constructor(
    client: ClusterClient,
    connection: Client,
    world: TurnWorld,
    options: RequestOptions,
    reconnect: () => Promise<void>,
  ) {
    this.client = client
    this.connection = connection
    this.world = world
    this.options = options
    this.reconnect = reconnect
  }

  /** Records an operation from its beginning to its end. */
  async record(
    kind: Operation['kind'],
    key: string,
    value: string | undefined,
    run: () => Promise<Answer>,
  ): Promise<void> {
    const { history } = this.world
    const operation = history.begin(this.client.name, kind, key, value)
    try {
      const { result, revision, deleted } = await run()
      history.answered(operation, result, revision, deleted)
    } catch (error) {
      if (!(error instanceof NitroError)) throw error
      history.gaveUp(operation, error.executed !== 'no')
      this.failed(operation, error)
    }
    this.world.note(operation)
  }

  /**
   * Makes a request that is no operation on one key. The error instead of an answer if it is one of `expected`; undefined if the
   * request was given up.
   */
  async attempt<T>(
    what: string,
    run: () => Promise<T>,
    expected: readonly ErrorCode[] = [],
  ): Promise<{ readonly value: T } | { readonly refused: NitroError } | undefined> {
    try {
      return { value: await run() }
    } catch (error) {
      if (!(error instanceof NitroError)) throw error
      if (expected.includes(error.code)) return { refused: error }
      this.sort(`${this.client.name} ${what}`, error)
      return undefined
    }
  }

  private failed({ client, kind, key }: Operation, error: NitroError): void {
    this.sort(`${client} ${kind} ${key}`, error)
  }

  private sort(what: string, error: NitroError): void {
    const { coverage, violations, fewSessions } = this.world
    if (error.code === 'Timeout') coverage.hit('client: timed out')
    else if (error.code === 'Cancelled') coverage.hit('client: cancelled')
    else if (error.code === 'SessionEvicted' && fewSessions) coverage.hit('client: session evicted')
    // Of another worker of the same client, which took a new session meanwhile.
    else if (error.code === 'Closed') coverage.hit('client: refused')
    else violations.add('progress', `${what} failed: ${error.code} (${error.executed}): ${error.message}`)
  }
}
