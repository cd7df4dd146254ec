import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { frameKinds } from '../../src/wire/index.ts'
import { TestCluster } from '../support/test-cluster.ts'

describe('batches', () => {
  test('all commands of a turn leave in one frame', async () => {
    const cluster = new TestCluster()
    const a = await cluster.add('a')
    const client = await cluster.client()
    await cluster.time.until(client.store.put('first', 'opens the session'))
    a.frames.length = 0
    const works = Array.from({ length: 200 }, (_, i) => client.store.put(`k${i}`, 'v'))
    await cluster.time.until(Promise.all(works))
    expect(a.frames).toEqual([200])
    await cluster.time.until(client.close())
  })

  test('more than the link takes at once waits, and all of it arrives', async () => {
    const cluster = new TestCluster({ limits: { maxBufferedBytes: 512 * 1024 } })
    await cluster.add('a')
    const client = await cluster.client()
    const value = new Uint8Array(64 * 1024)
    const works = Array.from({ length: 100 }, (_, i) => client.store.put(`k${i}`, value))
    await cluster.time.until(Promise.all(works))
    const { count } = await cluster.time.until(client.store.range({ countOnly: true }))
    expect(count).toBe(100)
    await cluster.time.until(client.close())
  })
})

describe('lost connections', () => {
  test('what was executed before the answer was lost is answered by the next node, and not executed again', async () => {
    const cluster = new TestCluster()
    const a = await cluster.add('a')
    const client = await cluster.client()
    await cluster.add('b')
    a.silent = true
    const adding = client.programs.call('counter', 'add', { key: 'n', by: 1 }).catch((error: unknown) => error)
    await cluster.time.pass(100)
    a.silent = false
    a.hangUp()
    expect(await cluster.time.until(adding)).toBe(1)
    expect(await cluster.time.until(client.programs.query('counter', 'read', 'n'))).toBe(1)
    await cluster.time.until(client.close())
  })

  test('under cuts at any time every addition is made exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 60 }),
        async (cuts, count) => {
          const cluster = new TestCluster({ delayMs: { min: 0, max: 20 } })
          const names = ['a', 'b', 'c']
          for (const name of names) await cluster.add(name)
          const client = await cluster.client({ timeoutMs: 60_000 })
          for (const atMs of cuts) {
            cluster.time.after(atMs, () => names.forEach((name) => cluster.network.cut('client', name)))
          }
          const works: Promise<unknown>[] = []
          for (let i = 0; i < count; i++) {
            works.push(client.programs.call('counter', 'add', { key: 'n', by: 1 }))
            await cluster.time.pass(5)
          }
          const sums = await cluster.time.until(Promise.all(works))
          expect(new Set(sums).size).toBe(count)
          expect(await cluster.time.until(client.programs.query('counter', 'read', 'n'))).toBe(count)
          await cluster.time.until(client.close())
        },
      ),
      { numRuns: 25 },
    )
  })

  test('requests made while nothing is connected wait, and go on when a node is back', async () => {
    const cluster = new TestCluster()
    await cluster.add('a')
    const client = await cluster.client()
    await cluster.node('a').close()
    cluster.node('a').hangUp()
    await cluster.time.pass(200)
    expect(client.endpoint).toBe('')
    const work = Promise.all([client.store.put('k', 'v'), client.store.get('k'), client.admin.members()])
    cluster.time.after(3_000, () => {
      void cluster.add('a').then((node) => (node.calls = () => []))
    })
    await cluster.time.until(work)
    expect(client.endpoint).toBe('a:1')
    await cluster.time.until(client.close())
  })

  test('a request that never left says so when its time is up', async () => {
    const cluster = new TestCluster()
    await cluster.add('a')
    const client = await cluster.client()
    await cluster.time.until(client.store.put('k', 'v'))
    await cluster.node('a').close()
    cluster.node('a').hangUp()
    await cluster.time.pass(100)
    const failing = client.store.put('k', 'w', { timeoutMs: 1_000 }).catch((error: unknown) => error)
    const error = await cluster.time.until(failing)
    expect(error).toMatchObject({ code: 'Timeout', executed: 'no', details: { last: 'Unavailable' } })
    expect(String(error)).toContain('a:1')
    await cluster.time.until(client.close())
  })

  test('a node that sends rubbish is hung up on, and the client connects again', async () => {
    const cluster = new TestCluster()
    const a = await cluster.add('a')
    const client = await cluster.client()
    for (const [kind, payload] of [
      [frameKinds.results, Uint8Array.of(1, 200)],
      [frameKinds.reply, Uint8Array.of(0xc1)],
      [frameKinds.raft, new Uint8Array()],
    ] as const) {
      const before = a.clients.length
      for (const session of a.sessions) session.send(kind, payload)
      await cluster.time.pass(2_000)
      expect(a.clients.length).toBeGreaterThan(before)
      expect(client.endpoint).not.toBe('')
    }
    await cluster.time.until(client.store.put('k', 'v'))
    await cluster.time.until(client.close())
  })
})

describe('closing', () => {
  test('what is under way is rejected, what comes after is refused, and the session ends in the machine', async () => {
    const cluster = new TestCluster()
    const a = await cluster.add('a')
    const client = await cluster.client()
    await cluster.time.until(client.store.put('k', 'v'))
    expect(cluster.host.machine.sessionCount).toBe(1)
    a.silent = true
    const failing = Promise.all(
      [client.store.put('k', 'w'), client.admin.status(), client.store.get('k')].map((work) =>
        work.catch((error: unknown) => error),
      ),
    )
    await cluster.time.until(client.close())
    for (const error of await failing) expect(error).toMatchObject({ code: 'Closed' })
    await expect(client.store.put('k', 'x')).rejects.toMatchObject({ code: 'Closed', executed: 'no' })
    expect(client.endpoint).toBe('')
    await cluster.time.pass(100)
    expect(a.sessions.size).toBe(0)
    expect(cluster.host.machine.sessionCount).toBe(0)
  })

  test('closing twice is closing once, and a client is disposable', async () => {
    const cluster = new TestCluster()
    await cluster.add('a')
    const client = await cluster.client()
    const closing = client.close()
    expect(client.close()).toBe(closing)
    await cluster.time.until(client[Symbol.asyncDispose]())
  })
})
