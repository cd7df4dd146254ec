/** What operators do with etcdctl. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, nitrostate } from '../harness/index.ts'
import type { Cluster, Report } from '../harness/index.ts'
import { Ctl } from './ctl.ts'

/** Runs the part. */
export async function operators(report: Report, cluster: Cluster, directory: string): Promise<void> {
  report.section('etcdctl: the cluster')
  const endpoints = cluster.endpoints()
  const ctl = new Ctl(endpoints)
  const leaderEndpoint = async (): Promise<string> => {
    const rows = (await ctl.ok('endpoint status')).split('\n').map((row) => row.split(', '))
    return rows.find((row) => row[4] === 'true')?.[0] ?? ''
  }

  await report.check('endpoint health, status and hashkv, also with --cluster', async () => {
    const { code, err, out } = await ctl.run(['endpoint', 'health'])
    expect(code === 0 && `${out}${err}`.match(/is healthy/g)?.length === 3, `${out}${err}`)
    const status = (await ctl.ok('endpoint status')).split('\n')
    expect(status.length === 3 && status.every((row) => /, \d+, 3\.\d+\.\d+, /.test(row)), status.join('\n'))
    expect(status.filter((row) => row.split(', ')[4] === 'true').length === 1, 'not exactly one leader')
    expect((await ctl.at(endpoints[0] as string).ok('endpoint status --cluster')).split('\n').length === 3, '--cluster')
    await ctl.ok('put hashed x')
    const hashes = (await ctl.ok('endpoint hashkv')).split('\n').map((row) => row.split(', ')[1])
    expect(hashes.length === 3 && new Set(hashes).size === 1, hashes.join(' '))
  })

  await report.check('member list names all; members are added, moved and removed', async () => {
    const names = (await ctl.ok('member list')).split('\n').map((row) => row.split(', ')[2])
    expect(names.join() === 'n1,n2,n3', names.join())
    const added = await ctl.ok('member add later --peer-urls=http://127.0.0.1:1 --learner')
    const id = /^Member\s+(\w+) added/.exec(added)?.[1] ?? ''
    expect((await ctl.ok('member list')).includes(`${id}, unstarted, `), 'it is not listed')
    expect((await ctl.fails(`member promote ${id}`)).includes('in sync with leader'), 'promote')
    await ctl.ok(`member update ${id} --peer-urls=http://127.0.0.1:2`)
    expect((await ctl.ok('member list')).includes('http://127.0.0.1:2'), 'it did not move')
    await ctl.ok(`member remove ${id}`)
    expect((await ctl.fails(`member remove ${id}`)).includes('member not found'), 'removed twice')
    const two = 'member add other --peer-urls=http://127.0.0.1:3,http://127.0.0.1:4'
    expect((await ctl.fails(two)).includes('given member URLs are invalid'), 'two URLs')
  })

  await report.check('move-leader moves the leader, and only the leader does it', async () => {
    const leader = await leaderEndpoint()
    const other = endpoints.find((endpoint) => endpoint !== leader) as string
    const id = (await ctl.at(other).ok('endpoint status')).split(', ')[1] as string
    expect((await ctl.at(other).fails(`move-leader ${id}`)).includes('no leader endpoint given'), 'a follower moved it')
    expect((await ctl.ok(`move-leader ${id}`)).startsWith('Leadership transferred'), 'move-leader')
    expect((await leaderEndpoint()) === other, 'it did not move')
  })

  await report.check('alarm and defrag answer', async () => {
    expect((await ctl.ok('alarm list')) === '', 'alarm list')
    expect((await ctl.ok('alarm disarm')) === '', 'alarm disarm')
    expect((await ctl.ok('defrag')).match(/Finished defragmenting/g)?.length === 3, 'defrag')
  })

  await report.check('snapshot save writes a file that both sides take', async () => {
    const file = join(directory, 'etcdctl.snap')
    await ctl.at(endpoints[1] as string).ok(['snapshot', 'save', file])
    expect(statSync(file).size % 512 === 32, 'it does not end with a hash')
    const { code, out, err } = await nitrostate(['snapshot', 'verify', file])
    expect(code === 0, `snapshot verify: ${out}${err}`)
    const target = join(directory, 'restored')
    const restored = await nitrostate([
      ...['snapshot', 'restore', file, '--name', 'r1', '--data-dir', target, '--listen', '127.0.0.1:7401'],
    ])
    expect(restored.code === 0, `snapshot restore: ${restored.out}${restored.err}`)
  })

  await report.check('the JSON form answers, too', async () => {
    const post = async (path: string, body: unknown): Promise<unknown> => {
      const response = await fetch(`http://${endpoints[0]}${path}`, { method: 'POST', body: JSON.stringify(body) })
      return response.json()
    }
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    await post('/v3/kv/put', { key: base64('json'), value: base64('yes') })
    const { kvs } = (await post('/v3/kv/range', { key: base64('json') })) as {
      readonly kvs: readonly { value: string }[]
    }
    expect(kvs[0]?.value === base64('yes'), JSON.stringify(kvs))
    expect((await ctl.ok('get json --print-value-only')) === 'yes', 'etcdctl does not see it')
  })
}
