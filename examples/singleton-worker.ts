/**
 * A plain HTTP service of three instances, of which exactly one works through a queue. What the worker writes is guarded: an
 * instance that was stopped for too long, and goes on, can't write over what its successor has done.
 */
import { createServer } from 'node:http'
import { connect, isNitroError, openNode, put } from 'nitrostate'
import type { Client } from 'nitrostate'

await using node = await openNode({ listen: '127.0.0.1:0' })
await node.ready()
await node.store.put('counter', '0')
const stop = new AbortController()

/** Works while it has the lock, and waits for it otherwise, until `signal` aborts. */
async function work({ store, sync }: Client, label: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await using lock = await sync.lock('worker', { ttl: 5_000, label, signal })
      console.log(`${label} works, with token ${lock.token}`)
      while (!signal.aborted) {
        lock.throwIfLost()
        const next = Number((await store.get('counter'))?.text()) + 1
        const { succeeded } = await store
          .txn()
          .if(lock.guard())
          .then(put('counter', String(next)))
          .commit()
        if (!succeeded) break
        await new Promise((resolve) => setTimeout(resolve, 50))
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
    const own = new AbortController()
    const signal = AbortSignal.any([own.signal, stop.signal])
    const done = work(client, label, signal)
    const server = createServer((_request, response) => {
      void client.sync
        .inspect('worker')
        .then(({ holders }) => response.end(`worker: ${holders[0]?.label ?? 'nobody'}\n`))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
    return { label, client, server, url, done, own }
  }),
)

await new Promise((resolve) => setTimeout(resolve, 1_000))
for (const { label, url } of instances) console.log(`${label} says ${(await (await fetch(url)).text()).trim()}`)
const [first] = instances
first?.own.abort()
await first?.done
await new Promise((resolve) => setTimeout(resolve, 1_000))
for (const { label, url } of instances) console.log(`${label} says ${(await (await fetch(url)).text()).trim()}`)
console.log(`counter: ${(await node.store.get('counter'))?.text()}`)

stop.abort()
for (const { client, server, done } of instances) {
  await done
  server.close()
  await client.close()
}
