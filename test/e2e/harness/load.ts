/** Clients that write all the time and remember what was acknowledged. */
import { writeFileSync } from 'node:fs'
import { isNitroError } from '../../../base/index.ts'
import type { Client } from '../../../src/client/index.ts'
import { expect } from './report.ts'
import { sleep } from './wait.ts'

/** A program with a counter that must count each acknowledged call once. */
const counterProgram = `
export default [
  {
    name: 'counter',
    version: 1,
    methods: {
      add(tx, key) {
        const bytes = tx.get(key)
        const next = (bytes === undefined ? 0 : Number(new TextDecoder().decode(bytes))) + 1
        tx.put(key, String(next))
        return next
      },
    },
  },
]
`

/** Writes the program's module; for `--programs`. */
export function writeCounterProgram(path: string): string {
  writeFileSync(path, counterProgram)
  return path
}

/** What was promised about the content of the store. */
export class Promises {
  /** Acknowledged writes. */
  readonly written = new Map<string, string>()
  /** The key that is being written now, if it is one at a time. */
  pending = ''
  /** Writes whose outcome nobody knows. */
  readonly doubtful = new Map<string, string>()
  /** Writes that were refused for certain. */
  readonly refused = new Set<string>()
  /** Acknowledged and doubtful increments by counter. */
  readonly counters = new Map<string, { acknowledged: number; doubtful: number }>()

  /** Writes one key and remembers what came of it; a failure is rethrown. */
  async put(client: Client, key: string, value: string, timeoutMs?: number): Promise<void> {
    this.pending = key
    try {
      await client.store.put(key, value, timeoutMs === undefined ? {} : { timeoutMs })
      this.written.set(key, value)
    } catch (error) {
      if (isNitroError(error) && error.executed === 'no') this.refused.add(key)
      else this.doubtful.set(key, value)
      throw error
    }
  }

  /** Counts one up. */
  async count(client: Client, key: string): Promise<void> {
    const counter = this.counters.get(key) ?? { acknowledged: 0, doubtful: 0 }
    this.counters.set(key, counter)
    try {
      await client.programs.call('counter', 'add', key)
      counter.acknowledged++
    } catch (error) {
      if (!isNitroError(error) || error.executed !== 'no') counter.doubtful++
      throw error
    }
  }

  /** Fails unless a node's content is just what was promised: nothing lost, nothing twice, nothing invented. */
  verify(node: string, found: ReadonlyMap<string, string>): string {
    for (const [key, value] of this.written) {
      expect(found.get(key) === value, () => `${node} has ${shown(found.get(key))} for acknowledged ${key}`)
    }
    for (const [key, value] of found) {
      if (this.written.has(key) || this.counters.has(key)) continue
      expect(!this.refused.has(key), `${node} has ${key}, whose write was refused`)
      expect(this.doubtful.get(key) === value, () => `${node} has ${key} = ${shown(value)}, which nobody wrote`)
    }
    let counts = 0
    for (const [key, { acknowledged, doubtful }] of this.counters) {
      const count = Number(found.get(key) ?? 0)
      const fits = count >= acknowledged && count <= acknowledged + doubtful
      expect(fits, `${node} counts ${count} at ${key}: ${acknowledged} acknowledged, ${doubtful} doubtful`)
      counts += acknowledged
    }
    return `${this.written.size} writes and ${counts} counts`
  }
}

const shown = (value: string | undefined): string =>
  value === undefined ? 'nothing' : JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)

/** Some writers, each with a client and a counter of its own. */
export class Load {
  readonly promises: Promises
  private readonly clients: readonly Client[]
  private readonly stopping = new AbortController()
  private writers: Promise<void>[] = []
  private failures = 0

  constructor(clients: readonly Client[], promises: Promises) {
    this.clients = clients
    this.promises = promises
  }

  /** Begins to write, each writer one request at a time with a pause after it. */
  start(pauseMs = 5): void {
    this.writers = this.clients.map((client, at) => this.write(client, at, pauseMs))
  }

  private async write(client: Client, writer: number, pauseMs: number): Promise<void> {
    for (let round = 0; !this.stopping.signal.aborted; round++) {
      try {
        if (round % 2 === 0) await this.promises.put(client, `load/${writer}/${round}`, `${writer} wrote ${round}`)
        else await this.promises.count(client, `count/${writer}`)
      } catch (error) {
        if (!isNitroError(error)) throw error
        this.failures++
      }
      await sleep(pauseMs)
    }
  }

  /** Acknowledged so far. */
  get acknowledged(): number {
    let sum = this.promises.written.size
    for (const { acknowledged } of this.promises.counters.values()) sum += acknowledged
    return sum
  }

  /** Waits until `count` more requests were acknowledged. */
  async progress(count: number, timeoutMs = 30_000): Promise<void> {
    const [from, endMs] = [this.acknowledged, performance.now() + timeoutMs]
    while (this.acknowledged < from + count) {
      expect(performance.now() < endMs, `only ${this.acknowledged - from} of ${count} writes in ${timeoutMs} ms`)
      await sleep(50)
    }
  }

  /** Ends the writers. */
  async stop(): Promise<string> {
    this.stopping.abort()
    await Promise.all(this.writers)
    return `${this.acknowledged} acknowledged, ${this.failures} failed`
  }
}
