/** The commands over locks and elections, as a person would type them: children, signals, exit codes, tables. */
import { expect, nitrostate, sleep, until } from '../harness/index.ts'
import type { CliRun, Cluster, Report } from '../harness/index.ts'
import { RunningCommand } from './running-command.ts'

const ttlMs = 2_000

/** Says who it is, then goes on until SIGTERM, which it obeys or not. */
const child = (onTerm: string): string[] => [
  ...['--', process.execPath, '-e'],
  `process.on('SIGTERM', () => { ${onTerm} }); setInterval(() => {}, 1000)
   const { NITROSTATE_NAME: name, NITROSTATE_TOKEN: token, NITROSTATE_LEASE: lease, NITROSTATE_ENDPOINTS: at } = process.env
   console.log(['child', process.pid, name, token, lease, at].join(' '))`,
]
const obeys = child("console.log('term'); process.exit(9)")
const doesNot = child("console.log('term')")

/** A child, from what it said. */
interface Said {
  readonly pid: number
  readonly name: string
  readonly token: number
  readonly lease: number
  readonly endpoints: string
}

/** Runs the part. */
export async function commands(report: Report, cluster: Cluster): Promise<void> {
  report.section('the commands')
  const endpoints = cluster.endpoints().join(',')
  const at = ['--endpoints', endpoints]
  const { sync, leases } = await cluster.client()
  const run = async (code: number, ...args: readonly string[]): Promise<CliRun> => {
    const done = await nitrostate(args)
    expect(done.code === code, `nitrostate ${args.join(' ')}: ${done.code} instead of ${code}\n${done.out}${done.err}`)
    return done
  }
  const start = async (command: readonly string[]): Promise<readonly [RunningCommand, Said]> => {
    const running = new RunningCommand(command)
    const [, pid, name = '', token, lease, of = ''] = await running.wrote(/^child (\d+) (\S+) (\d+) (\d+) (\S+)$/m)
    return [running, { pid: Number(pid), name, token: Number(token), lease: Number(lease), endpoints: of }]
  }
  const lock = ['lock', 'job', ...at, '--ttl', `${ttlMs}ms`, '--grace', '1s', '--label', 'e2e']
  const ends = async (running: RunningCommand, code: number): Promise<void> => {
    const ended = await running.ended
    expect(ended === code, () => `exit code ${ended} instead of ${code}\n${running.out}${running.err}`)
  }
  const isFree = async (): Promise<void> =>
    void (await until('the lock is free', async () => (await sync.inspect('job')).holders.length === 0))

  await report.check('lock passes on token, lease and exit code, and gives the lock back', async () => {
    const [running, said] = await start([...lock, ...obeys])
    const { holders } = await sync.inspect('job')
    expect(said.name === 'job' && said.endpoints === endpoints, `the child got ${JSON.stringify(said)}`)
    expect(holders[0]?.token === said.token && holders[0].lease === said.lease, 'they are not the holder’s')
    running.signal('SIGTERM')
    await ends(running, 9)
    expect(running.out.endsWith('term\n'), running.out)
    expect((await sync.inspect('job')).holders.length === 0, 'it is still held')
    await run(7, ...lock, '--', 'sh', '-c', 'exit 7')
    await run(127, ...lock, '--', './there is no such command')
  })

  await report.check('who does not want to wait gets 1, and who waits has it next', async () => {
    const [running] = await start([...lock, ...obeys])
    const { err } = await run(1, ...lock, '--wait', '0', '--', 'sh', '-c', 'exit 7')
    expect(err.includes('held by others'), err)
    await run(1, ...lock, '--wait', '300ms', '--', 'sh', '-c', 'exit 7')
    const next = nitrostate([...lock, '--', 'sh', '-c', 'exit 5'])
    await until('it waits', async () => (await sync.inspect('job')).waiters.length === 1)
    running.signal('SIGTERM')
    await ends(running, 9)
    expect((await next).code === 5, 'the next did not run')
  })

  await report.check('a lock that is lost ends its command with SIGTERM, exit code 4', async () => {
    const [running, { lease }] = await start([...lock, ...obeys])
    await leases.revoke(lease)
    await ends(running, 4)
    expect(running.out.endsWith('term\n') && running.err.includes('LockLost'), `${running.out}${running.err}`)
  })

  await report.check('a command that does not obey gets SIGKILL after --grace', async () => {
    const [running, { lease, pid }] = await start([...lock, ...doesNot])
    await leases.revoke(lease)
    await running.wrote(/^term$/m)
    const toldMs = performance.now()
    await ends(running, 4)
    const tookMs = performance.now() - toldMs
    expect(tookMs >= 900, `it was killed ${tookMs.toFixed(0)} ms after SIGTERM`)
    expect(!isThere(pid), 'it is still there')
    return `${tookMs.toFixed(0)} ms after SIGTERM`
  })

  await report.check(
    'stopped for longer than its time to live, it ends its command as soon as it goes on',
    async () => {
      const [running] = await start([...lock, ...obeys])
      running.signal('SIGSTOP')
      await isFree()
      await sleep(200)
      running.signal('SIGCONT')
      await ends(running, 4)
      expect(running.out.endsWith('term\n'), running.out)
    },
  )

  await report.check('it is held while the leader of the cluster dies', async () => {
    const [running, { token }] = await start([...lock.with(5, '10s'), ...obeys])
    const names = [...cluster.places.keys()]
    const leader = await cluster.whole(names)
    await cluster.server(leader).kill()
    cluster.start(leader)
    await cluster.whole(names)
    expect((await sync.inspect('job')).holders[0]?.token === token, 'somebody else holds it')
    running.signal('SIGTERM')
    await ends(running, 9)
  })

  await report.check('observe follows elect: each leader, and none when there is none', async () => {
    const observing = new RunningCommand(['observe', 'head', ...at, '-o', 'jsonl'])
    await observing.wrote(/"leads":false/)
    await run(3, 'observe', 'head', ...at, '--once')
    const elect = ['elect', 'head', ...at, '--ttl', `${ttlMs}ms`]
    const [first, one] = await start([...elect.toSpliced(2, 0, 'host-a'), ...obeys])
    expect((await run(0, 'observe', 'head', ...at, '--once', '-o', 'value')).out === 'host-a\n', 'observe --once')
    const second = new RunningCommand([...elect.toSpliced(2, 0, 'host-b'), ...obeys])
    await until('it waits', async () => (await sync.inspect('head', { kind: 'leader' })).waiters.length === 1)
    first.signal('SIGTERM')
    await ends(first, 9)
    const [, , , token] = await second.wrote(/^child (\d+) (\S+) (\d+) (\d+) (\S+)$/m)
    second.signal('SIGTERM')
    await ends(second, 9)
    await observing.wrote(/host-b[^]*"leads":false/)
    observing.signal('SIGINT')
    await ends(observing, 0)
    const seen = observing.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly leads: boolean; readonly token?: number; readonly value: string })
    const told = seen.map(({ leads, token, value }) => (leads ? `${value} ${token}` : 'nobody')).join(', ')
    expect(told === `nobody, host-a ${one.token}, host-b ${token}, nobody`, told)
    return told
  })

  await report.check('without a quorum they say so, exit code 5', async () => {
    const names = [...cluster.places.keys()]
    for (const name of names.slice(1)) await cluster.server(name).kill()
    const mute = [...at, '--timeout', '1s']
    const asked = [
      ['lock', 'job', ...mute, '--wait', '0', '--', 'sh', '-c', 'exit 7'],
      ['elect', 'head', 'host-c', ...mute, '--', 'sh', '-c', 'exit 7'],
      ['observe', 'head', ...mute, '--once'],
      ['locks', ...mute],
    ]
    for (const args of asked) await run(5, ...args)
    for (const name of names.slice(1)) cluster.start(name)
    await cluster.whole(names)
  })

  await report.check('locks shows holders and waiters as a table, as JSON, and as names', async () => {
    await using held = await sync.lock('shown', { label: 'holder' })
    const waiting = sync.lock('shown', { label: 'waiter' })
    await until('it waits', async () => (await sync.inspect('shown')).waiters.length === 1)
    const table = (await run(0, 'locks', 'sho', ...at)).out
    expect(/^KIND +.*NAME.*\n.*lock +.*shown.*holder/m.test(table), table)
    const json = JSON.parse((await run(0, 'locks', 'sho', ...at, '-o', 'json')).out) as readonly unknown[]
    const [row] = json as readonly Readonly<Record<string, unknown>>[]
    const shown = row?.['name'] === 'shown' && row['token'] === held.token && row['waiting'] === 1
    expect(shown && json.length === 1, JSON.stringify(json))
    expect((await run(0, 'locks', 'sho', ...at, '-o', 'value')).out === 'shown\n', 'locks -o value')
    expect((await run(0, 'locks', ...at, '--kind', 'leader', '-o', 'jsonl')).out === '', 'locks --kind')
    await held.unlock()
    await (await waiting).unlock()
  })
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
