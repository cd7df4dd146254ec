/**
 * Clients of etcd on a cluster of ours: `etcdctl` as Debian has it and the npm package `etcd3`, both as they are, and then while
 * the leader dies.
 *
 * Parts: etcdctl, operators, etcd3, users, failover. Name some to run only those.
 */
import { etcd3 } from './etcd/etcd3.ts'
import { etcdctl } from './etcd/etcdctl.ts'
import { failover } from './etcd/failover.ts'
import { operators } from './etcd/operators.ts'
import { users } from './etcd/users.ts'
import { Cluster, main } from './harness/index.ts'
import type { Report } from './harness/index.ts'

const parts: Readonly<Record<string, (report: Report, cluster: Cluster, directory: string) => Promise<void>>> = {
  etcdctl,
  operators,
  etcd3,
  users,
  failover,
}

await main('etcd', async ({ report, directory, only }) => {
  const founders = ['n1', 'n2', 'n3']
  const cluster = await Cluster.make({ directory, founders })
  try {
    await cluster.startWhole(founders)
    for (const [name, part] of Object.entries(parts)) {
      if (only.length === 0 || only.includes(name)) await part(report, cluster, directory)
    }
  } finally {
    await cluster.close()
  }
})
