/**
 * Clients at work: each has some workers who do one operation after the other, drawn from `standard.ts`. Most wait until
 * they are answered; some give up early, by a deadline or by cancelling.
 */
import { NitroError, isNitroError } from '../../../base/index.ts'
import type { RequestOptions } from '../../api/index.ts'
import type { Client } from '../../client/index.ts'
import type { Final } from '../checkers/checker.ts'
import type { History } from '../checkers/history.ts'
import type { ClusterClient } from '../cluster-options.ts'
import type { Cluster } from '../cluster.ts'
import type { SeededRandom } from '../random.ts'
import { Desk } from './desk.ts'
import { Turn } from './operation.ts'
import type { TurnWorld, WorkloadOperation } from './operation.ts'

/** How long a request waits that is not to be given up. */
const patientMs = 100_000

/** What a workload goes by. */
export interface WorkloadOptions {
  readonly operations: readonly WorkloadOperation[]
  /** Mean pause of a worker between two operations, in virtual milliseconds. */
  readonly everyMs: number
  /** How often a request has a short deadline, and how often it is cancelled. */
  readonly hurryRate: number
  readonly cancelRate: number
  readonly fewSessions: boolean
}

interface Office {
  readonly client: ClusterClient
  connection: Client
  coming: Promise<void> | undefined
}

/** All clients of a run. */
export class Workload {
  /** Workers that are not done. */
  busy = 0
  private readonly random: SeededRandom
  private readonly options: WorkloadOptions
  readonly desk: Desk
  private readonly world: TurnWorld
  private readonly weightSum: number
  private nextValue = 1

  /** `name` is that of its stream of random numbers. */
  constructor(name: string, cluster: Cluster, history: History, options: WorkloadOptions) {
    this.options = options
    this.random = cluster.random.split(name)
    this.desk = new Desk(cluster)
    this.weightSum = options.operations.reduce((sum, { weight }) => sum + weight, 0)
    this.world = {
      history,
      random: this.random,
      coverage: cluster.coverage,
      violations: cluster.violations,
      fewSessions: options.fewSessions,
      note: ({ client, kind, key, outcome, result, revision }) =>
        cluster.trace.add(
          cluster.time.nowMs,
          client,
          kind,
          undefined,
          `${key} ${outcome} ${result ?? ''} ${revision ?? ''}`,
        ),
      freshValue: () => `${name === 'workload' ? 'v' : 's'}${this.nextValue++}`,
      desk: this.desk,
      tell: (fact) => this.desk.tell(fact),
      nowMs: () => cluster.time.nowMs,
    }
  }

  /** Starts a client with some workers, who stop when `enough` says so. */
  start(client: ClusterClient, workers: number, enough: () => boolean): void {
    this.busy += workers
    void this.connected(client).then((connection) => {
      const office: Office = { client, connection, coming: undefined }
      for (let i = 0; i < workers; i++) void this.work(office, enough)
    })
  }

  /** Connects, however long it takes. */
  private async connected(client: ClusterClient): Promise<Client> {
    for (;;) {
      try {
        return await client.connect()
      } catch (error) {
        if (!isNitroError(error)) throw error
        await sleep(client, 50)
      }
    }
  }

  /** The last operation begins when there is enough: it has to be answered by what the faults left behind. */
  private async work(office: Office, enough: () => boolean): Promise<void> {
    for (let last = false; !last;) {
      last = enough()
      await this.operate(office, last)
      await sleep(office.client, this.random.between(0, 2 * this.options.everyMs))
    }
    this.busy--
  }

  private async operate(office: Office, last: boolean): Promise<void> {
    await office.coming
    const { client, connection } = office
    const cancelled = this.cancelling(client, last)
    const turn = new Turn(client, connection, this.world, { ...this.deadline(last), ...cancelled.options }, () =>
      this.reconnect(office),
    )
    await this.draw().run(turn)
    cancelled.end()
  }

  private draw(): WorkloadOperation {
    const { operations } = this.options
    let at = this.random.between(0, this.weightSum)
    return operations.find(({ weight }) => (at -= weight) < 0) ?? (operations[0] as WorkloadOperation)
  }

  private deadline(last: boolean): RequestOptions {
    const hurry = !last && this.random.chance(this.options.hurryRate)
    return { timeoutMs: hurry ? this.random.between(50, 1_500) : patientMs }
  }

  /** A signal that is given up after a while, for some requests. */
  private cancelling(client: ClusterClient, last: boolean): { readonly options: RequestOptions; end(): void } {
    if (last || !this.random.chance(this.options.cancelRate)) return { options: {}, end: () => undefined }
    const controller = new AbortController()
    const timer = client.life.scheduler.after(this.random.between(0, 400), () =>
      controller.abort(new NitroError('Cancelled', 'the client thought better of it', { executed: 'maybe' })),
    )
    return { options: { signal: controller.signal }, end: () => timer.cancel() }
  }

  /** One new connection at a time; requests that the old one still waited for end with `Closed`. */
  private async reconnect(office: Office): Promise<void> {
    office.coming ??= (async () => {
      await office.connection.close()
      office.connection = await this.connected(office.client)
      office.coming = undefined
    })()
    await office.coming
  }

  /** Reads every key of the history at the end; each read is part of it. */
  async finals(client: ClusterClient): Promise<Map<string, Final | undefined>> {
    const connection = await this.connected(client)
    const { history } = this.world
    const out = new Map<string, Final | undefined>()
    for (const key of history.keys()) {
      const operation = history.begin(client.name, 'get', key)
      const entry = await connection.store.get(key, { timeoutMs: patientMs })
      history.answered(operation, entry?.text(), entry?.modRevision)
      out.set(key, entry === undefined ? undefined : { value: entry.text(), revision: entry.modRevision })
    }
    await connection.close()
    return out
  }
}

function sleep(client: ClusterClient, ms: number): Promise<void> {
  return new Promise((resolve) => {
    client.life.scheduler.after(ms, resolve)
  })
}
