/** A founder's disk is wiped while the only other node that holds some acknowledged writes is down. */
import { Cluster, Promises, expect, nitrostate } from '../harness/index.ts'
import type { Scene } from '../harness/index.ts'
import { followAdvice, identityIsLost, nothingLost } from './replace.ts'

const all = ['n1', 'n2', 'n3']

/** Runs the part. */
export async function wipedFounder({ report, directory }: Scene): Promise<void> {
  report.section('a founder comes back with an empty disk while a quorum of old disks is not there')
  const cluster = await Cluster.make({ directory, founders: all })
  const promises = new Promises()
  try {
    await report.check('three founders form a cluster', async () => {
      await cluster.startWhole(all)
      const client = await cluster.client()
      for (let at = 0; at < 50; at++) await promises.put(client, `all/${at}`, `value ${at}`)
    })
    await report.check('n1 and n2 acknowledge writes that n3 does not have', async () => {
      await cluster.server('n3').kill()
      const client = await cluster.client(['n1', 'n2'])
      for (let at = 0; at < 50; at++) await promises.put(client, `two/${at}`, `value ${at}`)
      await client.close()
    })
    await cluster.server('n2').stop()
    await cluster.server('n1').kill()
    cluster.wipe('n1')
    cluster.start('n3')
    cluster.start('n1')
    await report.check('n1, wiped, and n3 do not elect a leader', () => cluster.nobodyLeads(['n1', 'n3']))
    await report.check('n1 has ended with IdentityLost and names the command', () => identityIsLost(cluster, 'n1'))
    await report.check('a write finds no leader', async () => {
      const put = await nitrostate([
        'put',
        'x',
        'y',
        '--timeout',
        '2s',
        '--endpoints',
        cluster.endpoints(['n3']).join(),
      ])
      expect(put.code === 5, `exit code ${put.code}: ${put.err}`)
      return put.err.split('\n', 1)[0]
    })
    await report.check('with n2 back the cluster is whole', async () => {
      cluster.start('n2')
      return `${await cluster.whole(['n2', 'n3'])} leads`
    })
    await nothingLost(report, cluster, promises, ['n2', 'n3'])
    await report.check('n1 started once more is refused again', async () => {
      cluster.start('n1')
      return identityIsLost(cluster, 'n1')
    })
    await report.check('the printed commands bring n1 back as a voter', () => followAdvice(cluster, 'n1', ['n2', 'n3']))
    await nothingLost(report, cluster, promises, all)
    await report.check('n1 counts again: with n2 away, n1 and n3 write', async () => {
      await cluster.server('n2').stop()
      await cluster.whole(['n1', 'n3'])
      const client = await cluster.client(['n1', 'n3'])
      await promises.put(client, 'after', 'replacement')
    })
  } finally {
    await cluster.close()
  }
}
