import { afterAll, beforeAll, describe } from 'vitest'
import { openNode } from '../../src/node/index.ts'
import type { Node } from '../../src/node/index.ts'
import type { Client } from '../../src/client/index.ts'
import { leaseSuite } from '../compliance/leases.ts'
import { storeSuite } from '../compliance/store.ts'
import { World } from './world.ts'

describe('the store of a node in memory', () => {
  const world = new World()
  let node: Node
  beforeAll(async () => {
    const { time } = world
    node = await openNode({ sizes: { logSegmentBytes: 1 << 20 }, ports: { clock: time, scheduler: time } })
    await node.ready()
  })
  afterAll(async () => {
    await node.close()
    world.stop()
  })

  storeSuite(async () => {
    await node.store.deleteRange({})
    return { store: node.store, close: () => Promise.resolve() }
  })

  leaseSuite(async () => {
    await node.store.deleteRange({})
    const { store, leases, session } = node
    return { store, leases, session, pass: (ms) => world.pass(ms) }
  })
})

describe('in a cluster of three', () => {
  const world = new World()
  let nodes: Node[]
  let client: Client
  beforeAll(async () => {
    nodes = await world.form('a', 'b', 'c')
    client = await world.connect('a', 'b', 'c')
  })
  afterAll(async () => {
    await client.close()
    await Promise.all(nodes.map((node) => node.close({ transfer: false })))
    world.stop()
  })

  describe('the store of a follower', () => {
    storeSuite(async () => {
      const follower = nodes.find((node) => node.status().role === 'follower') as Node
      await follower.store.deleteRange({})
      return { store: follower.store, close: () => Promise.resolve() }
    })

    leaseSuite(async () => {
      const { store, leases, session } = nodes.find((node) => node.status().role === 'follower') as Node
      await store.deleteRange({})
      return { store, leases, session, pass: (ms) => world.pass(ms) }
    })
  })

  describe('the store of a client', () => {
    storeSuite(async () => {
      await client.store.deleteRange({})
      return { store: client.store, close: () => Promise.resolve() }
    })

    leaseSuite(async () => {
      const { store, leases, session } = client
      await store.deleteRange({})
      return { store, leases, session, pass: (ms) => world.pass(ms) }
    })
  })
})
