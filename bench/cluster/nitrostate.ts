/** Three NitroState servers as real processes, and clients to them. */
import { join } from 'node:path'
import { connect, key, put } from '../../src/client/index.ts'
import { heapFlags, numberedKey } from '../../src/cli/index.ts'
import type { Client } from '../../src/client/index.ts'
import { ServerProcess, eventually, freePorts } from './process.ts'
import { keyBytes, rangeKeys, txnPuts } from './target.ts'
import type { Connections, Target } from './target.ts'

const startTimeoutMs = 30_000
const names = ['n1', 'n2', 'n3']

/** Options of {@link startNitrostate}. */
export interface NitrostateOptions {
  readonly directory: string
  /** The compiled `src/cli/main.js`; another build's can be given to compare the two. */
  readonly mainPath: string
  /** More arguments of node itself: it has those of the servers of `nitrostate dev`. */
  readonly nodeArgs?: readonly string[]
}

/** The cluster, with its processes for whoever needs their output. */
export interface NitrostateTarget extends Target {
  readonly processes: readonly ServerProcess[]
  readonly addresses: readonly string[]
}

/** Starts a cluster and waits until it has a leader. */
export async function startNitrostate(options: NitrostateOptions): Promise<NitrostateTarget> {
  const { directory, mainPath, nodeArgs = [] } = options
  const ports = await freePorts(names.length)
  const addresses = ports.map((port) => `127.0.0.1:${port}`)
  const peers = names.map((name, at) => `${name}=${addresses[at]}`).join(',')
  const processes = names.map((name) => {
    const own = ['--name', name, '--data-dir', join(directory, name), '--peers', peers, '--log-level', 'warn']
    return new ServerProcess(name, process.execPath, [...heapFlags, ...nodeArgs, mainPath, 'server', ...own])
  })
  const stop = async (): Promise<void> => void (await Promise.all(processes.map((server) => server.stop())))
  const leader = (): Promise<string> => leaderOf(addresses)
  try {
    await eventually(startTimeoutMs, leader)
  } catch (error) {
    await stop()
    throw error
  }
  const open = (count: number): Promise<Connections> => connections(addresses, count)
  return { name: 'NitroState', members: processes, processes, addresses, leader, connect: open, stop }
}

async function leaderOf(endpoints: readonly string[]): Promise<string> {
  const client = await connect({ endpoints, connectTimeoutMs: 30_000 })
  try {
    const { leader, ready } = await client.admin.status()
    if (leader === '' || !ready) throw new Error('the cluster has no leader yet')
    return leader
  } finally {
    await client.close()
  }
}

/** Clients that follow the leader by themselves; a first read makes sure they have arrived. */
export async function openClients(endpoints: readonly string[], count: number): Promise<Client[]> {
  const clients = await Promise.all(
    Array.from({ length: count }, () => connect({ endpoints, timeoutMs: 60_000, connectTimeoutMs: 30_000 })),
  )
  await Promise.all(clients.map((client) => client.store.get('arrived')))
  return clients
}

async function connections(endpoints: readonly string[], count: number): Promise<Connections> {
  const clients = await openClients(endpoints, count)
  const at = (index: number): Client['store'] => (clients[index] as Client).store
  const name = (number: number): Uint8Array => numberedKey(number, keyBytes)
  const range = (number: number): { start: Uint8Array; end: Uint8Array } => ({
    start: name(number),
    end: name(number + rangeKeys),
  })
  const committed = { consistency: 'committed' } as const
  return {
    send: {
      put: (index, number, value) => at(index).put(name(number), value),
      get: (index, number) => at(index).get(name(number)),
      'get committed': (index, number) => at(index).get(name(number), committed),
      txn: (index, number, value) =>
        at(index)
          .txn()
          .if(key(name(number)).version.gt(0))
          .then(...Array.from({ length: txnPuts }, (_, i) => put(name(number + i), value)))
          .commit(),
      range: (index, number) => at(index).range(range(number)),
      'range committed': (index, number) => at(index).range({ ...range(number), ...committed }),
    },
    close: async () => void (await Promise.all(clients.map((client) => client.close()))),
  }
}
