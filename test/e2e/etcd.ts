/**
 * Clients of etcd on a cluster of ours: `etcdctl` as Debian has it and the npm package `etcd3`, both as they are, and then while
 * the leader dies.
 *
 * Parts: etcdctl, operators, etcd3, users, failover, start. Name some to run only those.
 */
import { etcd3 } from './etcd/etcd3.ts'
import { etcdctl } from './etcd/etcdctl.ts'
import { failover } from './etcd/failover.ts'
import { operators } from './etcd/operators.ts'
import { start } from './etcd/start.ts'
import { users } from './etcd/users.ts'
import { runParts } from './harness/index.ts'

await runParts('etcd', { etcdctl, operators, etcd3, users, failover, start })
