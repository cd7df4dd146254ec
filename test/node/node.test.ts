import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import { openNode } from '../../src/node/index.ts'
import type { Node } from '../../src/node/index.ts'
import { MemoryFiles, MemoryKvFactory } from '../../src/storage/index.ts'
import { World } from './world.ts'

let world: World
const open = new Set<Node>()

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await Promise.all([...open].map((node) => node.close({ transfer: false })))
  open.clear()
  world.stop()
})

const keep = (...nodes: Node[]): Node[] => {
  for (const node of nodes) open.add(node)
  return nodes
}
const form = async (...names: string[]): Promise<Node[]> => keep(...(await world.form(...names)))
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (isNitroError(error) ? error.code : String(error)),
  )
const leaderOf = (nodes: readonly Node[]): Node => nodes.find((node) => node.status().role === 'leader') as Node
const followersOf = (nodes: readonly Node[]): Node[] => nodes.filter((node) => node.status().role === 'follower')
const until = async (enough: () => boolean): Promise<void> => {
  for (let i = 0; i < 600 && !enough(); i++) await world.pass(50)
  expect(enough()).toBe(true)
}

describe('what a node says of itself', () => {
  test('all members agree on the cluster and on who leads', async () => {
    const nodes = await form('a', 'b', 'c')
    const states = nodes.map((node) => node.status())
    expect(new Set(states.map(({ clusterId }) => clusterId)).size).toBe(1)
    expect(new Set(states.map(({ incarnation }) => incarnation)).size).toBe(3)
    expect(new Set(states.map(({ leader }) => leader))).toEqual(new Set([leaderOf(nodes).status().name]))
    expect(states.map(({ id }) => id)).toEqual([1, 2, 3])
    const members = await leaderOf(nodes).admin.members()
    expect(members.map(({ name, role, connected }) => `${name} ${role} ${connected}`)).toEqual([
      ...['a voter true', 'b voter true', 'c voter true'],
    ])
  })

  test('the same log gives the same hash on every member', async () => {
    const nodes = await form('a', 'b', 'c')
    for (let i = 0; i < 20; i++) await (nodes[i % 3] as Node).store.put(`k${i}`, `v${i}`)
    await until(() => new Set(nodes.map((node) => node.status().appliedIndex)).size === 1)
    const hashes = await Promise.all(nodes.map((node) => node.admin.hash()))
    expect(new Set(hashes.map(({ hash, index }) => `${index} ${hash}`)).size).toBe(1)
  })

  test('a deadline that cannot be kept is refused before anything is opened', async () => {
    const files = new MemoryFiles()
    const ports = { files, kv: new MemoryKvFactory(files) }
    for (const timeoutMs of [0, -1, Number.NaN]) {
      expect(await codeOf(openNode({ dataDir: 'data', timeoutMs, ports }))).toBe('InvalidArgument')
    }
    expect(await codeOf(openNode({ dataDir: '', ports }))).toBe('InvalidArgument')
    expect(await files.list('data').catch(() => [])).toEqual([])
  })

  test('without its peers it waits, says so, and is not ready', async () => {
    const peers = { a: 'a:1', b: 'b:1' }
    const [node] = keep(await world.open('a', { peers })) as [Node]
    expect(node.status()).toMatchObject({ role: 'bootstrapping', ready: false })
    expect(await codeOf(node.ready({ timeoutMs: 100 }))).toBe('Timeout')
    expect(await codeOf(node.admin.members())).toBe('NotBootstrapped')
    expect(await codeOf(node.store.put('a', 'b', { timeoutMs: 200 }))).toBe('Timeout')
    const later = world.open('b', { peers })
    keep(await later)
    await node.ready()
    expect(node.status().ready).toBe(true)
  })

  test('a cluster member needs an address', async () => {
    expect(await codeOf(openNode({ peers: { a: 'a:1' } }))).toBe('InvalidArgument')
  })
})

