import { describe, expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import { connect } from '../../src/client/index.ts'
import { TestCluster } from '../support/test-cluster.ts'

describe('connecting', () => {
  test('one endpoint that answers is enough', async () => {
    const cluster = new TestCluster()
    await cluster.add('b')
    const client = await cluster.client({ endpoints: ['a:1', 'b:1', 'c:1'] })
    expect(client.endpoint).toBe('b:1')
    await cluster.time.until(client.close())
  })

  test('a silent endpoint does not hold up the others', async () => {
    const cluster = new TestCluster()
    await cluster.add('a')
    await cluster.add('b')
    cluster.network.partition('client', 'a', 'blackhole')
    const client = await cluster.client()
    expect(client.endpoint).toBe('b:1')
    expect(cluster.time.monotonicMs()).toBeLessThan(500)
    await cluster.time.until(client.close())
  })

  test('when none answers it says so for each, after the time it was given', async () => {
    const cluster = new TestCluster()
    cluster.network.partition('client', 'b', 'blackhole')
    const failing = cluster
      .connect({ endpoints: ['a:1', 'b:1'], connectTimeoutMs: 3_000 })
      .catch((error: unknown) => error)
    const error = await cluster.time.until(failing)
    expect(error).toMatchObject({ code: 'Unavailable', executed: 'no' })
    expect((error as NitroError).message).toMatch(/a:1: Unavailable, .*; b:1: /)
    expect(cluster.time.monotonicMs()).toBeGreaterThanOrEqual(3_000)
  })

  test('a node that comes up in time is found', async () => {
    const cluster = new TestCluster()
    const connecting = cluster.connect({ endpoints: ['a:1'] })
    cluster.time.after(2_000, () => void cluster.add('a'))
    const client = await cluster.time.until(connecting)
    expect(client.endpoint).toBe('a:1')
    await cluster.time.until(client.close())
  })

  test('a refusal for good is reported at once, when every endpoint gives one', async () => {
    const cluster = new TestCluster()
    const refuse = () => new NitroError('WrongCluster', 'this is another cluster')
    await cluster.add('a', { refuse })
    await cluster.add('b', { refuse })
    const failing = cluster.connect().catch((error: unknown) => error)
    expect(await cluster.time.until(failing)).toMatchObject({ code: 'WrongCluster' })
    expect(cluster.time.monotonicMs()).toBeLessThan(1_000)
  })

  test('a node of another version is refused by name', async () => {
    const cluster = new TestCluster()
    await cluster.add('a', { hello: { protocolMin: 7, protocolMax: 9 } })
    const failing = cluster.connect().catch((error: unknown) => error)
    expect(await cluster.time.until(failing)).toMatchObject({ code: 'UnsupportedVersion' })
  })

  test('an aborted connect rejects with the reason', async () => {
    const cluster = new TestCluster()
    const abort = new AbortController()
    const failing = cluster.connect({ endpoints: ['a:1'], signal: abort.signal }).catch((error: unknown) => error)
    cluster.time.after(100, () => abort.abort('never mind'))
    expect(await cluster.time.until(failing)).toBe('never mind')
  })

  test('bad options are refused by name', async () => {
    await expect(connect({ endpoints: [] })).rejects.toMatchObject({ code: 'InvalidArgument' })
    await expect(connect({ endpoints: ['nowhere'] })).rejects.toMatchObject({ code: 'InvalidArgument' })
    await expect(connect({ endpoints: ['a:1'], timeoutMs: -1 })).rejects.toMatchObject({ code: 'InvalidArgument' })
    await expect(connect({ endpoints: ['a:1'], connectTimeoutMs: NaN })).rejects.toMatchObject({
      code: 'InvalidArgument',
    })
    await expect(connect({ endpoints: ['a:1'], name: '' })).rejects.toMatchObject({ code: 'InvalidArgument' })
  })
})

describe('the leader', () => {
  test('the client moves to the leader it is told of, and loses nothing', async () => {
    const cluster = new TestCluster()
    const a = await cluster.add('a')
    const client = await cluster.client()
    await cluster.add('b')
    cluster.network.delay('a', 'client', 100)
    const writing = client.store.put('k', 'v')
    a.hint('b:1')
    await cluster.time.until(writing)
    await cluster.time.pass(300)
    expect(client.endpoint).toBe('b:1')
    expect(a.sessions.size).toBe(0)
    await cluster.time.until(client.store.put('k', 'w'))
    expect(cluster.node('b').frames).toEqual([1])
    await cluster.time.until(client.close())
  })

  test('a leader that can not be reached is forgotten, and the client stays where it is', async () => {
    const cluster = new TestCluster()
    const a = await cluster.add('a')
    const client = await cluster.client()
    a.hint('nowhere:1')
    await cluster.time.pass(3_000)
    expect(client.endpoint).toBe('a:1')
    await cluster.time.until(client.store.put('k', 'v'))
    await cluster.time.until(client.close())
  })

  test('a hint to the same node under another name changes nothing', async () => {
    const cluster = new TestCluster()
    const a = await cluster.add('a')
    const client = await cluster.client()
    const alias = await cluster.add('alias', { hello: { startId: new Uint8Array(16).fill('a'.charCodeAt(0)) } })
    a.hint('alias:1')
    await cluster.time.pass(100)
    expect(client.endpoint).toBe('a:1')
    expect(alias.sessions.size).toBe(0)
    await cluster.time.until(client.close())
  })

  test('a node that leaves is left', async () => {
    const cluster = new TestCluster()
    await cluster.add('a')
    const client = await cluster.client({ endpoints: ['a:1', 'b:1'] })
    await cluster.add('b')
    await cluster.node('a').close()
    cluster.node('a').hint('', true)
    await cluster.time.pass(1_000)
    expect(client.endpoint).toBe('b:1')
    await cluster.time.until(client.close())
  })

  test('a node of another cluster is never used again', async () => {
    const cluster = new TestCluster()
    const a = await cluster.add('a')
    const client = await cluster.client()
    await cluster.add('b', { clusterId: new Uint8Array(16).fill(9) })
    a.hint('b:1')
    await cluster.time.pass(1_000)
    expect(client.endpoint).toBe('a:1')
    await cluster.time.until(client.close())
  })
})
