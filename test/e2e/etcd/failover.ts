/** Clients of etcd go on while leaders die under them. */
import { Etcd3 } from 'etcd3'
import { messageOf } from '../../../base/index.ts'
import { expect, sleep, until } from '../harness/index.ts'
import type { Cluster, Report } from '../harness/index.ts'
import { Ctl } from './ctl.ts'

const kills = 2
const writesEach = 100

/** Runs the part. */
export async function failover(report: Report, cluster: Cluster): Promise<void> {
  report.section('a leader dies, again and again')
  const names = [...cluster.places.keys()]
  const client = new Etcd3({ hosts: cluster.endpoints() })
  const ctl = new Ctl(cluster.endpoints())
  const space = client.namespace('fail/')
  const acknowledged: number[] = []
  const seen: { readonly number: number; readonly revision: number }[] = []
  let next = 0
  let refused = 0
  let lost = 0
  const write = async (): Promise<void> => {
    const number = ++next
    try {
      await space.put('n').value(number)
      acknowledged.push(number)
    } catch {
      // It may have happened or not: the next one follows.
      refused++
    }
  }
  try {
    const watcher = await space.watch().key('n').create()
    watcher.on('put', (kv) => seen.push({ number: Number(kv.value), revision: Number(kv.mod_revision) }))
    const lease = client.lease(5)
    lease.on('lost', () => lost++)
    await lease.put('fail/leased').value('x')
    const election = client.election('fail-poll', 5)
    const campaign = await election.campaign('steady').wait()
    const { header } = await space.put('begin').exec()
    const shell = ctl.start(`watch fail/n --rev ${header.revision}`)
    await report.check(`writes go on while ${kills} leaders die and come back`, async () => {
      for (let i = 0; i < writesEach; i++) await write()
      for (let round = 0; round < kills; round++) {
        const leader = await cluster.whole(names)
        await cluster.server(leader).kill()
        const rest = names.filter((name) => name !== leader)
        await until('a write succeeds', async () => {
          const before = acknowledged.length
          await write()
          return acknowledged.length > before
        })
        for (let i = 0; i < writesEach; i++) await write()
        await cluster.whole(rest)
        expect((await ctl.at(...cluster.endpoints(rest)).ok('put fail/ctl x')) === 'OK', 'etcdctl')
        cluster.start(leader)
        await cluster.whole(names)
        for (let i = 0; i < writesEach; i++) await write()
      }
      return `${acknowledged.length} acknowledged, ${refused} refused`
    })
    await report.check('the watch saw every acknowledged write once, in order', async () => {
      const last = acknowledged.at(-1) as number
      await until('it comes to the last write', () => seen.at(-1)?.number === last)
      const rising = seen.every(({ revision }, at) => at === 0 || revision > (seen[at - 1]?.revision ?? 0))
      expect(rising, 'revisions do not rise')
      const numbers = new Set(seen.map(({ number }) => number))
      const missing = acknowledged.filter((number) => !numbers.has(number))
      expect(missing.length === 0, `missing: ${missing.join(', ')}`)
      return `${seen.length} events`
    })
    await report.check('so did the watch of etcdctl', async () => {
      const last = acknowledged.at(-1) as number
      await shell.wrote(`PUT\nfail/n\n${last}\n`)
      const told = [...shell.out().matchAll(/^PUT\nfail\/n\n(\d+)$/gm)].map(([, number]) => Number(number))
      expect(told.join() === seen.map(({ number }) => number).join(), `it saw ${told.join()}`)
    })
    await report.check('the lease lives on, its key and the leadership with it', async () => {
      await sleep(6_000)
      expect(lost === 0, 'the lease was lost')
      expect((await space.get('leased').string()) === 'x', 'the key is gone')
      expect((await election.leader()) === 'steady', 'the leadership is gone')
      await campaign.resign()
      await lease.revoke()
    })
    await report.check('all nodes hold the same', async () => {
      await cluster.whole(names)
      await until('hashes agree', async () => {
        const hashes = (await ctl.ok('endpoint hashkv')).split('\n').map((row) => row.split(', ')[1])
        return hashes.length === 3 && new Set(hashes).size === 1
      })
    })
    await watcher.cancel()
    await shell.stop()
  } catch (error) {
    await report.check('clients go on', () => {
      throw new Error(messageOf(error), { cause: error })
    })
  } finally {
    client.close()
  }
}
