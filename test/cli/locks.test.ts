/** Commands over locks and elections, on a real node under virtual time. */
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import type { ChildRun } from '../../src/cli/child.ts'
import { runChild } from '../../src/cli/run-child.ts'
import { openNode } from '../../src/node/index.ts'
import type { Node } from '../../src/node/index.ts'
import { World } from '../node/world.ts'
import { root } from '../sources.ts'
import { type BoxOptions, type Outcome, runBoxed } from './box.ts'

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

const run = (args: string, options: Partial<BoxOptions> = {}): Promise<Outcome> =>
  runBoxed(args.split(' '), { node, time: world.time, ...options })

describe('nitrostate lock', () => {
  test('runs a command under the lock, with token and lease in its environment, and passes its exit code on', async () => {
    let seen: ChildRun | undefined
    const { code, out } = await run('lock jobs/1 --label host -- ./job --fast', {
      async runChild(child) {
        seen = child
        const { holders } = await node.sync.inspect('jobs/1')
        expect(holders).toMatchObject([{ label: 'host', token: Number(child.environment['NITROSTATE_TOKEN']) }])
        expect(String(holders[0]?.lease)).toBe(child.environment['NITROSTATE_LEASE'])
        return 7
      },
    })
    expect({ code, out }).toEqual({ code: 7, out: '' })
    expect(seen).toMatchObject({ command: './job', args: ['--fast'], sharesInput: true })
    expect(seen?.environment).toMatchObject({ NITROSTATE_NAME: 'jobs/1' })
    expect((await node.sync.inspect('jobs/1')).holders).toEqual([])
  })

  test('ends the command when the lock is lost, with exit code 4', async () => {
    const { code, err } = await run('lock jobs/2 --max-hold 2s --grace 3s -- ./job', {
      runChild: ({ stop }) =>
        new Promise((resolve) => {
          expect(stop?.killAfterMs).toBe(3_000)
          stop?.signal.addEventListener('abort', () => resolve(143))
        }),
    })
    expect(code).toBe(4)
    expect(err).toContain('LockLost')
  })

  test('does not run the command when it is held by others and not waited for', async () => {
    const lock = await node.sync.lock('jobs/3')
    for (const wait of ['0', '500ms']) {
      const { code, err } = await run(`lock jobs/3 --wait ${wait} -- ./job`)
      expect(code).toBe(1)
      expect(err).toContain('held by others')
    }
    let interrupt: () => void = () => {}
    const waiting = run('lock jobs/3 -- ./job', { onInterrupt: (call) => (interrupt = call) })
    await world.pass(300)
    interrupt()
    expect((await waiting).code).toBe(1)
    await world.pass(300)
    expect(await node.sync.inspect('jobs/3')).toMatchObject({ waiters: [] })
    await lock.unlock()
  })

  test('a cluster that does not answer is not taken for a lock that others hold', async () => {
    const late = (): Promise<never> => Promise.reject(new NitroError('Timeout', 'no answer came', { executed: 'no' }))
    const { sync, store, leases, session } = node
    const mute = { store, leases, session, sync: Object.assign(Object.create(sync), { lock: late, inspect: late }) }
    for (const args of ['lock jobs/5 -- ./job', 'lock jobs/5 --wait 0 -- ./job', 'observe jobs/5 --once']) {
      const { code, err } = await run(args, { node: mute })
      expect(code, args).toBe(5)
      expect(err).toContain('Timeout')
    }
  })

  test('without a command it holds the lock until Ctrl-C', async () => {
    let interrupt: () => void = () => {}
    const holding = run('lock jobs/4 -o json', { onInterrupt: (call) => (interrupt = call) })
    await world.pass(500)
    const { holders } = await node.sync.inspect('jobs/4')
    interrupt()
    const { code, out } = await holding
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({ name: 'jobs/4', token: holders[0]?.token, lease: holders[0]?.lease })
    expect((await node.sync.inspect('jobs/4')).holders).toEqual([])
  })

  test('what can not be is a usage error', async () => {
    for (const args of [
      'lock',
      'lock a b',
      'elect a',
      'lock a --wait soon',
      'lock a --ttl 500ms',
      'locks --kind toy',
      'observe',
    ]) {
      expect((await run(args)).code, args).toBe(2)
    }
  })
})

describe('nitrostate elect, observe and locks', () => {
  test('who leads is printed, and each that follows', async () => {
    let interrupt: () => void = () => {}
    const observing = run('observe scheduler', { onInterrupt: (call) => (interrupt = call) })
    await world.pass(200)
    expect((await run('observe scheduler --once')).code).toBe(3)
    const { code } = await run('elect scheduler host-a --label first -- ./scheduler', {
      async runChild() {
        expect((await run('observe scheduler --once -o value')).out).toBe('host-a\n')
        const { out } = await run('locks sched -o json')
        expect(JSON.parse(out)).toMatchObject([
          { kind: 'leader', name: 'scheduler', holding: 1, waiting: 0, label: 'first' },
        ])
        expect((await run('locks sched')).out).toMatch(/KIND.*NAME[^]*leader.*scheduler.*first/)
        return 0
      },
    })
    expect(code).toBe(0)
    await world.pass(200)
    interrupt()
    const { out } = await observing
    expect(out).toMatch(/^nobody leads\nhost-a {2}token \d+ {2}first\nnobody leads\n$/)
    expect((await run('locks sched')).err).toContain('Nothing is held')
  })
})

describe('a child', () => {
  /** Runs a script that takes the signal in its own way, and asks it to end as soon as it says that it can. */
  async function ended(onTerm: string, killAfterMs: number): Promise<number> {
    const stop = new AbortController()
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      stop.abort()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const body = `process.on('SIGTERM', () => { ${onTerm} }); require('net').connect(${port}, '127.0.0.1')`
    const code = await runChild({
      ...{ command: process.execPath, args: ['-e', body], environment: {}, input: new Uint8Array() },
      stop: { signal: stop.signal, killAfterMs },
    })
    server.close()
    return code
  }

  test('that is to end gets SIGTERM, and may end in its own way', async () => {
    expect(await ended('process.exit(9)', 20_000)).toBe(9)
  })

  test('that does not end gets SIGKILL', async () => {
    expect(await ended('', 100)).toBe(137)
  })

  test('that can not be started is 127, and nobody else gets the signals that were for it', async () => {
    // In a group of its own: a signal that goes astray goes to all of the group, which here would be the tests.
    const body = `
      import { runChild } from ${JSON.stringify(join(root, 'src/cli/run-child.ts'))}
      process.on('SIGTERM', () => process.exit(99))
      const stop = { signal: AbortSignal.abort(), killAfterMs: 100 }
      const nothing = { command: './nothing here', args: [], environment: {}, input: new Uint8Array() }
      const code = await runChild({ ...nothing, sharesInput: true, stop })
      process.once('SIGUSR2', () => process.exit(code))
      process.kill(process.pid, 'SIGUSR2')
      setInterval(() => {}, 1000)`
    const args = ['--import', 'tsx', '--input-type=module', '-e', body]
    const alone = spawn(process.execPath, args, { cwd: root, detached: true, stdio: 'ignore' })
    expect(await new Promise((resolve) => alone.once('close', resolve))).toBe(127)
  })
})
