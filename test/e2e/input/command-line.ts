/** Command lines that can't be right, and endpoints where nobody is. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { join } from 'node:path'
import { atExit, expect, freePorts, nitrostate } from '../harness/index.ts'
import type { CliRun, Scene } from '../harness/index.ts'

/** Checks the exit code and that the error says what it is about. Resolves with the first line of the error. */
export function refusedWith({ code, out, err }: CliRun, wanted: number, ...says: (string | RegExp)[]): string {
  expect(code === wanted, `exit code ${code} instead of ${wanted}\n${err}`)
  for (const text of says) {
    const found = typeof text === 'string' ? err.includes(text) : text.test(err)
    expect(found, `the error does not say ${text}:\n${err}`)
  }
  expect(out === '', `standard output is not empty: ${out}`)
  return err.split('\n', 1)[0] ?? ''
}

/** Runs the part. */
export async function badOptions({ report, directory }: Scene): Promise<void> {
  report.section('options that are wrong: exit code 2, the message names the option')
  const dir = join(directory, 'n1')
  const config = join(directory, 'config.json')
  writeFileSync(config, '{"dataDir": ')
  const program = join(directory, 'program.mjs')
  writeFileSync(program, 'export default { name: "x" }')
  const server = (...args: string[]): string[] => ['server', '--data-dir', dir, ...args]
  const lines: readonly (readonly [args: readonly string[], says: string | RegExp])[] = [
    [['frobnicate'], 'frobnicate'],
    [['put', 'a', 'b', '--bogus'], '--bogus'],
    [['get'], 'key'],
    [['get', 'a', '--timeout', 'soon'], '--timeout'],
    [['get', 'a', '--endpoints', 'nowhere'], '--endpoints'],
    [['get', 'a', '--consistency', 'eventual'], '--consistency'],
    [['range', '--limit', '-1'], '--limit'],
    [['server'], '--data-dir'],
    [server('--bogus'), '--bogus'],
    [server('--name', 'no spaces'), '--name'],
    [server('--listen', '127.0.0.1'), '--listen'],
    [server('--listen', '127.0.0.1:70000'), '--listen'],
    [server('--peers', 'n1'), '--peers'],
    [server('--peers', 'n2=127.0.0.1:7402'), '--peers'],
    [server('--peers', 'n1=127.0.0.1:7401,n2=127.0.0.1:7401'), /peers/],
    [server('--peers', 'n1=127.0.0.1:7401', '--join', '127.0.0.1:7402'), '--join'],
    [server('--learner'), '--learner'],
    [server('--tick-ms', '0'), '--tick-ms'],
    [server('--log-level', 'loud'), '--log-level'],
    [server('--config', config), 'config.json'],
    [server('--config', join(directory, 'nowhere.json')), 'nowhere.json'],
    [server('--programs', join(directory, 'nowhere.mjs')), 'nowhere.mjs'],
    [server('--programs', program), 'program.mjs'],
    [server('--listen', '0.0.0.0:0'), 'InsecureAddress'],
  ]
  for (const [args, says] of lines) {
    const shown = args.map((one) => (one.startsWith(directory) ? 'PATH' : one)).join(' ')
    await report.check(`nitrostate ${shown}`, async () => refusedWith(await nitrostate(args), 2, says))
  }
}

/** Runs the part. */
export async function badEndpoints({ report }: Scene): Promise<void> {
  report.section('endpoints where no node is: exit code 5, the message names each')
  const [nobody] = (await freePorts(1)) as [number]
  const at = (endpoints: string, timeout = '2s'): Promise<CliRun> =>
    nitrostate(['get', 'a', '--endpoints', endpoints, '--timeout', timeout])
  await report.check('nobody listens', async () =>
    refusedWith(await at(`127.0.0.1:${nobody}`), 5, 'Unavailable', `127.0.0.1:${nobody}`),
  )
  await report.check('the name is of no host', async () =>
    refusedWith(await at('no-such-host.invalid:7401'), 5, 'Unavailable', 'no-such-host.invalid:7401'),
  )
  const quiet = await listen(() => {})
  await report.check('somebody accepts and says nothing: the deadline holds', async () => {
    const startedMs = performance.now()
    const line = refusedWith(await at(quiet.address), 5, quiet.address)
    const tookMs = performance.now() - startedMs
    expect(tookMs < 5_000, `took ${Math.round(tookMs)} ms for a deadline of 2 s`)
    return line
  })
  quiet.close()
  const chatty = await listen((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'))
  await report.check('somebody speaks something else', async () =>
    refusedWith(await at(chatty.address), 5, chatty.address),
  )
  chatty.close()
}

async function listen(take: (socket: Socket) => void): Promise<{ readonly address: string; close(): void }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    take(socket)
  })
  const [port] = (await freePorts(1)) as [number]
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port }, resolve))
  const close = atExit(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { address: `127.0.0.1:${port}`, close }
}
