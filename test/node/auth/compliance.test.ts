/** What holds for stores, leases, locks and watches holds for users who may do all of it, too. */
import { afterAll, beforeAll, describe } from 'vitest'
import { connect } from '../../../src/client/index.ts'
import type { Client } from '../../../src/client/index.ts'
import type { Node, NodeFor } from '../../../src/node/index.ts'
import { leaseSuite } from '../../compliance/leases.ts'
import { storeSuite } from '../../compliance/store.ts'
import { syncSuite } from '../../compliance/sync.ts'
import { World } from '../world.ts'

describe('while permissions are in force', () => {
  const world = new World()
  let nodes: Node[]
  let root: Client
  let one: NodeFor
  let two: NodeFor
  const pass = (ms: number): Promise<void> => world.pass(ms)

  beforeAll(async () => {
    nodes = await world.form('a', 'b', 'c')
    const { auth } = nodes[0] as Node
    await auth.userAdd('root', { password: 'secret' })
    await auth.userGrantRole('root', 'root')
    await auth.roleAdd('all')
    const all = Uint8Array.of(0)
    await auth.roleGrantPermission('all', { access: 'readwrite', key: all, rangeEnd: all })
    await auth.userAdd('user', { password: 'word' })
    await auth.userGrantRole('user', 'all')
    await auth.enable()
    const transport = world.network.transport('client')
    const ports = { clock: world.time, scheduler: world.time, transport }
    root = await connect({ endpoints: ['a:1', 'b:1', 'c:1'], ports, user: 'root', password: 'secret' })
    const acting = async (node: Node): Promise<NodeFor> => {
      const { token } = await node.auth.authenticate('user', 'word')
      return node.as(await node.auth.principalOf(token))
    }
    one = await acting(nodes[0] as Node)
    two = await acting(nodes[1] as Node)
  })
  afterAll(async () => {
    await root.close()
    await Promise.all(nodes.map((node) => node.close({ transfer: false })))
    world.stop()
  })

  describe('the store of a client of root', () => {
    storeSuite(async () => {
      await root.store.deleteRange({})
      return { store: root.store, close: () => Promise.resolve() }
    })
    leaseSuite(async () => {
      const { store, leases, session } = root
      await store.deleteRange({})
      return { store, leases, session, pass }
    })
  })

  describe('the leases of a node on behalf of a user with all keys', () => {
    leaseSuite(async () => {
      const { store, leases, session } = two
      await store.deleteRange({})
      return { store, leases, session, pass }
    })
  })

  describe('the locks of two nodes on behalf of a user with all keys', () => {
    syncSuite(() => {
      const { sync, store, session, leases } = one
      return { sync, other: two.sync, store, session, revoke: (lease) => leases.revoke(lease), pass }
    })
  })
})
