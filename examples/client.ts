/**
 * A client of a running cluster. Start one first: `nitrostate dev`, or `npm start` in this repository.
 */
import { connect, isNitroError } from 'nitrostate'

const endpoints = (process.argv[2] ?? '127.0.0.1:7401,127.0.0.1:7402,127.0.0.1:7403').split(',')

await using client = await connect({ endpoints, name: 'example' })
console.log(`connected to ${client.endpoint}`)

// Writes wait for a majority of disks. After a lost answer the client asks again; the write still happens once.
const { revision } = await client.store.put('greeting', 'hello')
console.log(`written at revision ${revision}`)

// A thousand writes at once cost little more than a few: what arrives together is one log entry.
const started = performance.now()
await Promise.all(Array.from({ length: 1000 }, (_, i) => client.store.put(`number/${i % 100}`, String(i))))
console.log(`1000 writes took ${Math.round(performance.now() - started)} ms`)

const page = await client.store.range({ prefix: 'number/', limit: 3 })
console.log(`${page.count} keys, the first: ${page.entries.map((entry) => entry.keyText()).join(', ')}`)

// `committed` answers at once from the node asked: true, but perhaps old. The default sees every acknowledged write.
const quick = await client.store.get('greeting', { consistency: 'committed' })
console.log(`committed read: ${quick?.text() ?? 'not there yet'}`)

try {
  await client.store.put('', 'a key needs at least one byte')
} catch (error) {
  if (!isNitroError(error)) throw error
  console.log(`${error.code}, executed: ${error.executed}, retryable: ${error.retryable}`)
}
await client.store.deleteRange({ prefix: 'number/' })
