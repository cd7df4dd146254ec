/** `nitrostate watch` as a process: a command for each event, over the loss of a leader, and resumed after a kill. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { atExit, expect, mainPath, until } from '../harness/index.ts'
import type { Cluster, Report } from '../harness/index.ts'

interface Watching {
  /** What it said to people. */
  err(): string
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<number | null>
}

/** Starts `nitrostate watch`. */
function startWatch(args: readonly string[]): Watching {
  const child = spawn(process.execPath, [mainPath, 'watch', ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const forget = atExit(() => void child.kill('SIGKILL'))
  const ended = new Promise<number | null>((resolve) =>
    child.once('close', (code) => {
      forget()
      resolve(code)
    }),
  )
  return { err: () => err, kill: (signal) => void child.kill(signal), ended }
}

/** Runs the part. */
export async function watching(report: Report, cluster: Cluster, directory: string): Promise<void> {
  report.section('watch -- command, resumed')
  const seen = join(directory, 'seen')
  const mark = join(directory, 'mark')
  const { store } = await cluster.client()
  const { revision } = await store.put('watched/0', 'v0')
  const args = ['--prefix', 'watched/', '--resume', mark, '--endpoints', cluster.endpoints().join(',')]
  const command = ['--', 'sh', '-c', `printf '%s=' "$NITROSTATE_KEY" >> '${seen}'; cat >> '${seen}'; echo >> '${seen}'`]
  const lines = (): string[] =>
    readFileSync(seen, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  const wanted = (count: number): string[] => Array.from({ length: count }, (_, at) => `watched/${at}=v${at}`)
  const write = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at++) await store.put(`watched/${at}`, `v${at}`)
  }

  await report.check('a command runs once for each event, also over the loss of the leader', async () => {
    const first = startWatch([...args, '--rev', String(revision), ...command])
    await write(1, 10)
    const names = [...cluster.places.keys()]
    const leader = await cluster.whole(names)
    await cluster.server(leader).kill()
    await write(10, 20)
    await until('all events were handled', () => lines().length >= 20 && lines(), { why: first.err })
    cluster.start(leader)
    await cluster.whole(names)
    expect(lines().join() === wanted(20).join(), `handled: ${lines().join(' ')}`)
    first.kill('SIGINT')
    const code = await first.ended
    expect(code === 0, `exit code ${code} after Ctrl-C\n${first.err()}`)
  })

  await report.check('it goes on where it stood, without a gap', async () => {
    await write(20, 30)
    const second = startWatch([...args, ...command])
    await until('what came meanwhile was handled', () => lines().length >= 30 && lines(), { why: second.err })
    second.kill('SIGTERM')
    await second.ended
    expect(lines().join() === wanted(30).join(), `handled: ${lines().join(' ')}`)
  })
}