describe('what operators ask for', () => {
  test('works at any member, and is refused with the reason', async () => {
    const nodes = await form('a', 'b', 'c')
    const { admin } = followersOf(nodes)[0] as Node
    expect(await codeOf(admin.addMember('a', 'x:1'))).toBe('MemberExists')
    expect(await codeOf(admin.promoteMember('nobody'))).toBe('MemberUnknown')
    expect(await codeOf(admin.promoteMember('a'))).toBe('InvalidArgument')
    expect(await codeOf(admin.removeMember('nobody'))).toBe('MemberUnknown')
    expect(await codeOf(admin.transferLeadership('nobody'))).toBe('MemberUnknown')
    expect(await codeOf(admin.addMember('', 'x:1'))).toBe('InvalidArgument')
  })

  test('a name or an address that is none does not enter the log', async () => {
    const [node] = (await form('a')) as [Node]
    expect(await codeOf(node.admin.addMember('no name', 'x:1'))).toBe('InvalidArgument')
    expect(await codeOf(node.admin.addMember('d', 'nowhere'))).toBe('InvalidArgument')
    expect((await node.admin.members()).length).toBe(1)
  })

  test('leadership goes where it is sent', async () => {
    const nodes = await form('a', 'b', 'c')
    const [next] = followersOf(nodes) as [Node]
    const { name } = next.status()
    expect(await next.admin.transferLeadership(name)).toBe(name)
    expect(leaderOf(nodes)).toBe(next)
    expect(await next.admin.transferLeadership(name)).toBe(name)
  })

  test('a new process joins, catches up, and becomes a voter by itself', async () => {
    const nodes = await form('a', 'b', 'c')
    await (nodes[0] as Node).store.put('k', 'v')
    const [joined] = keep(await world.open('d', { join: ['b:1'] })) as [Node]
    await joined.ready()
    const role = async (): Promise<string | undefined> =>
      (await leaderOf(nodes).admin.members()).find(({ name }) => name === 'd')?.role
    for (let i = 0; i < 100 && (await role()) !== 'voter'; i++) await world.pass(50)
    expect(await role()).toBe('voter')
    expect((await joined.store.get('k'))?.text()).toBe('v')
  })

  test('a leader that is removed hands over first; the one removed ends and says why', async () => {
    const nodes = await form('a', 'b', 'c')
    const old = leaderOf(nodes)
    const [other] = followersOf(nodes) as [Node]
    await other.admin.removeMember(old.status().name)
    expect((await old.stopped)?.code).toBe('Removed')
    await other.store.put('k', 'v')
    expect((await other.admin.members()).length).toBe(2)
  })

  test('a member that was given another address goes on there with its data', async () => {
    const nodes = await form('a', 'b', 'c')
    const [first] = nodes as [Node]
    await first.store.put('k', 'v')
    await first.admin.updateMember('c', 'c:2')
    const moved = nodes[2] as Node
    await moved.close()
    open.delete(moved)
    const [again] = keep(await world.open('c', { listen: 'c:2' })) as [Node]
    await again.ready()
    expect(again.status()).toMatchObject({ id: 3, address: 'c:2' })
    expect((await again.store.get('k'))?.text()).toBe('v')
    expect((await first.admin.members()).map(({ address }) => address)).toEqual(['a:1', 'b:1', 'c:2'])
  })

  test('a wiped member is refused under its name, replaced, and joins anew', async () => {
    const nodes = await form('a', 'b', 'c')
    const victim = nodes[2] as Node
    await victim.close()
    open.delete(victim)
    world.disks.delete('c')
    const [twin] = keep(await world.open('c', { peers: { a: 'a:1', b: 'b:1', c: 'c:1' } })) as [Node]
    expect((await twin.stopped)?.code).toBe('IdentityLost')
    world.disks.delete('c')
    const [first] = nodes as [Node]
    await first.admin.replaceMember('c')
    const [again] = keep(await world.open('c', { join: ['a:1', 'b:1'] })) as [Node]
    await again.ready()
    expect(again.status()).toMatchObject({ id: 4, ready: true })
  })
})

