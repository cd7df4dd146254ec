/**
 * Founders that die between the two durable steps of bootstrap.
 *
 * A cluster forms only when all founders hold the founding list, so "n3 was never up before the write" means here: n3 died
 * holding the list, before it was a member. It never voted and has no log, yet it must know n1 from an empty twin.
 */
import { join } from 'node:path'
import { Cluster, Promises, expect, nitrostate, sleep } from '../harness/index.ts'
import type { Scene } from '../harness/index.ts'
import { followAdvice, identityIsLost, nothingLost } from './replace.ts'

const all = ['n1', 'n2', 'n3']
const attempts = 5

/** Runs the part. */
export async function crashedFounder({ report, directory }: Scene): Promise<void> {
  report.section('a founder dies with the founding list on disk, before it is a member')
  await diesBeforeItTold(report, join(directory, 'untold'))
  const promises = new Promises()
  const cluster = await formedWithoutN3(report, directory)
  try {
    await report.check('n1 and n2 acknowledge writes', async () => {
      const client = await cluster.client(['n1', 'n2'])
      for (let at = 0; at < 50; at++) await promises.put(client, `two/${at}`, `value ${at}`)
      await client.close()
    })
    await cluster.server('n2').stop()
    await cluster.server('n1').kill()
    cluster.wipe('n1')
    cluster.start('n3')
    cluster.start('n1')
    await report.check('n1, wiped, and n3, never a member, do not elect a leader', () =>
      cluster.nobodyLeads(['n1', 'n3']),
    )
    await report.check('n1 has ended with IdentityLost and names the command', () => identityIsLost(cluster, 'n1'))
    await report.check('with n2 back n3 becomes the member it was to be', async () => {
      cluster.start('n2')
      return `${await cluster.whole(['n2', 'n3'])} leads`
    })
    await nothingLost(report, cluster, promises, ['n2', 'n3'])
    await report.check('the printed commands bring n1 back as a voter', () => followAdvice(cluster, 'n1', ['n2', 'n3']))
    await nothingLost(report, cluster, promises, all)
  } finally {
    await cluster.close()
  }
}

/** n3 dies right after the list is on its disk: the others never hear of it and must not form. */
async function diesBeforeItTold(report: Scene['report'], directory: string): Promise<void> {
  const cluster = await Cluster.make({ directory, founders: all })
  try {
    await report.check('n3 dies before it told that it holds the list: nothing is formed', async () => {
      cluster.start('n1')
      cluster.start('n2')
      cluster.start('n3', { environment: { NITROSTATE_FAILPOINT: 'bootstrap:intent-saved:crash' } })
      const exit = await cluster.server('n3').end()
      expect(exit.signal === 'SIGKILL', `n3 ended with ${JSON.stringify(exit)}\n${cluster.server('n3').tail()}`)
      await sleep(1_000)
      const endpoints = cluster.endpoints(['n1', 'n2']).join()
      const put = await nitrostate(['put', 'early', 'bird', '--timeout', '2s', '--endpoints', endpoints])
      expect(put.code === 5 && /has not formed yet/.test(put.err), `exit code ${put.code}: ${put.err}`)
      for (const name of ['n1', 'n2']) {
        const role = (await cluster.status(name))?.role
        expect(role === 'bootstrapping', `${name} is ${role}`)
      }
      return put.err.split('\n', 1)[0]
    })
    await report.check('n3 comes back and the three form the cluster that was agreed on', async () => {
      cluster.start('n3')
      await cluster.whole(all)
      return cluster.hashesAgree(all)
    })
  } finally {
    await cluster.close()
  }
}

/** n3 dies when it is about to become a member; whether the others had heard each other by then is a matter of luck. */
async function formedWithoutN3(report: Scene['report'], directory: string): Promise<Cluster> {
  for (let attempt = 1; ; attempt++) {
    const cluster = await Cluster.make({ directory: join(directory, `attempt-${attempt}`), founders: all })
    cluster.start('n1')
    cluster.start('n2')
    cluster.start('n3', { environment: { NITROSTATE_FAILPOINT: 'bootstrap:before-form:crash' } })
    const exit = await cluster.server('n3').end()
    const formed = await cluster.whole(['n1', 'n2'], 5_000).then(
      () => true,
      () => false,
    )
    if (!formed && attempt < attempts) {
      report.note(`attempt ${attempt}: n3 died before n1 and n2 had heard each other; once more`)
      await cluster.close()
      continue
    }
    await report.check('n3 dies before it is a member, n1 and n2 form without it', () => {
      expect(exit.signal === 'SIGKILL', `n3 ended with ${JSON.stringify(exit)}\n${cluster.server('n3').tail()}`)
      expect(formed, `they did not\n${cluster.tails(all)}`)
    })
    return cluster
  }
}
