/** Users, roles and permissions with etcdctl and npm etcd3. */
import { Etcd3 } from 'etcd3'
import { expect, until } from '../harness/index.ts'
import type { Cluster, Report } from '../harness/index.ts'
import { Ctl } from './ctl.ts'

/** Runs the part; permissions are no longer in force when it has ended. */
export async function users(report: Report, cluster: Cluster): Promise<void> {
  report.section('users, roles and permissions')
  const ctl = new Ctl(cluster.endpoints())
  const root = ['--user', 'root:secret']
  const ada = ['--user', 'ada:lovelace']
  const as = (user: readonly string[], args: string): Promise<string> => ctl.ok([...user, ...args.split(' ')])
  const refused = async (user: readonly string[], args: string): Promise<string> => {
    const { code, out, err } = await ctl.run([...user, ...args.split(' ')])
    expect(code !== 0, `etcdctl ${args} succeeded:\n${out}`)
    return err
  }

  await report.check('user, role and auth make and enforce permissions', async () => {
    await ctl.ok('user add root:secret')
    await ctl.ok('user grant-role root root')
    await ctl.ok('user add ada:lovelace')
    await ctl.ok('role add app')
    await ctl.ok('role grant-permission app readwrite app/ --prefix')
    await ctl.ok('role grant-permission app read shared')
    await ctl.ok('user grant-role ada app')
    expect((await ctl.ok('user list')) === 'ada\nroot', 'user list')
    expect((await ctl.ok('role get app')).includes('[app/, app0) (prefix app/)'), 'role get')
    expect((await ctl.ok('auth enable')) === 'Authentication Enabled', 'auth enable')
    expect((await as(ada, 'put app/x 1')) === 'OK', 'put within')
    expect((await as(ada, 'get app/x --print-value-only')) === '1', 'get within')
    expect((await refused(ada, 'put shared 1')).includes('permission denied'), 'put of what may be read')
    expect((await refused(ada, 'get other')).includes('permission denied'), 'get elsewhere')
    expect((await refused(ada, 'user list')).includes('permission denied'), 'user list')
    expect((await refused([], 'get app/x')).includes('user name is empty'), 'get without a name')
    expect((await refused(['--user', 'ada:byron'], 'get app/x')).includes('authentication failed'), 'a wrong password')
    expect((await as(root, 'put other 1')) === 'OK', 'root')
  })

  await report.check('every node enforces them', async () => {
    for (const endpoint of cluster.endpoints()) {
      const one = ctl.at(endpoint)
      expect((await one.ok([...ada, 'get', 'app/x', '--print-value-only'])) === '1', `${endpoint}: get within`)
      expect((await one.run([...ada, 'get', 'other'])).code !== 0, `${endpoint}: get elsewhere`)
    }
  })

  await report.check('a watch sees what it may, and not what it may not', async () => {
    const written = /"ModRevision" : (\d+)/.exec(await as(ada, 'get app/x -w fields'))?.[1]
    const watch = ctl.start(`--user ada:lovelace watch --prefix app/ --rev ${written}`)
    await watch.wrote('app/x')
    await watch.stop()
    const { out, err } = await ctl.run([...ada, 'watch', 'other'])
    expect(`${out}${err}`.includes('permission denied'), `${out}${err}`)
  })

  await report.check('npm etcd3 logs in, and is refused what it may not', async () => {
    const hosts = cluster.endpoints()
    const client = new Etcd3({ hosts, auth: { username: 'ada', password: 'lovelace' } })
    const stranger = new Etcd3({ hosts, auth: { username: 'ada', password: 'byron' } })
    const refusal = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'nothing',
        (error: unknown) => (error instanceof Error ? error.constructor.name : String(error)),
      )
    try {
      await client.put('app/y').value('2')
      expect((await client.get('app/y').string()) === '2', 'get within')
      const elsewhere = await refusal(client.get('other').string())
      expect(elsewhere === 'EtcdPermissionDeniedError', `get elsewhere: ${elsewhere}`)
      const wrong = await refusal(stranger.get('app/y').string())
      expect(wrong === 'EtcdAuthenticationFailedError', `a wrong password: ${wrong}`)
      const watcher = await client.watch().key('app/y').create()
      const seen: string[] = []
      watcher.on('put', (kv) => seen.push(kv.value.toString()))
      await client.put('app/y').value('3')
      await until('the watch sees it', () => seen.join() === '3')
      await watcher.cancel()
    } finally {
      client.close()
      stranger.close()
    }
  })

  await report.check('they outlive the leader, and end with auth disable', async () => {
    const names = [...cluster.places.keys()]
    const leader = await cluster.whole(names)
    await cluster.server(leader).kill()
    const rest = names.filter((name) => name !== leader)
    await cluster.whole(rest)
    const left = ctl.at(...cluster.endpoints(rest))
    expect((await left.ok([...ada, 'get', 'app/x', '--print-value-only'])) === '1', 'get within')
    expect((await left.run([...ada, 'get', 'other'])).code !== 0, 'get elsewhere')
    cluster.start(leader)
    await cluster.whole(names)
    expect((await as(root, 'auth disable')) === 'Authentication Disabled', 'auth disable')
    expect((await ctl.ok('get other --print-value-only')) === '1', 'get without a name')
  })
}
