/** The npm package etcd3. */
import { EtcdLockFailedError, Etcd3 } from 'etcd3'
import { expect, until } from '../harness/index.ts'
import type { Cluster, Report } from '../harness/index.ts'

type StmOptions = Parameters<Etcd3['stm']>[0]

/** Serializable with and without a check of its writes, and repeatable reads; the package has no names for them at run time. */
const isolations: readonly unknown[] = [0, 1, 2].map((isolation) => ({ retries: 100, isolation }))

/** Runs the part. */
export async function etcd3(report: Report, cluster: Cluster): Promise<void> {
  report.section('npm etcd3')
  const client = new Etcd3({ hosts: cluster.endpoints() })
  const other = new Etcd3({ hosts: cluster.endpoints() })
  const space = client.namespace('e3/')
  try {
    await report.check('keys and namespaces', async () => {
      await space.put('a').value('1')
      await space.put('b').value('2')
      expect((await space.get('a').number()) === 1, 'get')
      expect(JSON.stringify(await space.getAll().strings()) === '{"a":"1","b":"2"}', 'getAll in a namespace')
      expect((await client.getAll().prefix('e3/').keys()).join() === 'e3/a,e3/b', 'getAll with a prefix')
      expect((await space.getAll().sort('Key', 'Descend').limit(1).keys()).join() === 'b', 'sort and limit')
      expect((await space.getAll().count()) === 2, 'count')
      expect((await space.delete().key('b')).deleted === '1', 'delete')
      expect((await space.get('b')) === null, 'it is still there')
      expect((await space.get('a').exists()) && !(await space.get('b').exists()), 'exists')
    })

    await report.check('transactions', async () => {
      const bump = space.if('a', 'Value', '==', '1').then(space.put('a').value('2')).else(space.get('a'))
      expect((await bump.commit()).succeeded, 'the first one failed')
      const again = space.if('a', 'Value', '==', '1').then(space.put('a').value('3')).else(space.get('a'))
      expect(!(await again.commit()).succeeded, 'the second one succeeded')
      expect((await space.get('a').string()) === '2', 'the wrong branch ran')
    })

    await report.check(
      'software transactional memory: no increment is lost, at any isolation that compares its reads',
      async () => {
        await space.put('sum').value(0)
        const increments = isolations.flatMap((isolation) =>
          [client, other].map(async (from) => {
            for (let i = 0; i < 5; i++) {
              await from
                .namespace('e3/')
                .stm(isolation as StmOptions)
                .transact(async (tx) => {
                  await tx.put('sum').value(((await tx.get('sum').number()) ?? 0) + 1)
                })
            }
          }),
        )
        await Promise.all(increments)
        expect((await space.get('sum').number()) === 30, `the sum is ${await space.get('sum')}`)
      },
    )

    await report.check('transactional memory on an empty range is repeatable', async () => {
      const fresh = client.namespace('e3-fresh/')
      await fresh.stm().transact(async (tx) => {
        expect((await tx.get('x')) === null, 'x is there')
        await tx.put('x').value('1')
        expect((await tx.get('x').string()) === '1', 'its own write is not seen')
      })
      expect((await fresh.get('x').string()) === '1', 'nothing was written')
    })

    await report.check('watches see puts and deletes with what they replaced', async () => {
      const watcher = await space.watch().prefix('w/').withPreviousKV().create()
      const seen: string[] = []
      watcher.on('put', (kv, previous) => seen.push(`${textOf(kv.key)}=${textOf(kv.value)}<${textOf(previous?.value)}`))
      watcher.on('delete', (kv, previous) => seen.push(`-${textOf(kv.key)}<${textOf(previous?.value)}`))
      await space.put('w/1').value('x')
      await space.put('w/1').value('y')
      await space.delete().key('w/1')
      await until('three events', () => seen.length === 3)
      await watcher.cancel()
      expect(seen.join() === 'w/1=x<,w/1=y<x,-w/1<y', seen.join())
    })

    await report.check('leases are kept alive, and take their keys along', async () => {
      const lease = client.lease(5)
      await lease.put('e3/leased').value('x')
      expect(Number((await lease.keepaliveOnce()).TTL) === 5, 'keepaliveOnce')
      await lease.revoke()
      expect((await space.get('leased')) === null, 'the key outlived its lease')
    })

    await report.check('locks exclude', async () => {
      const lock = await client.lock('e3-lock').acquire()
      const refused = await other
        .lock('e3-lock')
        .acquire()
        .then(() => undefined)
        .catch((error: unknown) => error)
      expect(refused instanceof EtcdLockFailedError, `the second got ${String(refused)}`)
      await lock.release()
      await (await other.lock('e3-lock').acquire()).release()
    })

    await report.check('elections have one leader, then the next', async () => {
      const election = client.election('e3-poll', 5)
      const first = await election.campaign('one').wait()
      const observer = await other.election('e3-poll', 5).observe()
      expect(observer.leader() === 'one', `the leader is ${observer.leader()}`)
      const second = other.election('e3-poll', 5).campaign('two')
      const elected = second.wait()
      await first.proclaim('uno')
      await until('the proclamation is seen', () => observer.leader() === 'uno')
      await first.resign()
      await elected
      await until('the second leads', () => observer.leader() === 'two')
      await observer.cancel()
      await second.resign()
    })

    await report.check('maintenance', async () => {
      const status = await client.maintenance.status()
      expect(status.version.startsWith('3.') && Number(status.leader) > 0, JSON.stringify(status))
      expect(Number((await client.maintenance.hash()).hash) > 0, 'hash')
    })
  } finally {
    client.close()
    other.close()
  }
}

function textOf(value: Buffer | undefined): string {
  return value?.toString() ?? ''
}
