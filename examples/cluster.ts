/**
 * Three nodes in one process, in memory: the leader leaves, the others go on.
 *
 * In production each node is a process on a machine of its own, with a data directory; the options are the same.
 */
import { openNode } from 'nitrostate'
import type { Node } from 'nitrostate'

const peers = { n1: '127.0.0.1:7421', n2: '127.0.0.1:7422', n3: '127.0.0.1:7423' }

const nodes: Node[] = []
for (const [name, listen] of Object.entries(peers)) nodes.push(await openNode({ name, listen, peers }))
await Promise.all(nodes.map((node) => node.ready()))

const [first] = nodes as [Node, ...Node[]]
const members = await first.admin.members()
console.log(
  `members: ${members.map(({ name, id, leader }) => `${name} (${id}${leader ? ', leader' : ''})`).join(', ')}`,
)

await first.store.put('config/mode', 'blue')
for (const node of nodes) {
  // Linearizable on every node: each sees the write, whichever of them leads.
  const entry = await node.store.get('config/mode')
  console.log(`${node.status().name} reads ${entry?.text()} at revision ${entry?.modRevision}`)
}

const leader = nodes.find((node) => node.status().role === 'leader') ?? first
console.log(`${leader.status().name} leaves`)
await leader.close()

const rest = nodes.filter((node) => node !== leader)
const [second] = rest as [Node, ...Node[]]
const { revision } = await second.store.put('config/mode', 'green')
console.log(`${second.status().leader} leads now; written through ${second.status().name} at revision ${revision}`)

for (const node of rest) await node.close()
