/**
 * Partitions that are shared out among consumers: each is consumed by one at a time, and they move when consumers come and go.
 * A consumer finishes what it has begun before its partition moves.
 */
import { connect, openNode } from 'nitrostate'
import type { Assignment, Client } from 'nitrostate'

await using node = await openNode({ listen: '127.0.0.1:0' })
await node.ready()
const items = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5']
const clients = await Promise.all(['a', 'b', 'c'].map(() => connect({ endpoints: [node.address] })))

const consume = (at: number): Assignment =>
  (clients[at] as Client).sync.assign({ group: 'orders', items, grace: 5_000 }, async ({ item, token, signal }) => {
    console.log(`consumer ${at} takes ${item}, token ${token}`)
    while (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 100))
    console.log(`consumer ${at} gives ${item}`)
  })

const consumers = [consume(0), consume(1)]
const untilEachOwns = async (count: number): Promise<void> => {
  while (consumers.some(({ owned }) => owned.length !== count)) await new Promise((resolve) => setTimeout(resolve, 50))
}

await untilEachOwns(3)
console.log('a third consumer comes')
consumers.push(consume(2))
await untilEachOwns(2)
for (const [at, consumer] of consumers.entries()) console.log(`consumer ${at} owns ${consumer.owned.join(' ')}`)
await Promise.all(consumers.map((consumer) => consumer.leave()))
await Promise.all(clients.map((client) => client.close()))
