import { afterEach, beforeEach, expect, test } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import { restoreSnapshot } from '../../src/node/index.ts'
import type { Node, RestoreResult } from '../../src/node/index.ts'
import { nodeCrypto, saveSnapshotFile } from '../../src/storage/index.ts'
import { seededRandom } from '../net/schedulers.ts'
import { World } from './world.ts'

let world: World
const open = new Set<Node>()
let incarnations = 100

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await Promise.all([...open].map((node) => node.close({ transfer: false })))
  open.clear()
  world.stop()
})

/** A cluster of one with `keys` keys, its backup written as `backups/one` to the disks named, and what it last said. */
async function backUp(keys: number, ...disks: string[]): Promise<{ revision: number; clusterId: string }> {
  const [node] = (await world.form('old')) as [Node]
  for (let i = 0; i < keys; i++) await node.store.put(`k${i}`, `v${i}`)
  const chunks: Uint8Array[] = []
  for await (const chunk of node.admin.snapshot()) chunks.push(chunk)
  const each = async function* each(): AsyncIterable<Uint8Array> {
    yield* chunks
  }
  for (const disk of disks) {
    await world.disk(disk).makeDirectory('backups')
    await saveSnapshotFile(world.disk(disk), 'backups/one', each(), nodeCrypto)
  }
  const { revision, clusterId } = node.status()
  await node.close()
  world.disks.delete('old')
  return { revision, clusterId }
}

const restore = (name: string, peers?: Record<string, string>): Promise<RestoreResult> =>
  restoreSnapshot({
    ...{ file: 'backups/one', dataDir: 'data', name, listen: `${name}:1`, peers },
    ...{ files: world.disk(name), crypto: nodeCrypto, random: seededRandom(incarnations++) },
  })

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (isNitroError(error) ? error.code : String(error)),
  )

test('two members restored from one file form a new cluster with its keys, far above its revisions', async () => {
  const before = await backUp(5, 'a', 'b')
  const peers = { a: 'a:1', b: 'b:1' }
  for (const name of ['a', 'b'])
    expect(await restore(name, peers)).toMatchObject({ revision: before.revision, clusterId: '' })
  const nodes = await world.form('a', 'b')
  for (const node of nodes) open.add(node)
  const [a, b] = nodes as [Node, Node]
  expect((await b.store.get('k3'))?.text()).toBe('v3')
  expect((await a.store.put('new', 'v')).revision).toBe(before.revision + 1_000_000_000 + 1)
  expect(a.status().clusterId).not.toBe(before.clusterId)
  await world.pass(200)
  const hashes = await Promise.all([a.admin.hash(), b.admin.hash()])
  expect(hashes[0]?.hash).toBe(hashes[1]?.hash)
  expect(await world.disk('a').list('data')).not.toContain('seed')
})

test('a single restored member knows its cluster id beforehand, and keeps its data over a restart', async () => {
  await backUp(3, 'a')
  const { clusterId, records } = await restore('a')
  expect(records).toBeGreaterThan(0)
  let node = await world.open('a')
  await node.ready()
  expect(node.status().clusterId).toBe(clusterId)
  await node.store.put('more', 'v')
  await node.close()
  node = await world.open('a')
  open.add(node)
  await node.ready()
  expect((await node.store.range({ countOnly: true })).count).toBe(4)
})

test('members restored from different backups, or from none, do not form', async () => {
  await backUp(3, 'a')
  await backUp(4, 'b')
  const peers = { a: 'a:1', b: 'b:1' }
  await restore('a', peers)
  await restore('b', peers)
  const nodes = await Promise.all(['a', 'b'].map((name) => world.open(name, { peers })))
  for (const node of nodes) open.add(node)
  await world.pass(3_000)
  expect(nodes.map((node) => node.status().role)).toEqual(['bootstrapping', 'bootstrapping'])
  expect(await codeOf((nodes[0] as Node).store.put('a', 'b', { timeoutMs: 100 }))).toBe('Timeout')
})

test('a directory in use, a damaged backup and a wrong list of peers are refused', async () => {
  await backUp(3, 'a')
  expect(await codeOf(restore('a', { b: 'b:1' }))).toBe('InvalidArgument')
  const file = await world.disk('a').open('backups/one')
  const bytes = (await world.disk('a').readFile('backups/one')) as Uint8Array
  const at = bytes.length >> 1
  await file.write(at, Uint8Array.of((bytes[at] as number) ^ 1))
  expect(await codeOf(restore('a'))).toBe('SnapshotInvalid')
  await file.write(at, bytes.subarray(at, at + 1))
  await file.close()
  await restore('a')
  expect(await codeOf(restore('a'))).toBe('InvalidArgument')
})
