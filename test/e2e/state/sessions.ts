/** Sessions against real processes: they outlive a leader, and tell before the cluster ends what it can't renew. */
import { expect, until } from '../harness/index.ts'
import type { Cluster, Report } from '../harness/index.ts'

const ttl = 4_000

/** Runs the part. */
export async function sessions(report: Report, cluster: Cluster): Promise<void> {
  report.section('sessions')
  const client = await cluster.client()
  const names = [...cluster.places.keys()]

  await report.check('a session stays held while the leader is killed', async () => {
    await using session = await client.session({ ttl })
    await client.store.put('owner', 'me', { lease: session.lease })
    const leader = await cluster.whole(names)
    await cluster.server(leader).kill()
    const { revision } = await client.store.put('other', 'x')
    cluster.start(leader)
    await cluster.whole(names)
    expect(session.state === 'held', `it is ${session.state}`)
    expect((await client.store.get('owner'))?.lease === session.lease, 'its key is gone')
    return `revision ${revision}`
  })

  await report.check('with its key it is gone when the owner closes it', async () => {
    expect((await client.store.get('owner')) === undefined, 'the key is still there')
  })

  await report.check('cut off from everybody, the owner knows before the cluster lets its key go', async () => {
    const owner = await cluster.client()
    const session = await owner.session({ ttl })
    await owner.store.put('owner', 'me', { lease: session.lease })
    const openedMs = performance.now()
    for (const name of names) cluster.server(name).pause()
    const lostMs = await new Promise<number>((resolve) =>
      session.signal.addEventListener('abort', () => resolve(performance.now() - openedMs), { once: true }),
    )
    for (const name of names) cluster.server(name).resume()
    expect(lostMs <= ttl, `told after ${Math.round(lostMs)} ms`)
    expect(session.state === 'lost', `it is ${session.state}`)
    await cluster.whole(names)
    await until('the key went with its lease', async () => (await client.store.get('owner')) === undefined)
    return `told after ${Math.round(lostMs)} ms of ${ttl}`
  })
}
