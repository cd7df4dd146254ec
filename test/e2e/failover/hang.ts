/** A leader that hangs: its connections stay open, but nothing comes from it any more. */
import { connect } from '../../../src/client/index.ts'
import type { Client } from '../../../src/client/index.ts'
import type { Cluster } from '../harness/index.ts'
import { expect, sleep } from '../harness/index.ts'

const pausedMs = 6_000
const putsAtATime = 4

/**
 * Stops the leader while a client of a follower writes all the time, what is on its way to the leader included. Gives the
 * longest that a put took.
 */
export async function hangLeader(cluster: Cluster, names: readonly string[], limitMs: number): Promise<string> {
  const leader = await cluster.whole(names)
  const follower = names.find((name) => name !== leader) as string
  const client = await connect({ endpoints: cluster.endpoints([follower]), followLeader: false, timeoutMs: 60_000 })
  try {
    await client.store.put('hang', 'before')
    let worstMs = 0
    let puts = 0
    let over = false
    const lanes = Array.from({ length: putsAtATime }, async (_, lane) => {
      while (!over) {
        worstMs = Math.max(worstMs, await timedPut(client, `hang/${lane}`, `${puts++}`))
        await sleep(1)
      }
    })
    await sleep(200)
    cluster.server(leader).pause()
    await sleep(pausedMs)
    over = true
    cluster.server(leader).resume()
    await Promise.all(lanes)
    expect(worstMs < limitMs, `a put took ${worstMs.toFixed(0)} ms while ${leader} hung`)
    return `${puts} puts, the longest took ${worstMs.toFixed(0)} ms`
  } finally {
    await client.close()
  }
}

async function timedPut(client: Client, key: string, value: string): Promise<number> {
  const startedMs = performance.now()
  await client.store.put(key, value)
  return performance.now() - startedMs
}
