/** Our locks: a session for each client and time to live, a command to acquire, a command to release. */
import { openClients } from '../cluster/nitrostate.ts'
import type { NitrostateTarget } from '../cluster/nitrostate.ts'
import type { Held, LockClients, LockTarget } from './target.ts'

/** Locks of this cluster. */
export function nitrostateLocks({ name, members, addresses }: NitrostateTarget): LockTarget {
  return {
    ...{ name, members },
    open: (connections, ttlMs) => openNitrostate(addresses, connections, ttlMs),
    holderArgs: async (lock, ttlMs) => ['nitrostate', addresses.join(','), lock, String(ttlMs)],
  }
}

/** Clients of a cluster at these addresses; they find its leader. */
export async function openNitrostate(
  addresses: readonly string[],
  connections: number,
  ttlMs: number,
): Promise<LockClients> {
  const clients = await openClients(addresses, connections)
  const lock = async (at: number, name: string): Promise<Held> => {
    const held = await (clients[at] as (typeof clients)[number]).sync.lock(name, { ttl: ttlMs })
    return { release: () => held.unlock() }
  }
  return {
    queue: lock,
    cycle: async (at, name) => (await lock(at, name)).release(),
    close: async () => void (await Promise.all(clients.map((client) => client.close()))),
  }
}
