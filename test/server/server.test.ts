import { expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import { loadDaemon, resolveServerOptions } from '../../src/server/index.ts'
import type { NodeOptions } from '../../src/node/index.ts'
import { FakeHost, FakeNode, ManualScheduler, settled } from './fixtures.ts'

const { runServer } = await loadDaemon()

const flags = { name: 'n1', dataDir: 'data/n1', peers: 'n1=127.0.0.1:7401,n2=127.0.0.1:7402,n3=127.0.0.1:7403' }

function start(more: Record<string, unknown> = {}) {
  const node = new FakeNode()
  const host = new FakeHost()
  const scheduler = new ManualScheduler()
  const opened: NodeOptions[] = []
  const open = async (options: NodeOptions): Promise<FakeNode> => {
    opened.push(options)
    return node
  }
  const code = runServer(resolveServerOptions({ flags: { ...flags, ...more } }), host, { open, scheduler })
  return { node, host, scheduler, opened, code }
}

test('a signal hands leadership over and ends with 0', async () => {
  const { node, host, code } = start()
  await settled()
  host.signal('SIGTERM')
  expect(await code).toBe(0)
  expect(node.closes).toEqual([{ transfer: true }])
  expect([host.listeners, host.heaps, host.tuned]).toEqual([0, 0, 1])
})

test('when the parent is gone nobody is asked to take leadership over', async () => {
  const { node, host, code } = start({ exitWithParent: true })
  await settled()
  host.signal('standard input closed')
  expect(await code).toBe(0)
  expect(node.closes).toEqual([{ transfer: false }])
})

test('a second signal ends at once with 1', async () => {
  const { node, host, code } = start()
  node.hangs = true
  await settled()
  host.signal('SIGINT')
  await settled()
  host.signal('SIGINT')
  expect(await code).toBe(1)
  expect(host.listeners).toBe(0)
})

test('a stop that takes longer than the grace ends with 1', async () => {
  const { node, host, scheduler, code } = start({ shutdownGraceMs: '1234' })
  node.hangs = true
  await settled()
  host.signal('SIGTERM')
  await settled()
  expect([...scheduler.timers.values()].map(({ delayMs }) => delayMs)).toEqual([1234])
  scheduler.fire()
  expect(await code).toBe(1)
})

test('a signal while the node is being opened ends with 0', async () => {
  const host = new FakeHost()
  const open = (): Promise<FakeNode> => new Promise(() => {})
  const code = runServer(resolveServerOptions({ flags }), host, { open, scheduler: new ManualScheduler() })
  await settled()
  host.signal('SIGINT')
  expect(await code).toBe(0)
})

test('a fatal error is explained with its code and the exact next commands', async () => {
  const { node, host, code } = start()
  await settled()
  host.written = ''
  node.fail(new NitroError('IdentityLost', 'the cluster knows n1 under another incarnation'))
  expect(await code).toBe(1)
  expect(host.written).toBe(
    'error: IdentityLost: the cluster knows n1 under another incarnation\n' +
      'Next, while the other members have a quorum:\n' +
      '  mv data/n1 data/n1.lost\n' +
      '  nitrostate member replace n1 --endpoints 127.0.0.1:7402,127.0.0.1:7403\n' +
      '  nitrostate server --name n1 --data-dir data/n1 --listen 127.0.0.1:7401 --join 127.0.0.1:7402,127.0.0.1:7403\n',
  )
})

test('errors while opening end with the code of their kind', async () => {
  const expected = { AddressInUse: 1, LogDamaged: 1, InsecureAddress: 2, Unavailable: 5, NotBootstrapped: 5 } as const
  for (const [name, wanted] of Object.entries(expected)) {
    const host = new FakeHost()
    const open = async (): Promise<FakeNode> => {
      throw new NitroError(name as keyof typeof expected, 'no')
    }
    expect(await runServer(resolveServerOptions({ flags }), host, { open }), name).toBe(wanted)
    expect(host.written).toContain(`error: ${name}: no\n`)
  }
})

test('a broken invariant is reported as a defect with its stack', async () => {
  const host = new FakeHost()
  const open = async (): Promise<FakeNode> => {
    throw new RangeError('boom')
  }
  expect(await runServer(resolveServerOptions({ flags }), host, { open })).toBe(1)
  expect(host.written).toContain('RangeError: boom')
  expect(host.written).toContain('defect in NitroState')
})

test('only what was given is passed to the node', async () => {
  const { host, opened, code } = start({ tickMs: '20' })
  await settled()
  const { logger, metrics, http, http2, ...plain } = opened[0] ?? {}
  expect(plain).toEqual({
    name: 'n1',
    dataDir: 'data/n1',
    listen: '127.0.0.1:7401',
    peers: { n1: '127.0.0.1:7401', n2: '127.0.0.1:7402', n3: '127.0.0.1:7403' },
    learner: false,
    insecure: false,
    tickMs: 20,
    programs: [],
  })
  expect([logger, metrics, http, http2]).not.toContain(undefined)
  host.signal('SIGTERM')
  await code
})
