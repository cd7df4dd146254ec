/**
 * One node inside this process, durable in a directory of its own.
 *
 * Run it twice: the second run finds what the first wrote, and the counter of starts goes on.
 */
import { openNode } from 'nitrostate'

const dataDir = process.argv[2] ?? 'data/example-embedded'

await using node = await openNode({ name: 'n1', dataDir })
await node.ready()

const before = await node.store.get('starts')
const starts = Number(before?.text() ?? 0) + 1
const { revision } = await node.store.put('starts', String(starts))
console.log(`start number ${starts}, written at revision ${revision}`)

await node.store.put('fruit/apple', JSON.stringify({ colour: 'red' }))
await node.store.put('fruit/plum', JSON.stringify({ colour: 'blue' }))
for await (const entry of node.store.entries({ prefix: 'fruit/' })) {
  console.log(`${entry.keyText()} is ${entry.json<{ colour: string }>().colour}, version ${entry.version}`)
}
