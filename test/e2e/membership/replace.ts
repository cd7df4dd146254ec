/** Following what a node prints when it has lost its identity. */
import type { Cluster, Promises, Scene } from '../harness/index.ts'
import { expect, nitrostate } from '../harness/index.ts'

/** Checks that the named node has ended with IdentityLost and told what to run. */
export async function identityIsLost(cluster: Cluster, name: string): Promise<string> {
  const { code } = await cluster.server(name).end()
  const { stderr } = cluster.server(name)
  expect(code === 1, `exit code ${code}\n${cluster.server(name).tail()}`)
  expect(/^error: IdentityLost: /m.test(stderr), cluster.server(name).tail())
  expect(stderr.includes(`nitrostate member replace ${name}`), `the command is not named:\n${stderr}`)
  return `exit code 1, ${/^error: IdentityLost: .{0,60}/m.exec(stderr)?.[0]}…`
}

/** The command lines that a server printed as advice, without the program's name. */
export function printedCommands(stderr: string): string[][] {
  const lines = stderr.split('\n').filter((line) => /^ {2}(?:nitrostate|mv) /.test(line))
  return lines.map((line) => line.trim().split(' '))
}

/** Runs what the lost node printed: moves its directory away, `member replace`, and starts it with `--join`. */
export async function followAdvice(cluster: Cluster, name: string, healthy: readonly string[]): Promise<string> {
  const commands = printedCommands(cluster.server(name).stderr)
  const [move, replace, start] = commands
  expect(move?.[0] === 'mv' && move[1] === cluster.at(name).dataDir, `advice: ${JSON.stringify(commands)}`)
  expect(replace?.[1] === 'member' && start?.[1] === 'server', `advice: ${JSON.stringify(commands)}`)
  cluster.setAside(name)
  const done = await nitrostate(replace.slice(1))
  expect(done.code === 0, `${replace.join(' ')}: ${done.err}`)
  const asPrinted = start.slice(2).join(' ')
  const [, joined] = /--join (\S+)/.exec(asPrinted) ?? []
  expect(joined !== undefined, `advice: ${asPrinted}`)
  const others = [...cluster.places.values()].filter(({ address }) => joined?.split(',').includes(address))
  cluster.start(name, { join: others.map((one) => one.name) })
  expect(cluster.command(name).join(' ').startsWith(asPrinted), `printed ${asPrinted}`)
  await cluster.voter(name, healthy)
  return 'replaced as printed'
}

/** Checks that nodes hold what was promised and agree. */
export async function nothingLost(
  report: Scene['report'],
  cluster: Cluster,
  promises: Promises,
  names: readonly string[],
): Promise<void> {
  await report.check(`hashes of ${names.join(', ')} are equal`, () => cluster.hashesAgree(names))
  for (const name of names) {
    await report.check(`nothing acknowledged is lost on ${name}`, async () =>
      promises.verify(name, await cluster.contents(name)),
    )
  }
}