describe('a stop', () => {
  test('hands leadership over, and nothing acknowledged is lost over a restart of all', async () => {
    const nodes = await form('a', 'b', 'c')
    for (let i = 0; i < 10; i++) await leaderOf(nodes).store.put(`k${i}`, 'v')
    const old = leaderOf(nodes)
    await old.close()
    expect(await old.stopped).toBeUndefined()
    await until(() => leaderOf(nodes) !== undefined)
    await Promise.all(nodes.map((node) => node.close({ transfer: false })))
    open.clear()
    const again = await form('a', 'b', 'c')
    expect((await (again[1] as Node).store.range({ countOnly: true })).count).toBe(10)
  })

  test('answers everything: what was under way, and what comes after', async () => {
    const [node] = (await form('a')) as [Node]
    const late = Array.from({ length: 20 }, (_, i) => codeOf(node.store.put(`k${i}`, 'v')))
    await node.close()
    expect(new Set(await Promise.all(late)).size).toBeGreaterThan(0)
    expect(await codeOf(node.store.put('a', 'b'))).toBe('Closed')
    expect(await codeOf(node.store.get('a'))).toBe('Closed')
    expect(await codeOf(node.ready())).toBe('Closed')
    expect(node.status().role).toBe('stopped')
  })
})

test('reads that came while another read was under way do not wait for a tick', async () => {
  const nodes = await form('a', 'b', 'c')
  for (const from of ['a', 'b', 'c'])
    for (const to of ['a', 'b', 'c']) if (from !== to) world.network.delay(from, to, 2, 2)
  const { store } = leaderOf(nodes)
  await store.put('k', 'v')
  for (let i = 0; i < 5; i++) {
    const startedMs = world.time.monotonicMs()
    const first = store.get('k')
    await world.pass(1)
    await Promise.all([first, store.get('k')])
    expect(world.time.monotonicMs() - startedMs).toBeLessThan(12)
    await world.pass(7)
  }
})

describe('a record that rots on disk', () => {
  test.each(['follower', 'leader'])(
    'is met by a %s, which fetches a whole state from a peer and goes on',
    async (role) => {
      const [, , last] = (await form('a', 'b', 'c')) as [Node, Node, Node]
      for (let i = 0; i < 30; i++) await last.store.put(`k${i}`, `value ${i}`)
      await Promise.all([...open].map((node) => node.close({ transfer: false })))
      open.clear()
      // Started anew, so that nothing is in memory.
      const nodes = await form('a', 'b', 'c')
      const victim = nodes.find((node) => node.status().role === role) as Node
      const { name } = victim.status()
      world.rotten.add(name)
      const reads = Array.from({ length: 8 }, (_, i) => victim.store.get(`k${i}`))
      const writes = Array.from({ length: 20 }, (_, i) => (nodes[i % 3] as Node).store.put(`k${i}`, `newer ${i}`))
      expect((await Promise.all(reads)).every((entry) => entry !== undefined)).toBe(true)
      await Promise.all(writes)
      expect(world.rotten.size).toBe(0)
      await until(() => nodes.every((node) => node.status().ready))
      await until(() => new Set(nodes.map((node) => node.status().appliedIndex)).size === 1)
      expect((await victim.store.get('k7'))?.text()).toBe('newer 7')
      const hashes = await Promise.all(nodes.map((node) => node.admin.hash()))
      expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(1)
    },
  )
})

describe('the limits of the machine', () => {
  test('can be set, and a wrong one is refused before it counts', async () => {
    const [node] = keep(await openNode({ limits: { valueBytes: 10 }, sizes: { logSegmentBytes: 1 << 16 } })) as [Node]
    await node.ready()
    await node.store.put('key', '0123456789')
    expect(await codeOf(node.store.put('key', '0123456789a'))).toBe('ValueTooLarge')
    const files = new MemoryFiles()
    const ports = { files, kv: new MemoryKvFactory(files) }
    const options = { dataDir: 'data', sizes: { logSegmentBytes: 1 << 16 }, ports }
    expect(await codeOf(openNode({ ...options, limits: { valueBytes: 0 } }))).toBe('InvalidArgument')
    const bad = { name: 'kv', version: 1, methods: {} }
    expect(await codeOf(openNode({ ...options, programs: [bad] }))).toBe('InvalidArgument')
    // Nothing holds the directory.
    keep(await openNode(options))
  })
})
