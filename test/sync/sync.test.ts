/** Locks and elections of nodes and clients of a cluster, under virtual time. */
import { afterAll, beforeAll, describe } from 'vitest'
import type { Client } from '../../src/client/index.ts'
import type { Node } from '../../src/node/index.ts'
import { syncSuite } from '../compliance/sync.ts'
import { World } from '../node/world.ts'

describe('sync in a cluster of three', () => {
  const world = new World()
  let nodes: Node[]
  let clients: Client[]
  beforeAll(async () => {
    nodes = await world.form('a', 'b', 'c')
    clients = [await world.connect('a', 'b', 'c'), await world.connect('c', 'b', 'a')]
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()))
    await Promise.all(nodes.map((node) => node.close({ transfer: false })))
    world.stop()
  })
  const pass = (ms: number): Promise<void> => world.pass(ms)

  describe('of two members', () => {
    syncSuite(() => {
      const [one, two] = nodes as [Node, Node]
      const { sync, store, session, leases } = one
      return { sync, other: two.sync, store, session, revoke: (lease) => leases.revoke(lease), pass }
    })
  })

  describe('of two clients', () => {
    syncSuite(() => {
      const [one, two] = clients as [Client, Client]
      const { sync, store, session, leases } = one
      return { sync, other: two.sync, store, session, revoke: (lease) => leases.revoke(lease), pass }
    })
  })
})
