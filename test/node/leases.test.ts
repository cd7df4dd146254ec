/** Leases in a cluster: they end without any write, on every member, and never early, whoever leads. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isNitroError, utf8 } from '../../base/index.ts'
import {
  decodeKeepAliveResult,
  decodeTimeToLiveResult,
  encodeKeepAliveArgs,
  encodeLeaseGrantArgs,
  encodeTimeToLiveArgs,
  encodeWriteArgs,
} from '../../execution/index.ts'
import type { Engine } from '../../src/api/index.ts'
import type { Node } from '../../src/node/index.ts'
import { World } from './world.ts'

let world: World
let nodes: Node[]

beforeEach(async () => {
  world = new World()
  nodes = await world.form('a', 'b', 'c')
})

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.close({ transfer: false })))
  world.stop()
})

const ttlMs = 4000
const grant = (engine: Engine, id: number) => engine.command('lease', 'grant', encodeLeaseGrantArgs(id, ttlMs))
const attach = (engine: Engine, key: string, lease: number) =>
  engine.command(
    'kv',
    'write',
    encodeWriteArgs({
      ...{ key: utf8(key), value: utf8('v'), lease },
      ...{ prevKv: false, ignoreValue: false, ignoreLease: false },
    }),
  )
const leader = (): Node => nodes.find((node) => node.status().role === 'leader') as Node
/** What a member has applied, without asking anybody. */
const there = async (node: Node, key: string): Promise<boolean> =>
  (await node.store.get(key, { consistency: 'committed' })) !== undefined
const untilGone = async (key: string, limitMs: number): Promise<number> => {
  const start = world.time.monotonicMs()
  for (;;) {
    const left = await Promise.all(nodes.map((node) => there(node, key)))
    const passedMs = world.time.monotonicMs() - start
    if (!left.includes(true)) return passedMs
    expect(passedMs).toBeLessThan(limitMs)
    await world.pass(50)
  }
}

describe('a lease in a cluster', () => {
  test('ends by itself on every member, soon after its time and not before', async () => {
    const start = world.time.monotonicMs()
    await grant(nodes[0]!.engine, 1)
    await attach(nodes[1]!.engine, 'k', 1)
    await world.pass(3500)
    expect(await Promise.all(nodes.map((node) => there(node, 'k')))).toEqual([true, true, true])
    await untilGone('k', 2000)
    const endedMs = world.time.monotonicMs() - start
    expect(endedMs).toBeGreaterThanOrEqual(ttlMs)
    expect(endedMs).toBeLessThan(ttlMs + 1000)
    await world.pass(1000)
    const hashes = await Promise.all(nodes.map((node) => node.admin.hash()))
    expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(1)
  })

  test('lives as long as it is kept alive', async () => {
    await grant(nodes[0]!.engine, 1)
    await attach(nodes[0]!.engine, 'k', 1)
    for (let i = 0; i < 4; i++) {
      await world.pass(2500)
      const answer = await nodes[i % 3]!.engine.command('lease', 'keepAlive', encodeKeepAliveArgs([1, 2]))
      expect(decodeKeepAliveResult(answer)).toEqual([ttlMs, 0])
    }
    expect(await nodes[2]!.store.get('k')).toBeDefined()
    const left = decodeTimeToLiveResult(
      await nodes[1]!.engine.query('lease', 'timeToLive', encodeTimeToLiveArgs(1, true)),
    )
    expect(left.remainingMs).toBeGreaterThan(3000)
    expect(left.keys).toEqual([utf8('k')])
  })

  test('tells what is left of it although nothing was written since', async () => {
    await grant(nodes[0]!.engine, 1)
    await world.pass(2000)
    for (const { engine } of nodes) {
      const left = decodeTimeToLiveResult(await engine.query('lease', 'timeToLive', encodeTimeToLiveArgs(1, false)))
      expect(left.remainingMs).toBeGreaterThan(1500)
      expect(left.remainingMs).toBeLessThan(2300)
    }
  })

  test('survives its leader, and ends late rather than early', async () => {
    await grant(nodes[0]!.engine, 1)
    await attach(nodes[0]!.engine, 'k', 1)
    const start = world.time.monotonicMs()
    await world.pass(2000)
    const gone = leader()
    nodes = nodes.filter((node) => node !== gone)
    await gone.close({ transfer: false })
    await world.pass(1500)
    expect(await Promise.all(nodes.map((node) => there(node, 'k')))).toEqual([true, true])
    await untilGone('k', 5000)
    expect(world.time.monotonicMs() - start).toBeGreaterThanOrEqual(ttlMs)
  })

  test('counts no time while all members are stopped', async () => {
    await grant(nodes[0]!.engine, 1)
    await attach(nodes[0]!.engine, 'k', 1)
    await world.pass(1000)
    await Promise.all(nodes.map((node) => node.close({ transfer: false })))
    await world.pass(60_000)
    const peers = { a: 'a:1', b: 'b:1', c: 'c:1' }
    nodes = await Promise.all(['a', 'b', 'c'].map((name) => world.open(name, { peers })))
    await Promise.all(nodes.map((node) => node.ready()))
    const start = world.time.monotonicMs()
    expect(await nodes[0]!.store.get('k')).toBeDefined()
    await untilGone('k', 6000)
    expect(world.time.monotonicMs() - start).toBeGreaterThan(2000)
  })

  test('that does not exist is a typed error for whoever names it', async () => {
    const client = await world.connect('a', 'b', 'c')
    const codes = await Promise.all(
      [attach(client.engine, 'k', 9), client.engine.query('lease', 'timeToLive', encodeTimeToLiveArgs(9, false))].map(
        (work) => work.then(String, (error: unknown) => (isNitroError(error) ? error.code : String(error))),
      ),
    )
    expect(codes).toEqual(['LeaseNotFound', 'LeaseNotFound'])
    await client.close()
  })
})
