/** What applications do with etcdctl. */
import { expect, until } from '../harness/index.ts'
import type { Cluster, Report } from '../harness/index.ts'
import { Ctl } from './ctl.ts'

/** Runs the part. */
export async function etcdctl(report: Report, cluster: Cluster): Promise<void> {
  report.section('etcdctl: keys, leases, watches, locks')
  const ctl = new Ctl(cluster.endpoints())
  const revision = async (key: string): Promise<number> =>
    Number(/"ModRevision" : (\d+)/.exec(await ctl.ok(['get', key, '-w', 'fields']))?.[1])

  await report.check('put, get and del, with previous values, prefixes, limits, orders and counts', async () => {
    for (const name of ['a', 'c', 'b']) await ctl.ok(`put fruit/${name} ${name}1`)
    expect((await ctl.ok('put fruit/a a2 --prev-kv')) === 'OK\nfruit/a\na1', 'put --prev-kv')
    expect((await ctl.ok('get fruit/a --print-value-only')) === 'a2', 'get')
    const keys = 'get --prefix fruit/ --keys-only'
    expect((await ctl.ok(keys)).replaceAll('\n\n', ' ') === 'fruit/a fruit/b fruit/c', 'get --prefix')
    expect((await ctl.ok(`${keys} --order=DESCEND --limit 1`)).trim() === 'fruit/c', 'get --order --limit')
    expect((await ctl.ok(`${keys} --sort-by=CREATE --order=DESCEND --limit 1`)).trim() === 'fruit/b', 'get --sort-by')
    expect((await ctl.ok('get fruit/b --from-key --print-value-only')).startsWith('b1\nc1'), 'get --from-key')
    expect((await ctl.ok('get --prefix fruit/ --limit 1 -w fields')).includes('"Count" : 3'), 'the count')
    expect((await ctl.ok('get fruit/a --consistency=s --print-value-only')) === 'a2', 'get --consistency=s')
    expect((await ctl.ok('del fruit/a --prev-kv')) === '1\nfruit/a\na2', 'del --prev-kv')
    expect((await ctl.ok('del fruit/ --prefix')) === '2', 'del --prefix')
    expect((await ctl.ok('del fruit/a')) === '0', 'del of nothing')
  })

  await report.check('every node answers reads and takes writes', async () => {
    for (const endpoint of cluster.endpoints()) {
      await ctl.at(endpoint).ok(['put', 'at', endpoint])
      for (const other of cluster.endpoints()) {
        expect((await ctl.at(other).ok('get at --print-value-only')) === endpoint, `${other} is behind ${endpoint}`)
      }
    }
  })

  await report.check('txn takes one branch or the other', async () => {
    const claim = 'create("job") = "0"\n\nput job mine\n\nget job\n\n'
    expect((await ctl.ok('txn', claim)).startsWith('SUCCESS'), 'the first claim failed')
    expect((await ctl.ok('txn', claim)).endsWith('job\nmine'), 'the second claim succeeded')
    const mods = `mod("job") = "${await revision('job')}"\nversion("job") > "0"\n\ndel job\n\n\n`
    expect((await ctl.ok('txn', mods)).startsWith('SUCCESS'), 'the revision does not compare')
  })

  await report.check('the past is read until it is compacted away', async () => {
    await ctl.ok('put past one')
    const first = await revision('past')
    await ctl.ok('put past two')
    expect((await ctl.ok(`get past --rev ${first} --print-value-only`)) === 'one', 'get --rev')
    expect((await ctl.fails(`get past --rev ${first + 1000}`)).includes('is a future revision'), 'a future revision')
    expect((await ctl.ok(`compaction ${first + 1}`)) === `compacted revision ${first + 1}`, 'compaction')
    expect((await ctl.fails(`get past --rev ${first}`)).includes('required revision has been compacted'), 'compacted')
    expect((await ctl.fails(`compaction ${first}`)).includes('required revision has been compacted'), 'compacted twice')
  })

  await report.check('a watch sees what was, what comes, and what it replaced', async () => {
    await ctl.ok('put seen/a 0')
    const from = await revision('seen/a')
    const watch = ctl.start(`watch --prefix seen/ --prev-kv --rev ${from}`)
    await watch.wrote('seen/a\n0\n')
    await ctl.ok('put seen/b 1')
    await ctl.ok('put seen/b 2')
    await ctl.ok('del seen/b')
    await watch.wrote('DELETE')
    const { out } = await watch.stop()
    const told = 'PUT\nseen/a\n0\nPUT\nseen/b\n1\nPUT\nseen/b\n1\nseen/b\n2\nDELETE\nseen/b\n2\nseen/b\n'
    expect(out.startsWith(told), out)
  })

  await report.check('a watch from a compacted revision ends with the error', async () => {
    const { err } = await ctl.run(['watch', 'past', '--rev', '2'])
    expect(err.includes('required revision has been compacted'), err)
  })

  await report.check('a lease takes its keys along, when it is revoked and when its time is over', async () => {
    const grant = async (seconds: number): Promise<string> =>
      /lease (\w+) granted/.exec(await ctl.ok(`lease grant ${seconds}`))?.[1] ?? ''
    const lease = await grant(60)
    await ctl.ok(`put held x --lease=${lease}`)
    expect((await ctl.ok(`lease timetolive ${lease} --keys`)).includes('attached keys([held])'), 'timetolive')
    expect((await ctl.ok('lease list')).includes(lease), 'lease list')
    expect((await ctl.ok(`lease keep-alive --once ${lease}`)).includes('keepalived with TTL(60)'), 'keep-alive')
    await ctl.ok(`lease revoke ${lease}`)
    expect((await ctl.ok('get held')) === '', 'the key outlived its lease')
    expect((await ctl.ok(`lease timetolive ${lease}`)).includes('already expired'), 'timetolive of none')
    expect((await ctl.fails(`put held x --lease=${lease}`)).includes('requested lease not found'), 'put --lease')
    const short = await grant(1)
    await ctl.ok(`put brief x --lease=${short}`)
    await until('the key goes with its lease', async () => (await ctl.ok('get brief')) === '', { timeoutMs: 10_000 })
  })

  await report.check('lock lets one in after the other', async () => {
    const first = ctl.start('lock bench sleep 2')
    const startedMs = performance.now()
    await until('it holds', async () => (await ctl.ok('get --prefix bench/ --keys-only')) !== '')
    const second = await ctl.ok('lock bench echo mine')
    const waitedMs = performance.now() - startedMs
    expect(second === 'mine' && waitedMs > 1_500, `${second} after ${waitedMs} ms`)
    await first.stop()
    expect((await ctl.ok('get --prefix bench/')) === '', 'a lock is left')
  })

  await report.check('elect makes a leader, and the next one when it goes', async () => {
    const observer = ctl.start('elect -l poll')
    const first = ctl.start('elect poll one')
    await first.wrote('one')
    await observer.wrote('one')
    const second = ctl.start('elect poll two')
    await until('both stand', async () => (await ctl.ok('get --prefix poll/ -w fields')).includes('"Count" : 2'))
    expect(!second.out().includes('two'), 'two leaders')
    await first.stop()
    await second.wrote('two')
    await observer.wrote('two')
    await second.stop()
    await observer.stop()
  })
}
