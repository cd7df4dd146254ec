import { describe, expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import type { NodeStatus } from '../../src/api/index.ts'
import { type Call, encodeStreamChunk, frameKinds } from '../../src/wire/index.ts'
import { TestCluster } from '../support/test-cluster.ts'

const status: NodeStatus = {
  name: 'a',
  id: 1,
  role: 'leader',
  version: '0.1.0',
  clusterId: 'ab',
  incarnation: 'cd',
  address: 'a:1',
  term: 3,
  leader: 'a',
  commitIndex: 10,
  appliedIndex: 10,
  durableAppliedIndex: 9,
  firstIndex: 1,
  lastIndex: 10,
  revision: 8,
  keys: 5,
  sessions: 1,
  active: ['bank 2'],
  offered: ['bank 1', 'bank 2'],
  stateHash: 'ef',
  logBytes: 1000,
  lateMs: 0,
  worstLateMs: 1.5,
  uptimeMs: 100,
  ready: true,
  waiting: '',
}
const member = { name: 'a', id: 1, address: 'a:1', incarnation: '', role: 'voter', connected: true, leader: true }

async function setUp() {
  const cluster = new TestCluster()
  const node = await cluster.add('a')
  const client = await cluster.client({ timeoutMs: 2_000 })
  const run = <T>(work: Promise<T>): Promise<T> => cluster.time.until(work)
  const errorOf = (work: Promise<unknown>): Promise<unknown> => run(work.catch((error: unknown) => error))
  return { cluster, node, client, admin: client.admin, run, errorOf }
}

describe('calls', () => {
  test('status, members and hash come back as they were given', async () => {
    const { node, admin, run } = await setUp()
    const hash = { name: 'a', index: 5, revision: 4, hash: '00' }
    const members = [
      { ...member, match: 7 },
      { ...member, name: 'b', match: undefined },
    ]
    node.calls = ({ method }) => ({ status: { ...status }, hash, members })[method]
    expect(await run(admin.status())).toEqual(status)
    expect(await run(admin.hash())).toEqual(hash)
    expect(await run(admin.members())).toEqual(members)
  })

  test('changes carry their parameters, and how long somebody waits for them', async () => {
    const { node, admin, run } = await setUp()
    const calls: Call[] = []
    node.calls = (call) => (calls.push(call), 'b')
    await run(admin.addMember('d', 'd:1'))
    await run(admin.addMember('e', 'e:1', { learner: true }))
    await run(admin.promoteMember('d'))
    await run(admin.updateMember('d', 'f:1'))
    await run(admin.removeMember('d'))
    await run(admin.replaceMember('c'))
    await run(admin.replaceMember('c', 'e:1'))
    expect(await run(admin.transferLeadership())).toBe('b')
    expect(await run(admin.transferLeadership('b'))).toBe('b')
    for (const { params } of calls) expect(params['timeoutMs']).toBeLessThanOrEqual(2_000)
    const withoutTime = ({ params: { timeoutMs: _, ...params } }: Call) => params
    expect(calls.map((call) => [call.method, withoutTime(call)])).toEqual([
      ['addMember', { name: 'd', address: 'd:1' }],
      ['addMember', { name: 'e', address: 'e:1', target: 'learner' }],
      ['promoteMember', { name: 'd' }],
      ['updateMember', { name: 'd', address: 'f:1' }],
      ['removeMember', { name: 'd' }],
      ['replaceMember', { name: 'c' }],
      ['replaceMember', { name: 'c', address: 'e:1' }],
      ['transferLeadership', {}],
      ['transferLeadership', { to: 'b' }],
    ])
  })

  test('an error comes back whole', async () => {
    const { node, admin, errorOf } = await setUp()
    node.calls = () => {
      throw new NitroError('MemberExists', 'd is there already', { details: { name: 'd' } })
    }
    const error = await errorOf(admin.addMember('d', 'd:1'))
    expect(error).toMatchObject({ code: 'MemberExists', message: 'd is there already', details: { name: 'd' } })
  })

  test('what certainly did not happen is tried again, what may have happened is not', async () => {
    const { node, admin, run, errorOf } = await setUp()
    let attempts = 0
    node.calls = () => {
      if (++attempts < 3) throw new NitroError('NotLeader', 'not here')
      return null
    }
    await run(admin.addMember('d', 'd:1'))
    expect(attempts).toBe(3)
    node.calls = () => {
      attempts++
      throw new NitroError('Unavailable', 'lost in the middle', { executed: 'maybe' })
    }
    expect(await errorOf(admin.addMember('d', 'd:1'))).toMatchObject({ code: 'Unavailable', executed: 'maybe' })
    expect(attempts).toBe(4)
  })

  test('no answer is a Timeout, in doubt for a change and not for a read', async () => {
    const { node, admin, errorOf } = await setUp()
    node.calls = () => undefined
    expect(await errorOf(admin.removeMember('d'))).toMatchObject({ code: 'Timeout', executed: 'maybe' })
    expect(await errorOf(admin.status({ timeoutMs: 10 }))).toMatchObject({ code: 'Timeout', executed: 'no' })
  })

  test('a reply that lacks a field is refused by its name', async () => {
    const { node, admin, errorOf } = await setUp()
    node.calls = () => ({ ...status, term: 'three' })
    const error = await errorOf(admin.status())
    expect(error).toMatchObject({ code: 'MalformedFrame' })
    expect(String(error)).toContain('term')
  })
})

describe('the snapshot stream', () => {
  const pieces = Array.from({ length: 300 }, (_, i) => new Uint8Array(64 * 1024).fill(i))

  /** Sends `count` pieces as fast as the session takes them. */
  async function streaming(count: number, error?: NitroError) {
    const setup = await setUp()
    let sent = 0
    setup.node.calls = ({ id }, session) => {
      const pump = (): void => {
        while (sent < count) {
          if (session.bufferedBytes > 256 * 1024) return void setup.cluster.time.after(5, pump)
          session.send(frameKinds.stream, encodeStreamChunk({ id, seq: sent, data: pieces[sent++] }))
        }
        session.send(frameKinds.stream, encodeStreamChunk({ id, seq: sent, end: true, error }))
      }
      pump()
      return undefined
    }
    return { ...setup, sent: () => sent }
  }

  test('it arrives whole and in order, on a connection of its own that ends with it', async () => {
    const { cluster, node, admin, run } = await streaming(300)
    const firstBytes = await run(
      (async () => {
        const out: (number | undefined)[] = []
        for await (const piece of admin.snapshot()) out.push(piece[0])
        return out
      })(),
    )
    expect(firstBytes).toEqual(pieces.map((piece) => piece[0]))
    expect(node.clients.length).toBe(2)
    await cluster.time.pass(100)
    expect(node.sessions.size).toBe(1)
  })

  test('a slow reader makes the node wait', async () => {
    const { cluster, admin, run, sent } = await streaming(300)
    const reader = admin.snapshot()[Symbol.asyncIterator]()
    await run(reader.next())
    await cluster.time.pass(1_000)
    expect(sent()).toBeLessThan(200)
    let count = 1
    while ((await run(reader.next())).done !== true) count++
    expect(count).toBe(300)
  })

  test('an error at its end reaches the reader after what came before', async () => {
    const { admin, run } = await streaming(2, new NitroError('SnapshotInvalid', 'bad chunk'))
    const reader = admin.snapshot()[Symbol.asyncIterator]()
    await run(reader.next())
    await run(reader.next())
    await expect(run(reader.next())).rejects.toMatchObject({ code: 'SnapshotInvalid' })
  })

  test('a reader that stops closes the connection', async () => {
    const { cluster, node, admin, run } = await streaming(300)
    const reader = admin.snapshot()[Symbol.asyncIterator]()
    await run(reader.next())
    await run(Promise.resolve(reader.return?.()))
    await cluster.time.pass(100)
    expect(node.sessions.size).toBe(1)
  })

  test('an abort while its connection is being made ends it at once', async () => {
    const { cluster, admin, errorOf } = await setUp()
    cluster.network.block('client', 'a', 'blackhole')
    const abort = new AbortController()
    cluster.time.after(50, () => abort.abort('enough'))
    const startedMs = cluster.time.monotonicMs()
    const reader = admin.snapshot({ signal: abort.signal })[Symbol.asyncIterator]()
    expect(await errorOf(reader.next())).toBe('enough')
    expect(cluster.time.monotonicMs() - startedMs).toBeLessThan(100)
  })

  test('an abort, a deadline, silence, a lost connection and close all end it', async () => {
    const { cluster, node, client, admin, errorOf } = await setUp()
    node.calls = () => undefined
    const next = (options?: Parameters<typeof admin.snapshot>[0]): Promise<unknown> =>
      admin.snapshot(options)[Symbol.asyncIterator]().next()
    const abort = new AbortController()
    cluster.time.after(50, () => abort.abort('enough'))
    expect(await errorOf(next({ signal: abort.signal }))).toBe('enough')
    expect(await errorOf(next({ timeoutMs: 100 }))).toMatchObject({ code: 'Timeout' })
    expect(await errorOf(next())).toMatchObject({ code: 'Timeout' })
    cluster.time.after(50, () => node.hangUp())
    expect(await errorOf(next())).toMatchObject({ code: 'ConnectionClosed' })
    await cluster.time.pass(2_000)
    cluster.time.after(50, () => void client.close())
    expect(await errorOf(next())).toMatchObject({ code: 'Closed' })
  })
})
