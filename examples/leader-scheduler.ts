/**
 * A scheduler that runs where the leader is: candidates wait in line, the leader says where it can be reached, and everybody else
 * follows who leads. Resigning hands over at once.
 */
import { connect, openNode } from 'nitrostate'
import type { Client } from 'nitrostate'

await using node = await openNode({ listen: '127.0.0.1:0' })
await node.ready()
const watcher = await connect({ endpoints: [node.address] })
const end = new AbortController()

const observing = (async () => {
  try {
    for await (const leader of watcher.sync.observe('scheduler', { signal: end.signal })) {
      console.log(leader === undefined ? 'nobody leads' : `${leader.text()} leads, token ${leader.token}`)
    }
  } catch (error) {
    if (!end.signal.aborted) throw error
  }
})()

async function candidate({ sync }: Client, address: string): Promise<void> {
  await using leader = await sync.leader('scheduler', { value: address, ttl: 5_000 })
  for (let task = 1; task <= 3; task++) {
    leader.throwIfLost()
    await leader.proclaim(`${address} (task ${task})`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  await leader.resign()
}

const hosts = ['host-a:80', 'host-b:80', 'host-c:80']
const clients = await Promise.all(hosts.map(() => connect({ endpoints: [node.address] })))
await Promise.all(clients.map((client, at) => candidate(client, hosts[at] as string)))
end.abort()
await observing
for (const client of clients) await client.close()
await watcher.close()
