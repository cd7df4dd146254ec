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
    const leader = await one.leader('shared')
    await expect(other.leader('shared', { wait: 0 })).rejects.toMatchObject({ code: 'Timeout' })
    await (await elsewhere.leader('shared', { wait: 0 })).resign()
    await leader.resign()
  })
})

describe('what it is made of', () => {
  test('is checked when it is made', () => {
    for (const options of [null, 5, { cluster: 5 }, { cluster: {} }, { cluster: null }, { namespace: 5 }]) {
      expect(() => plainSync(options as object)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
    }
    expect(() => plainSync({ namespace: 'x'.repeat(2_000) })).toThrow(expect.objectContaining({ code: 'KeyTooLarge' }))
  })

  test('two objects in memory have nothing in common', async () => {
    const [one, other] = [plainSync(), plainSync({ namespace: 'other' })]
    await one.lock('shared')
    await other.lock('shared', { wait: 0 })
    await other.unlock('shared')
    await expect(other.unlock('shared')).rejects.toMatchObject({ code: 'NotHeld' })
    await expect(one.lock('shared', { wait: 0 })).rejects.toMatchObject({ code: 'Timeout' })
  })

  test('a lock in memory whose time is up is free, though its timer is late', async () => {
    let nowMs = 0
    const clock = { monotonicMs: () => nowMs, wallMs: () => nowMs }
    const never = { after: () => ({ cancel: () => undefined }), endOfTurn: () => undefined }
    const sync = plainSync({ cluster: new MemoryLocks(clock, never) })
    await sync.lock('late', { maxHold: 100 })
    await expect(sync.lock('late', { wait: 0 })).rejects.toMatchObject({ code: 'Timeout' })
    nowMs = 100
    expect(await sync.lock('late', { wait: 0 })).toBe(2)
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
