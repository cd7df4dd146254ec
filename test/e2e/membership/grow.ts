/** A fourth node joins an empty disk under load, catches up by snapshot, is promoted; then the leader is taken out. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Cluster, Load, Promises, expect, nitrostate, until, writeCounterProgram } from '../harness/index.ts'
import type { Scene } from '../harness/index.ts'

const founders = ['n1', 'n2', 'n3']
const writersCount = 4
/** More than the log keeps: 16 MiB and a quarter. */
const fillValues = 200
const fillBytes = 120 * 1024

/** Runs the part. */
export async function growUnderLoad({ report, directory }: Scene): Promise<void> {
  report.section('a cluster of three grows and shrinks under load')
  mkdirSync(directory, { recursive: true })
  const programs = writeCounterProgram(join(directory, 'counter.mjs'))
  const cluster = await Cluster.make({ directory, founders, others: ['n4'], args: ['--programs', programs] })
  const promises = new Promises()
  try {
    await report.check('before every founder was reached nothing is formed and a write says so', async () => {
      cluster.start('n1')
      cluster.start('n2')
      await cluster.server('n2').wrote(/not every peer has been reached: n3/)
      const put = await nitrostate(
        ['put', 'early', 'bird', '--endpoints', cluster.endpoints(['n1', 'n2']).join(',')].concat('--timeout', '3s'),
      )
      expect(put.code === 5, `exit code ${put.code}: ${put.err}`)
      expect(/has not formed yet: not every peer/.test(put.err), put.err)
      const roles = [await cluster.status('n1'), await cluster.status('n2')].map((one) => one?.role)
      expect(roles.join() === 'bootstrapping,bootstrapping', `roles ${roles.join()}`)
      return put.err.split('\n', 1)[0]
    })
    cluster.start('n3')
    await report.check('the cluster forms once the last founder is there', () => cluster.whole(founders))

    const clients = await Promise.all(Array.from({ length: writersCount }, () => cluster.client()))
    const load = new Load(clients, promises)
    load.start()
    await report.check('the log is compacted, so that it no longer begins at the founding', async () => {
      const [client] = clients as [(typeof clients)[0], ...typeof clients]
      for (let at = 0; at < fillValues; at++) await promises.put(client, `fill/${at}`, `${at} `.padEnd(fillBytes, 'x'))
      const firsts = await until('every node has compacted', async () => {
        const all = await Promise.all(founders.map(async (name) => (await cluster.status(name))?.firstIndex ?? 0))
        return all.every((first) => first > 2) && all
      })
      return `logs begin at ${firsts.join(', ')}`
    })

    await report.check('n4 joins with an empty directory and dies in the middle of its first snapshot', async () => {
      const address = cluster.at('n4').address
      const added = await nitrostate([
        'member',
        'add',
        'n4',
        address,
        '--endpoints',
        cluster.endpoints(founders).join(),
      ])
      expect(added.code === 0, added.err)
      const environment = { NITROSTATE_FAILPOINT: 'state:before-replacement-write:crash:50' }
      const { signal } = await cluster.start('n4', { join: ['n1', 'n2'], environment }).end()
      expect(signal === 'SIGKILL', () => `${signal}\n${cluster.server('n4').tail()}`)
      expect(/admitted to the cluster/.test(cluster.server('n4').stderr), cluster.server('n4').tail())
    })
    await report.check('started again it catches up by snapshot', async () => {
      cluster.start('n4')
      // A state that was sent takes its place first, and the log begins after it a moment later; one that was replayed begins at 1.
      const status = await until('n4 serves, and its log does not begin at the founding', async () => {
        const one = await cluster.status('n4')
        return one?.ready === true && one.firstIndex > 2 ? one : undefined
      })
      return `its log begins at ${status.firstIndex}`
    })
    await report.check('n4 is promoted by itself when it has caught up', () => cluster.voter('n4', founders))
    await load.progress(100)

    await report.check('the leader is taken out and ends as removed', async () => {
      const endpoints = cluster.endpoints(founders).join()
      const moved = await nitrostate(['transfer', 'n3', '--endpoints', endpoints])
      expect(moved.code === 0, moved.err)
      const removed = await nitrostate(['member', 'remove', 'n3', '--endpoints', endpoints])
      expect(removed.code === 0, removed.err)
      const { code } = await cluster.server('n3').end()
      const said = /error: Removed: .*/.exec(cluster.server('n3').stderr)?.[0]
      expect(code === 1 && said !== undefined, `code ${code}\n${cluster.server('n3').tail()}`)
      return said
    })
    const left = ['n1', 'n2', 'n4']
    await report.check('the others go on under load', async () => {
      await load.progress(200)
      const names = (await cluster.members('n1')).map((one) => `${one.name}:${one.role}`)
      expect(names.join() === 'n1:voter,n2:voter,n4:voter', names.join())
      return load.stop()
    })
    await report.check('hashes are equal', () => cluster.hashesAgree(left))
    for (const name of left) {
      await report.check(`nothing acknowledged is lost on ${name}, nothing was done twice`, async () =>
        promises.verify(name, await cluster.contents(name)),
      )
    }
    await wipedAfterGrowth(cluster, promises, report)
  } finally {
    await cluster.close()
  }
}

/** A founder that comes back empty knows only the founding list, of which one member is gone: it must wait, not found. */
async function wipedAfterGrowth(cluster: Cluster, promises: Promises, report: Scene['report']): Promise<void> {
  await report.check('a founder wiped later finds no quorum among strangers', async () => {
    await cluster.server('n4').kill()
    const client = await cluster.client(['n1', 'n2'])
    for (let at = 0; at < 20; at++) await promises.put(client, `late/${at}`, `late ${at}`)
    await client.close()
    await cluster.server('n1').kill()
    await cluster.server('n2').kill()
    cluster.wipe('n1')
    cluster.start('n1')
    cluster.start('n4')
    return cluster.nobodyLeads(['n1', 'n4'], 5_000)
  })
  await report.check('once it meets a member it ends with IdentityLost', async () => {
    cluster.start('n2')
    const { code } = await cluster.server('n1').end()
    expect(code === 1, `exit code ${code}`)
    expect(/IdentityLost/.test(cluster.server('n1').stderr), cluster.server('n1').tail())
    await cluster.whole(['n2', 'n4'])
    return promises.verify('n4', await cluster.contents('n4', 'linearizable'))
  })
}
