import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../../src/client/index.ts'
import { openNode } from '../../src/node/index.ts'
import type { Node } from '../../src/node/index.ts'
import { line, noteProgram, watchSuite } from '../compliance/watch.ts'
import { World } from './world.ts'

const programs = [noteProgram]

describe('watches of a node in memory', () => {
  const world = new World()
  let node: Node
  beforeAll(async () => {
    const { time } = world
    node = await openNode({ programs, sizes: { logSegmentBytes: 1 << 20 }, ports: { clock: time, scheduler: time } })
    await node.ready()
  })
  afterAll(async () => {
    await node.close()
    world.stop()
  })

  watchSuite(async () => {
    await node.store.deleteRange({})
    const { store, engine, programs } = node
    return { store, engine, programs, close: () => Promise.resolve() }
  })
})

describe('in a cluster of three', () => {
  const world = new World()
  let nodes: Node[]
  let client: Client
  beforeAll(async () => {
    const peers = { a: 'a:1', b: 'b:1', c: 'c:1' }
    nodes = await Promise.all(Object.keys(peers).map((name) => world.open(name, { peers, programs })))
    await Promise.all(nodes.map((node) => node.ready()))
    client = await world.connect('a', 'b', 'c')
  })
  afterAll(async () => {
    await client.close()
    await Promise.all(nodes.map((node) => node.close({ transfer: false })))
    world.stop()
  })

  describe('watches of a follower', () => {
    watchSuite(async () => {
      const { store, engine, programs } = nodes.find((node) => node.status().role === 'follower') as Node
      await store.deleteRange({})
      return { store, engine, programs, close: () => Promise.resolve() }
    })
  })

  describe('watches of a client', () => {
    watchSuite(async () => {
      const { store, engine, programs } = client
      await store.deleteRange({})
      return { store, engine, programs, close: () => Promise.resolve() }
    })

    test('move on with it when the leader goes', async () => {
      const watch = client.store.watch({ prefix: 'moving/' })
      const opened = await watch.opened
      const seen: string[] = []
      for (let i = 0; i < 6; i++) {
        await client.store.put(`moving/${i}`, `${i}`)
        await client.admin.transferLeadership()
      }
      let revision = opened
      for await (const batch of watch) {
        expect(batch.revision).toBeGreaterThan(revision)
        revision = batch.revision
        seen.push(line(batch))
        if (seen.length === 6) break
      }
      expect(seen).toEqual([0, 1, 2, 3, 4, 5].map((i) => `put moving/${i}=${i}`))
    })
  })
})
