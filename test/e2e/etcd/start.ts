/** `npm start`, as somebody does who has just cloned the project, and etcd's clients on what it starts. */
import { spawn } from 'node:child_process'
import { Etcd3 } from 'etcd3'
import { atExit, expect, freePortsInRow, root, until } from '../harness/index.ts'
import type { Cluster, Report } from '../harness/index.ts'
import { Ctl } from './ctl.ts'

/** Runs the part. */
export async function start(report: Report, _cluster: Cluster, directory: string): Promise<void> {
  report.section('npm start')
  const [first = 0, ...others] = await freePortsInRow(3)
  const args = ['start', '--', '--port', String(first), '--data-dir', `${directory}/start`]
  // A group of its own: Ctrl-C at a terminal reaches npm, the command, and what it has started.
  const child = spawn('npm', args, { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const interrupt = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, signal)
  }
  const forget = atExit(() => interrupt('SIGKILL'))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (out += text))
  const hosts = [first, ...others].map((port) => `127.0.0.1:${port}`)

  await report.check('a cluster of three is up', async () => {
    await until('it is ready', () => out.includes('Ready after'), { timeoutMs: 120_000, why: () => out })
  })

  await report.check('etcdctl works on it', async () => {
    const ctl = new Ctl(hosts)
    await ctl.ok('put config/mode blue')
    expect((await ctl.ok('get --prefix config/ --print-value-only')) === 'blue', 'get')
    expect((await ctl.ok('member list')).split('\n').length === 3, 'member list')
    const lease = /lease (\w+) granted/.exec(await ctl.ok('lease grant 30'))?.[1] ?? ''
    await ctl.ok(`put --lease=${lease} workers/1 here`)
    await ctl.ok(`lease revoke ${lease}`)
    expect((await ctl.ok('get workers/1')) === '', 'the key outlived its lease')
    expect((await ctl.ok('lock nightly echo done')) === 'done', 'lock')
  })

  await report.check('npm etcd3 works on it', async () => {
    const client = new Etcd3({ hosts })
    try {
      const watcher = await client.watch().prefix('config/').create()
      const seen = new Promise<string>((resolve) => watcher.on('put', (record) => resolve(record.value.toString())))
      await client.put('config/mode').value('green')
      expect((await seen) === 'green', 'watch')
      await client.lock('nightly').do(() => client.put('config/mode').value('red'))
      expect((await client.get('config/mode').string()) === 'red', 'get')
      await watcher.cancel()
    } finally {
      client.close()
    }
  })

  await report.check('Ctrl-C ends all of it', async () => {
    interrupt('SIGINT')
    await ended
    forget()
    const client = new Ctl(hosts)
    expect((await client.run(['--command-timeout=1s', 'get', 'x'])).code !== 0, 'somebody still answers')
  })
}
