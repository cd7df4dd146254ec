/**
 * Clients that never stop writing, and every promise they were given: which value under which key at which revision, and
 * which count.
 */
import { messageOf } from '../../../base/index.ts'
import type { Client } from '../../../src/client/index.ts'
import type { Cluster } from '../harness/index.ts'
import { expect, sleep } from '../harness/index.ts'

/** Requests wait for as long as it takes, so that none ends without an answer. */
const patienceMs = 180_000
/** One request at a time each, per client. */
const lanesPerClient = 3
/** Every so many rounds of a lane. */
const rewriteEvery = 5

/** An acknowledged write. */
interface Acknowledged {
  readonly value: string
  readonly revision: number
}

/** What was promised, as the answers come. */
export class Ledger {
  /** The last acknowledged write of each key. */
  readonly written = new Map<string, Acknowledged>()
  /** Acknowledged increments of each counter. */
  readonly counted = new Map<string, number>()
  /** What must never happen, as it was seen. */
  readonly wrongs: string[] = []
  puts = 0
  increments = 0
  private readonly revisions = new Set<number>()
  /** Every count that a counter has answered with. */
  private readonly counts = new Map<string, Set<number>>()
  private newest = 0

  /** The highest revision acknowledged so far: what is asked from now on must come after it. */
  get now(): number {
    return this.newest
  }

  /** A put that was begun when the highest acknowledged revision was `begun`. */
  put(key: string, value: string, revision: number, begun: number): void {
    this.puts++
    if (this.revisions.has(revision)) this.wrong(`revision ${revision} was given twice, the second time to ${key}`)
    if (revision <= begun) this.wrong(`${key} got revision ${revision}, begun after ${begun} was acknowledged`)
    const before = this.written.get(key)
    if (before !== undefined && before.revision >= revision) {
      this.wrong(`${key} got revision ${revision} after ${before.revision}`)
    }
    this.revisions.add(revision)
    if (revision > this.newest) this.newest = revision
    this.written.set(key, { value, revision })
  }

  /** An increment that answered `count`. */
  count(key: string, count: unknown): void {
    this.increments++
    this.counted.set(key, (this.counted.get(key) ?? 0) + 1)
    const seen = this.counts.get(key) ?? new Set()
    this.counts.set(key, seen)
    if (typeof count !== 'number' || seen.has(count)) this.wrong(`${key} answered ${String(count)} twice`)
    else seen.add(count)
  }

  /** Remembers what must not be. */
  wrong(what: string): void {
    if (this.wrongs.length < 20) this.wrongs.push(what)
  }

  /** Fails unless this node holds just what was promised. */
  async verify(cluster: Cluster, node: string): Promise<string> {
    const client = await cluster.only(node)
    let found = 0
    for await (const entry of client.store.entries({ consistency: 'committed' })) {
      const key = entry.keyText()
      const count = this.counted.get(key)
      const write = this.written.get(key)
      expect(count !== undefined || write !== undefined, `${node} has ${key}, which nobody wrote`)
      if (count !== undefined) {
        expect(entry.text() === `${count}`, `${node} counts ${entry.text()} at ${key}: ${count} were acknowledged`)
      } else if (write !== undefined) {
        expect(entry.text() === write.value, `${node} has ${entry.text()} at ${key} instead of ${write.value}`)
        const { modRevision } = entry
        expect(modRevision === write.revision, `${key} is of ${modRevision}, acknowledged was ${write.revision}`)
      }
      found++
    }
    const promised = this.written.size + this.counted.size
    expect(found === promised, `${node} holds ${found} keys of ${promised} that were acknowledged`)
    return `${this.puts} writes of ${this.written.size} keys, ${this.increments} increments`
  }
}

/** The writers. */
export class Writers {
  readonly ledger = new Ledger()
  private readonly clients: readonly Client[]
  private readonly counters: number
  private readonly pauseMs: number
  private stopping = false
  private lanes: Promise<void>[] = []
  /** Failed requests that certainly did nothing, and were made again. */
  repeated = 0

  constructor(clients: readonly Client[], counters: number, pauseMs: number) {
    this.clients = clients
    this.counters = counters
    this.pauseMs = pauseMs
  }

  start(): void {
    this.lanes = this.clients.flatMap((client, of) =>
      Array.from({ length: lanesPerClient }, (_, lane) =>
        this.write(client, `${of}.${lane}`, of * lanesPerClient + lane),
      ),
    )
  }

  /** No new requests; resolves when all have their answer. */
  async stop(): Promise<void> {
    this.stopping = true
    await Promise.all(this.lanes)
  }

  private async write(client: Client, lane: string, offset: number): Promise<void> {
    for (let round = 0; !this.stopping; round++) {
      const counter = `count/${(offset + round) % this.counters}`
      if (round % 2 === 1) {
        await this.insist(async () => {
          this.ledger.count(counter, await client.programs.call('counter', 'add', counter, { timeoutMs: patienceMs }))
        })
      } else {
        const key = round % rewriteEvery === 0 ? `again/${lane}` : `once/${lane}/${round}`
        await this.insist(async () => {
          const begun = this.ledger.now
          const value = `${lane} wrote ${round}`
          const { revision } = await client.store.put(key, value, { timeoutMs: patienceMs })
          this.ledger.put(key, value, revision, begun)
        })
      }
      await sleep(this.pauseMs)
    }
  }

  /** Repeats what certainly did nothing; anything else that fails is wrong, since requests wait for their answer. */
  private async insist(request: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await request()
        return
      } catch (error) {
        if (!isUndone(error)) {
          this.ledger.wrong(`a request ended without an answer: ${messageOf(error)}`)
          return
        }
        this.repeated++
        await sleep(50)
      }
    }
  }
}

function isUndone(error: unknown): boolean {
  return error instanceof Error && 'executed' in error && error.executed === 'no'
}
