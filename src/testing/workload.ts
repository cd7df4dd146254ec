/**
 * What the clients of a simulated run do: puts of unique values, deletes, linearizable gets, and increments by a program,
 * on few keys, several at a time. Most operations wait until they are answered; some give up early.
 */
import { NitroError, isNitroError } from '../../base/index.ts'
import { ProgramError } from '../../execution/index.ts'
import type { Program } from '../../execution/index.ts'
import type { Client } from '../client/index.ts'
import type { Final } from './checkers/checker.ts'
import type { History, Operation } from './checkers/history.ts'
import type { Cluster, ClusterClient } from './cluster.ts'
import type { SeededRandom } from './random.ts'

/** Counts in keys: `increment` with a key adds one and returns the sum. */
export const counterProgram: Program = {
  name: 'counter',
  version: 1,
  methods: {
    increment(tx, key) {
      if (typeof key !== 'string') throw new ProgramError('KeyNeeded')
      const before = tx.get(key)
      const sum = (before === undefined ? 0 : Number(new TextDecoder().decode(before))) + 1
      tx.put(key, String(sum))
      return sum
    },
  },
}

const registers = ['r1', 'r2', 'r3']
const counters = ['c1', 'c2']
const patientMs = 60_000

/** Clients at work. */
export class Workload {
  /** Workers that are not done. */
  busy = 0
  private readonly cluster: Cluster
  private readonly history: History
  private readonly random: SeededRandom
  private nextValue = 1

  constructor(cluster: Cluster, history: History) {
    this.cluster = cluster
    this.history = history
    this.random = cluster.random.split('workload')
  }

  /** Starts one client with some workers, each with a pause of about `everyMs` between operations, for `durationMs`. */
  start(client: ClusterClient, workers: number, everyMs: number, durationMs: number): void {
    this.busy += workers
    const untilMs = this.cluster.time.nowMs + durationMs
    void this.connected(client).then((connection) => {
      for (let i = 0; i < workers; i++) void this.work(client, connection, everyMs, untilMs)
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

  /** The last operation begins when the time is over: it has to be answered by what the faults left behind. */
  private async work(client: ClusterClient, connection: Client, everyMs: number, untilMs: number): Promise<void> {
    const { time } = this.cluster
    for (let last = false; !last;) {
      last = time.nowMs >= untilMs
      await this.operate(client.name, connection)
      await sleep(client, this.random.between(0, 2 * everyMs))
    }
    this.busy--
  }

  private async operate(client: string, { store, programs }: Client): Promise<void> {
    const { random, history } = this
    const timeoutMs = random.chance(0.15) ? random.between(50, 1_500) : patientMs
    const dice = random.between(0, 1)
    if (dice < 0.25) {
      const operation = history.begin(client, 'increment', random.pick(counters))
      await this.settle(operation, async () => {
        const sum = await programs.call('counter', 'increment', operation.key, { timeoutMs })
        history.answered(operation, String(sum), undefined)
      })
    } else if (dice < 0.6) {
      const value = `v${this.nextValue++}`
      const operation = history.begin(client, 'put', random.pick(registers), value)
      await this.settle(operation, async () => {
        const { revision } = await store.put(operation.key, value, { timeoutMs })
        history.answered(operation, undefined, revision)
      })
    } else if (dice < 0.7) {
      const operation = history.begin(client, 'delete', random.pick(registers))
      await this.settle(operation, async () => {
        const { revision, deleted } = await store.delete(operation.key, { timeoutMs })
        history.answered(operation, undefined, revision, deleted > 0)
      })
    } else {
      const operation = history.begin(client, 'get', random.pick(registers))
      await this.settle(operation, async () => {
        const entry = await store.get(operation.key, { timeoutMs })
        history.answered(operation, entry?.text(), entry?.modRevision)
      })
    }
  }

  private async settle(operation: Operation, run: () => Promise<void>): Promise<void> {
    const { trace, time } = this.cluster
    try {
      await run()
    } catch (error) {
      if (!(error instanceof NitroError)) throw error
      this.history.gaveUp(operation, error.executed !== 'no')
      if (error.code !== 'Timeout') this.unexpected(operation, error)
    }
    const { client, kind, key, outcome, result, revision } = operation
    trace.add(time.nowMs, client, kind, undefined, `${key} ${outcome} ${result ?? ''} ${revision ?? ''}`)
  }

  /** Only deadlines end operations here: sessions are few and short-lived. */
  private unexpected(operation: Operation, error: NitroError): void {
    const { client, kind, key } = operation
    this.cluster.violations.add(
      'progress',
      `${client} ${kind} ${key} failed: ${error.code} (${error.executed}): ${error.message}`,
    )
  }

  /** Reads every key at the end; each read is part of the history. */
  async finals(client: ClusterClient): Promise<Map<string, Final | undefined>> {
    const connection = await this.connected(client)
    const out = new Map<string, Final | undefined>()
    for (const key of [...registers, ...counters]) {
      const operation = this.history.begin(client.name, 'get', key)
      const entry = await connection.store.get(key, { timeoutMs: patientMs })
      this.history.answered(operation, entry?.text(), entry?.modRevision)
      out.set(key, entry === undefined ? undefined : { value: entry.text(), revision: entry.modRevision })
    }
    return out
  }
}

function sleep(client: ClusterClient, ms: number): Promise<void> {
  return new Promise((resolve) => {
    client.life.scheduler.after(ms, resolve)
  })
}
