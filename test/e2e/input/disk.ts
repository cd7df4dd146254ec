/** Disks that are full. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Cluster, Promises, atExit, expect } from '../harness/index.ts'
import type { Scene } from '../harness/index.ts'

const names = ['n1', 'n2', 'n3']
const valueBytes = 256 * 1024
const smallMb = 64

/** Runs the part. */
export async function fullDisks({ report, directory }: Scene): Promise<void> {
  report.section('full disks')
  await fileSizeLimit(report, directory)
  const mount = join(directory, 'small')
  mkdirSync(mount)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${smallMb}m`, 'none', mount])
  if (mounted.status !== 0) {
    report.note('no file system of a limited size can be mounted here; the limit of file sizes stands for it')
    return
  }
  const unmount = atExit(() => void spawnSync('umount', ['-l', mount]))
  try {
    await smallDisk(report, join(mount, 'cluster'), mount)
  } finally {
    unmount()
  }
}

async function fileSizeLimit(report: Scene['report'], directory: string): Promise<void> {
  const cluster = await Cluster.make({ directory: join(directory, 'limited'), founders: ['n1'] })
  try {
    await report.check('a process that may not make files large enough says DiskFull and ends with 1', async () => {
      const limited = ['sh', '-c', 'trap "" XFSZ; ulimit -f 8192; exec "$@"', 'limited']
      const { code } = await cluster.start('n1', { wrapper: limited }).end()
      const said = /^error: DiskFull: .*/m.exec(cluster.server('n1').stderr)?.[0]
      expect(code === 1 && said !== undefined, () => `exit code ${code}\n${cluster.server('n1').tail()}`)
      return said
    })
    await report.check('without the limit the same directory works', async () => {
      await cluster.startWhole(['n1'])
      await (await cluster.client()).store.put('a', 'b')
    })
  } finally {
    await cluster.close()
  }
}

/** Only n3 lives on the small disk. */
async function smallDisk(report: Scene['report'], small: string, mount: string): Promise<void> {
  const cluster = await Cluster.make({
    directory: join(mount, '..', 'cluster'),
    founders: names,
    dataDirs: { n3: small },
  })
  const promises = new Promises()
  try {
    await cluster.startWhole(names)
    const client = await cluster.client()
    await report.check('a node whose disk fills up says DiskFull and ends with 1', async () => {
      for (let at = 0; cluster.server('n3').running; at++) {
        expect(at * valueBytes < 4 * smallMb * (1 << 20), 'the disk never filled up')
        await promises.put(client, `fill/${at}`, `${at} `.padEnd(valueBytes, 'x'))
      }
      const { code } = await cluster.server('n3').end()
      const said = /^error: DiskFull: .*/m.exec(cluster.server('n3').stderr)?.[0]
      expect(code === 1 && said !== undefined, () => `exit code ${code}\n${cluster.server('n3').tail()}`)
      return said
    })
    await report.check('the others go on, every write is acknowledged', async () => {
      for (let at = 0; at < 20; at++) await promises.put(client, `more/${at}`, `more ${at}`)
      await cluster.whole(['n1', 'n2'])
      expect(promises.doubtful.size + promises.refused.size === 0, 'writes failed')
    })
    await report.check('started on a disk without a free block it ends again, without damage', async () => {
      fillUp(join(mount, 'ballast'))
      const { code } = await cluster.start('n3').end()
      const said = /^error: (?:DiskFull): .*/m.exec(cluster.server('n3').stderr)?.[0]
      expect(code === 1 && said !== undefined, () => `exit code ${code}\n${cluster.server('n3').tail()}`)
      return said
    })
    await report.check('with more space it is a member like before, and nothing is lost', async () => {
      const grown = spawnSync('mount', ['-o', 'remount,size=512m', mount], { encoding: 'utf8' })
      expect(grown.status === 0, grown.stderr)
      cluster.start('n3')
      await cluster.whole(names)
      await cluster.hashesAgree(names)
      return promises.verify('n3', await cluster.contents('n3'))
    })
  } finally {
    await cluster.close()
  }
}

/** Writes a file until the disk has no block left: what a node leaves when it ends may have room for its next start. */
function fillUp(path: string): void {
  const file = openSync(path, 'w')
  for (const size of [1 << 20, 4096]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size, 1))
    } catch (error) {
      expect(error instanceof Error && /ENOSPC/.test(error.message), String(error))
    }
  }
  closeSync(file)
}
