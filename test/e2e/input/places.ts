/** Directories and ports that can't be used, or are in use. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Cluster, atExit, expect, freePorts, sleep } from '../harness/index.ts'
import type { Scene, ServerProcess } from '../harness/index.ts'

const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
const names = ['n1', 'n2', 'n3']

async function endsWith(server: ServerProcess, wanted: string, ...says: string[]): Promise<string> {
  const { code } = await server.end()
  const said = /^error: (\w+): .*/m.exec(server.stderr)
  expect(code === 1 && said?.[1] === wanted, () => `exit code ${code}\n${server.tail()}`)
  for (const text of says) expect(server.stderr.includes(text), () => `it does not say ${text}:\n${server.tail()}`)
  return said[0]
}

/** Runs the part. */
export async function badPlaces({ report, directory }: Scene): Promise<void> {
  report.section('directories and ports that are not free')
  const cluster = await Cluster.make({ directory: join(directory, 'one'), founders: ['n1'] })
  const { dataDir, address } = cluster.at('n1')
  const [spare] = (await freePorts(1)) as [number]
  try {
    await report.check('a file in place of the directory', async () => {
      writeFileSync(dataDir, 'a file')
      const line = await endsWith(cluster.start('n1'), 'DirectoryUnusable', dataDir).finally(() => cluster.wipe('n1'))
      return line
    })
    if (process.getuid?.() === 0) {
      await report.check('a directory of somebody else', async () => {
        mkdirSync(dataDir, { mode: 0o700 })
        for (const path of [directory, join(directory, '..')]) chmodSync(path, 0o755)
        const line = await endsWith(cluster.start('n1', { wrapper: nobody }), 'DirectoryUnusable', dataDir)
        cluster.wipe('n1')
        return line
      })
    } else {
      await report.check('a directory that may not be written to', async () => {
        mkdirSync(dataDir, { mode: 0o500 })
        const line = await endsWith(cluster.start('n1'), 'DirectoryUnusable', dataDir)
        cluster.wipe('n1')
        return line
      })
    }
    await report.check('a port that somebody listens on', async () => {
      const server = createServer()
      const port = Number(address.split(':')[1])
      await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port }, resolve))
      const close = atExit(() => void server.close())
      const line = await endsWith(cluster.start('n1'), 'AddressInUse', address, '--listen')
      close()
      return line
    })
    await cluster.startWhole(['n1'])
    const client = await cluster.client()
    await client.store.put('a', 'b')
    await report.check('a second server on the directory of a running one; the first goes on', async () => {
      const second = await Cluster.make({ directory: join(directory, 'one'), founders: ['n1'] })
      const line = await endsWith(second.start('n1'), 'DirectoryLocked', dataDir)
      await client.store.put('a', 'c')
      expect((await client.store.get('a'))?.text() === 'c', 'the first does not serve')
      return line
    })
    await report.check('the directory of another node', async () => {
      await cluster.server('n1').stop()
      const other = await Cluster.make({
        directory: join(directory, 'one'),
        founders: ['n2'],
        dataDirs: { n2: dataDir },
      })
      const server = other.start('n2')
      const { code } = await server.end()
      expect(code === 2 && server.stderr.includes('holds the data of n1'), () => `exit code ${code}\n${server.tail()}`)
      return 'exit code 2, and it says whose it is'
    })
    await report.check('an address of nobody on this machine', async () => {
      const away = await Cluster.make({
        directory: join(directory, 'away'),
        founders: ['n1'],
        args: ['--listen', `127.0.0.1:${spare}`, '--insecure', '--listen', '192.0.2.1:7401'],
      })
      const { code } = await away.start('n1').end()
      expect(code !== 0 && /^error: \w+: .*192\.0\.2\.1/m.test(away.server('n1').stderr), away.server('n1').tail())
      return /^error: .*/m.exec(away.server('n1').stderr)?.[0] ?? ''
    })
  } finally {
    await cluster.close()
  }
  await twoBeforeForming(report, join(directory, 'forming'))
}

/** Before the cluster is formed there is no state to lock: the directory itself must be. */
async function twoBeforeForming(report: Scene['report'], directory: string): Promise<void> {
  const cluster = await Cluster.make({ directory, founders: names, others: ['again'] })
  try {
    await report.check('a second server on the directory of one that waits for its peers', async () => {
      cluster.start('n1')
      await cluster.server('n1').wrote(/not every peer has been reached/)
      const second = await Cluster.make({
        directory: join(directory, 'second'),
        founders: ['n1'],
        dataDirs: { n1: cluster.at('n1').dataDir },
        args: ['--peers', cluster.peers],
      })
      const line = await endsWith(second.start('n1'), 'DirectoryLocked')
      await sleep(100)
      cluster.start('n2')
      cluster.start('n3')
      await cluster.whole(names)
      return line
    })
  } finally {
    await cluster.close()
  }
}
