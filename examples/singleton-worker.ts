/**
 * Three instances of a service, of which exactly one works through a queue. What the worker writes is guarded: an instance that was
 * stopped for too long, and goes on, can't write over what its successor has done.
 */
import { connect, isNitroError, openNode, put } from 'nitrostate'
import type { Client } from 'nitrostate'

await using node = await openNode({ listen: '127.0.0.1:0' })
await node.ready()
await node.store.put('counter', '0')

/** Works while it has the lock, and waits for it otherwise, until `signal` aborts. */
async function work({ store, sync }: Client, label: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await using lock = await sync.lock('worker', { ttl: 5_000, label, signal })
      console.log(`${label} works`)
      while (!signal.aborted) {
        lock.throwIfLost()
        const next = Number((await store.get('counter'))?.text()) + 1
        const { succeeded } = await store
          .txn()
          .if(lock.guard())
          .then(put('counter', String(next)))
          .commit()
        if (!succeeded) break
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isNitroError(error)) throw error
      console.log(`${label}: ${error.code}, trying again`)
    }
  }
}

const instances = await Promise.all(
  ['a', 'b', 'c'].map(async (label) => {
    const client = await connect({ endpoints: [node.address] })
    const stop = new AbortController()
    return { label, client, stop, done: work(client, label, stop.signal) }
  }),
)

/** One after the other stops: each time the counter has gone on by ten. */
for (let wanted = 10; wanted <= 30; wanted += 10) {
  while (Number((await node.store.get('counter'))?.text()) < wanted) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { holders, waiters } = await node.sync.inspect('worker')
  const worker = instances.find(({ label }) => label === holders[0]?.label)
  console.log(`${worker?.label} is the worker, ${waiters.length} wait; it stops`)
  worker?.stop.abort()
  await worker?.done
}

await Promise.all(instances.map(({ client }) => client.close()))
