/**
 * The load over etcd's gRPC API. It is the same code for etcd and for our servers: it knows an address, not who listens there. Requests are
 * encoded for each call; answers are decoded where something in them is needed, and once before each load, to see that they are right.
 */
import { codecOf } from '../../src/gateway/etcd/messages.ts'
import { connectGrpc } from '../cluster/etcd.ts'
import { GrpcConnection } from '../cluster/grpc.ts'
import type { GrpcStream } from '../cluster/grpc-stream.ts'
import { rangeKeys, txnPuts } from '../cluster/target.ts'
import type { Operation } from '../cluster/target.ts'
import { ExpectedEvents } from './events.ts'
import { keyDriver, leaseTtlSeconds, valueBytes, watchedKey } from './loads.ts'
import type { Driver, RaceLoad } from './loads.ts'

const paths = {
  range: '/etcdserverpb.KV/Range',
  put: '/etcdserverpb.KV/Put',
  compact: '/etcdserverpb.KV/Compact',
  grant: '/etcdserverpb.Lease/LeaseGrant',
  revoke: '/etcdserverpb.Lease/LeaseRevoke',
  keepAlive: '/etcdserverpb.Lease/LeaseKeepAlive',
  watch: '/etcdserverpb.Watch/Watch',
}
const putRequest = codecOf('PutRequest')
const putResponse = codecOf('PutResponse')
const rangeRequest = codecOf('RangeRequest')
const rangeResponse = codecOf('RangeResponse')
const txnResponse = codecOf('TxnResponse')
const compactionRequest = codecOf('CompactionRequest')
const grantRequest = codecOf('LeaseGrantRequest')
const grantResponse = codecOf('LeaseGrantResponse')
const revokeRequest = codecOf('LeaseRevokeRequest')
const keepAliveRequest = codecOf('LeaseKeepAliveRequest')
const keepAliveResponse = codecOf('LeaseKeepAliveResponse')
const watchRequest = codecOf('WatchRequest')
const watchResponse = codecOf('WatchResponse')

/** Clients of the load at this address. Throws if an answer is not the right one. */
export async function openGrpc(address: string, load: RaceLoad): Promise<Driver> {
  if (load.work === 'keep-alive') return openKeepAlives(address, load)
  if (load.work === 'watch') return openWatches(address, load)
  const connections = await connectGrpc(address, load.connections)
  const driver = keyDriver(connections, load.work, load)
  const answer = (await driver.send(0)) as Uint8Array
  if (!isRight(load.work, answer)) throw new Error(`${address}: the answer to ${load.title} is not the right one`)
  return driver
}

/** Forgets all history up to now, and waits for that. */
export async function compactHistory(address: string): Promise<void> {
  const connection = await GrpcConnection.open(address)
  try {
    const request = rangeRequest.encode({ key: watchedKey(0) })
    const { header } = rangeResponse.decode(await connection.call(paths.range, request))
    const compaction = compactionRequest.encode({ revision: header?.revision, physical: true })
    await connection.call(paths.compact, compaction)
  } finally {
    connection.close()
  }
}

function isRight(operation: Operation, answer: Uint8Array): boolean {
  switch (operation) {
    case 'put':
      return (putResponse.decode(answer).header?.revision ?? 0) > 0
    case 'txn': {
      const { succeeded, responses } = txnResponse.decode(answer)
      return succeeded && responses.length === txnPuts
    }
    default: {
      const { kvs } = rangeResponse.decode(answer)
      const expected = operation === 'get' || operation === 'get committed' ? 1 : rangeKeys
      return kvs.length === expected && kvs.every(({ value }) => value.length === valueBytes)
    }
  }
}

/** One stream a connection, one lease a client. */
async function openKeepAlives(address: string, { clients, connections }: RaceLoad): Promise<Driver> {
  const open = await openConnections(address, connections)
  const at = (client: number): GrpcConnection => open[client % connections] as GrpcConnection
  const renewals = new Map<number, { resolve: () => void; reject: (error: Error) => void }>()
  const streams = open.map((connection) =>
    connection.stream(paths.keepAlive, {
      message: (bytes) => {
        const { ID, TTL } = keepAliveResponse.decode(bytes)
        const renewal = renewals.get(ID)
        renewals.delete(ID)
        if (TTL > 0) renewal?.resolve()
        else renewal?.reject(new Error(`${address}: lease ${ID} is gone`))
      },
      ended: (error) => renewals.forEach(({ reject }) => reject(error)),
    }),
  )
  const grant = async (client: number): Promise<number> => {
    // an id of our own: etcd's may be larger than a double holds
    const request = grantRequest.encode({ TTL: leaseTtlSeconds, ID: client + 1 })
    return grantResponse.decode(await at(client).call(paths.grant, request)).ID
  }
  const leases = await Promise.all(Array.from({ length: clients }, (_, client) => grant(client)))
  const requests = leases.map((ID) => keepAliveRequest.encode({ ID }))
  return {
    send: (client) =>
      new Promise<void>((resolve, reject) => {
        renewals.set(leases[client] as number, { resolve, reject })
        ;(streams[client % connections] as GrpcStream).write(requests[client] as Uint8Array)
      }),
    close: async () => {
      await Promise.all(leases.map((ID, client) => at(client).call(paths.revoke, revokeRequest.encode({ ID }))))
      for (const connection of open) connection.close()
    },
  }
}

/** One stream of watches a connection, one watch a client; its id is the client's number and one. */
async function openWatches(address: string, { clients, connections }: RaceLoad): Promise<Driver> {
  const open = await openConnections(address, connections)
  const events = new ExpectedEvents()
  const created = new Map<number, () => void>()
  const streams = open.map((connection, at) =>
    connection.stream(paths.watch, {
      message: (bytes) => {
        const response = watchResponse.decode(bytes)
        const client = response.watch_id - 1
        if (response.canceled) events.failed(client, new Error(`${address}: ${response.cancel_reason}`))
        if (response.created) created.get(client)?.()
        for (const { kv } of response.events) if (kv !== null) events.arrived(client, kv.value)
      },
      ended: (error) => {
        for (let client = at; client < clients; client += connections) events.failed(client, error)
      },
    }),
  )
  const keys = Array.from({ length: clients }, (_, client) => watchedKey(client))
  await Promise.all(
    keys.map(
      (key, client) =>
        new Promise<void>((resolve) => {
          created.set(client, resolve)
          const create = watchRequest.encode({ create_request: { key, watch_id: client + 1 } })
          ;(streams[client % connections] as GrpcStream).write(create)
        }),
    ),
  )
  return {
    send: (client) =>
      events.write(client, (value) =>
        (open[client % connections] as GrpcConnection).call(paths.put, putRequest.encode({ key: keys[client], value })),
      ),
    close: async () => open.forEach((connection) => connection.close()),
  }
}

function openConnections(address: string, count: number): Promise<GrpcConnection[]> {
  return Promise.all(Array.from({ length: count }, () => GrpcConnection.open(address)))
}
