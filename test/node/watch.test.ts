import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentMetrics } from '../../base/index.ts'
import type { Metrics } from '../../base/index.ts'
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

describe('a member that was cut off', () => {
  const world = new World()
  let snapshots = 0
  let nodes: Node[]
  beforeAll(async () => {
    const peers = { a: 'a:1', b: 'b:1', c: 'c:1' }
    // So little log is kept that whoever missed a few entries needs a snapshot.
    const sizes = { logSegmentBytes: 4 << 10, logRetainEntries: 4, logRetainBytes: 2 << 10, flushIntervalMs: 20 }
    const metrics: Metrics = {
      ...silentMetrics,
      add: (name) => {
        if (name === 'nitrostate_snapshots_received_total') snapshots++
      },
    }
    const options = { peers, programs, sizes, metrics }
    nodes = await Promise.all(Object.keys(peers).map((name) => world.open(name, options)))
    await Promise.all(nodes.map((node) => node.ready()))
  })
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close({ transfer: false })))
    world.stop()
  })

  test('and gets a snapshot: its watches see every revision of the jump, once', async () => {
    const others = nodes.filter((node) => node.status().role === 'follower')
    const [cutOff, other] = others as [Node, Node]
    const writer = nodes.find((node) => node.status().role === 'leader') as Node
    const watch = cutOff.store.watch({ prefix: 'jump/', prev: true })
    const quiet = cutOff.store.watch({ prefix: 'nothing/' })
    await Promise.all([watch.opened, quiet.opened])
    await writer.store.put('jump/0', 'before')
    const [name, ...rest] = [cutOff, writer, other].map((node) => node.status().name) as [string, string, string]
    for (const peer of rest) world.network.partition(name, peer)
    for (let i = 1; i <= 60; i++) await writer.store.put(`jump/${i % 7}`, `value ${i} ${'x'.repeat(200)}`)
    await world.pass(500)
    const { revision } = await writer.store.put('jump/last', 'after')
    world.network.healAll()
    const seen: string[] = []
    let at = 0
    for await (const batch of watch) {
      expect(batch.revision).toBe(at === 0 ? batch.revision : at + 1)
      at = batch.revision
      seen.push(line(batch).slice(0, 24))
      if (batch.revision === revision) break
    }
    expect(seen.length).toBe(62)
    expect(seen[1]).toBe('put jump/1=value 1 xxxxx')
    quiet.requestProgress()
    expect((await quiet.next()).value).toMatchObject({ events: [] })
    expect(snapshots).toBeGreaterThan(0)
  })
})
