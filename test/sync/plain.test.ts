/** The plain interface in memory and over a cluster. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Node } from '../../src/node/index.ts'
import { plainSync } from '../../src/sync/index.ts'
import { MemoryLocks } from '../../src/sync/memory-locks.ts'
import { plainSyncSuite } from '../compliance/plain-sync.ts'
import { World } from '../node/world.ts'

const world = new World()
let nodes: Node[]
beforeAll(async () => {
  nodes = await world.form('a', 'b', 'c')
})
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close({ transfer: false })))
  world.stop()
})
const pass = (ms: number): Promise<void> => world.pass(ms)

describe('in memory', () => {
  plainSyncSuite(() => ({ sync: plainSync({ cluster: new MemoryLocks(world.time, world.time) }), pass }))
})

describe('over a cluster', () => {
  plainSyncSuite(() => ({ sync: plainSync({ cluster: nodes[0]?.sync }), pass }))

  test('two objects exclude each other, and none unlocks for another', async () => {
    const one = plainSync({ cluster: nodes[0]?.sync })
    const other = plainSync({ cluster: nodes[1]?.sync })
    await one.lock('shared')
    await expect(other.lock('shared', { wait: 0 })).rejects.toMatchObject({ code: 'Timeout' })
    await expect(other.unlock('shared')).rejects.toMatchObject({ code: 'NotHeld' })
    const elsewhere = plainSync({ cluster: nodes[1]?.sync, namespace: 'elsewhere' })
    await elsewhere.lock('shared', { wait: 0 })
    await elsewhere.unlock('shared')
    await one.unlock('shared')
  })
})

describe('without options', () => {
  test('it works in this process', async () => {
    const sync = plainSync()
    expect(await sync.lock('a')).toBe(1)
    await sync.unlock('a')
    expect(await sync.lock('a')).toBe(2)
  })
})
