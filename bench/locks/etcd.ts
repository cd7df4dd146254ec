/**
 * etcd's locks through its client for Node, etcd3. Its `lock` makes a lease for each acquisition and does not wait; its `election`, the
 * recipe of etcd's own Go client, waits in a queue, each candidate for the one before it. A third way does what clients do that keep
 * a lease: a transaction that puts the lock's key if it is not there, and a delete.
 */
import { Etcd3 } from 'etcd3'
import type { EtcdTarget } from '../cluster/etcd.ts'
import type { Held, LockClients, LockTarget } from './target.ts'

/** The ways of locking in this cluster. */
export function etcdLocks(target: EtcdTarget): readonly LockTarget[] {
  const { name, members, addresses } = target
  const leaderAddress = async (): Promise<string> => {
    const leader = await target.leader()
    return addresses[members.findIndex((member) => member.name === leader)] as string
  }
  const holderArgs = async (lock: string, ttlMs: number): Promise<readonly string[]> => [
    ...['etcd', await leaderAddress(), lock, String(ttlMs)],
  ]
  const open =
    (way: Way) =>
    async (connections: number, ttlMs: number): Promise<LockClients> =>
      openEtcd(await leaderAddress(), connections, ttlMs, way)
  return [
    { name, members, open: open('lock'), holderArgs },
    { name: `${name}, lease kept`, members, open: open('lease kept'), holderArgs: undefined },
  ]
}

type Way = 'lock' | 'lease kept'

/** Clients of the member at this address. */
export async function openEtcd(
  address: string,
  connections: number,
  ttlMs: number,
  way: Way = 'lock',
): Promise<LockClients> {
  const ttl = Math.max(1, Math.round(ttlMs / 1000))
  const clients = Array.from({ length: connections }, () => new Etcd3({ hosts: `http://${address}` }))
  const at = (index: number): Etcd3 => clients[index] as Etcd3
  const leases = way === 'lock' ? [] : clients.map((client) => client.lease(ttl))
  const ids = await Promise.all(leases.map((lease) => lease.grant()))
  await Promise.all(clients.map((client) => client.get('arrived')))
  return {
    queue: (index, name) => elected(at(index), name, ttl),
    cycle: async (index, name) => {
      if (way === 'lock') {
        const lock = await at(index).lock(name).ttl(ttl).acquire()
        return lock.release()
      }
      const client = at(index)
      const { succeeded } = await client
        .if(name, 'Create', '==', 0)
        .then(
          client
            .put(name)
            .value('')
            .lease(ids[index] as string),
        )
        .commit()
      if (!succeeded) throw new Error(`${name} is held by somebody`)
      await client.delete().key(name)
    },
    close: async () => {
      await Promise.all(leases.map((lease) => lease.revoke()))
      for (const client of clients) client.close()
    },
  }
}

async function elected(client: Etcd3, name: string, ttl: number): Promise<Held> {
  const campaign = client.election(name, ttl).campaign('')
  await campaign.wait()
  return { release: () => campaign.resign() }
}
