/** One cluster of three in which one case after the other is run; after each it is whole again. */
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { isNitroError } from '../../../base/index.ts'
import type { Client } from '../../../src/client/index.ts'
import { Cluster, Promises, expect, nitrostate, sleep } from '../harness/index.ts'
import { pathOf } from './files.ts'

/** Names in every lane. */
export const names = ['n1', 'n2', 'n3'] as const
/** More than LevelDB keeps in its memory table (4 MiB), and random, so that it can't be packed: tables come into being. */
const bigValues = 96
const bigBytes = 48 * 1024

/** A cluster with data, and what it promised. */
export class Lane {
  readonly cluster: Cluster
  readonly promises = new Promises()
  private round = 0

  /** Forms the cluster and fills it. */
  static async make(directory: string): Promise<Lane> {
    const lane = new Lane(await Cluster.make({ directory, founders: names }))
    await lane.cluster.startWhole(names)
    const client = await lane.cluster.client()
    for (let at = 0; at < bigValues; at++) {
      await lane.promises.put(client, `big/${at}`, randomBytes(bigBytes).toString('base64'))
    }
    await lane.write(client, 100)
    await client.close()
    return lane
  }

  private constructor(cluster: Cluster) {
    this.cluster = cluster
  }

  /** Writes some small keys, over several flushes. */
  async write(client: Client, count: number): Promise<void> {
    const round = this.round++
    for (let at = 0; at < count; at++) {
      await this.promises.put(client, `small/${round}/${at}`, `${round}.${at}`)
      await sleep(5)
    }
  }

  /** The other two. */
  others(victim: string): [string, string] {
    return names.filter((name) => name !== victim) as [string, string]
  }

  /** Checks that tables exist where a case damages one. */
  hasTables(victim: string): void {
    const path = pathOf('state .ldb', this.cluster.at(victim).dataDir)
    expect(statSync(path).size > 100_000, `${path} has ${statSync(path).size} bytes only`)
  }

  /** Replaces a node that has refused to start: a new member with an empty directory takes its name. */
  async replace(victim: string): Promise<void> {
    const { cluster } = this
    const others = this.others(victim)
    const endpoints = cluster.endpoints(others).join()
    const done = await nitrostate(['member', 'replace', victim, '--endpoints', endpoints])
    expect(done.code === 0, done.err)
    cluster.wipe(victim)
    cluster.start(victim, { join: others })
    await cluster.voter(victim, others)
  }

  /** Compares everything that every node serves with what was promised, at both consistencies, and the hashes. */
  async verifyAll(): Promise<void> {
    const { cluster, promises } = this
    await cluster.whole(names)
    await cluster.hashesAgree(names)
    for (const name of names) promises.verify(`${name} (linearizable)`, await cluster.contents(name, 'linearizable'))
    for (const name of names) promises.verify(`${name} (committed)`, await cluster.contents(name, 'committed'))
  }

  /**
   * Reads from one node's own state, again and again until stopped: it may be old or refuse, but no value may be wrong.
   * Resolves with how many records were read.
   */
  readAlong(name: string): { stop(): Promise<number> } {
    const stopping = new AbortController()
    const run = async (): Promise<number> => {
      let records = 0
      while (!stopping.signal.aborted) {
        records += await this.readOnce(name)
        await sleep(50)
      }
      return records
    }
    const running = run()
    running.catch(() => {})
    return {
      stop: () => {
        stopping.abort()
        return running
      },
    }
  }

  private async readOnce(name: string): Promise<number> {
    try {
      const client = await this.cluster.only(name)
      const options = { consistency: 'committed', limit: 40, timeoutMs: 500 } as const
      const { entries } = await client.store.range({ prefix: 'big/', ...options })
      const small = await client.store.range({ prefix: 'small/', reverse: true, ...options })
      for (const entry of [...entries, ...small.entries]) {
        const key = entry.keyText()
        const wanted = this.promises.written.get(key) ?? this.promises.doubtful.get(key)
        const pending = this.promises.pending === key
        expect(pending || wanted === entry.text(), () => `${name} served a wrong value for ${key}`)
      }
      return entries.length + small.entries.length
    } catch (error) {
      if (isNitroError(error)) return 0
      throw error
    }
  }
}
