/** Three etcd members as real processes, and gRPC clients to their leader. Messages: etcd's `rpc.proto`. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { numberedKey } from '../../src/cli/index.ts'
import { GrpcConnection } from './grpc.ts'
import { ServerProcess, eventually, freePorts } from './process.ts'
import { keyBytes, rangeKeys, txnPuts } from './target.ts'
import type { Connections, Target } from './target.ts'

const startTimeoutMs = 30_000
const names = ['e1', 'e2', 'e3']
const paths = {
  put: '/etcdserverpb.KV/Put',
  range: '/etcdserverpb.KV/Range',
  txn: '/etcdserverpb.KV/Txn',
  status: '/etcdserverpb.Maintenance/Status',
}

/** The installed etcd's version; undefined when there is none. */
export function etcdVersion(): string | undefined {
  const { stdout, status } = spawnSync('etcd', ['--version'], { encoding: 'utf8' })
  return status === 0 ? /^etcd Version: (\S+)/m.exec(stdout)?.[1] : undefined
}

/** The cluster, with its addresses for other clients. */
export interface EtcdTarget extends Target {
  readonly addresses: readonly string[]
}

/** Starts a cluster and waits until it has a leader. All settings are etcd's defaults: fsync is on. */
export async function startEtcd(directory: string, version: string): Promise<EtcdTarget> {
  const ports = await freePorts(2 * names.length)
  const clientAddress = (at: number): string => `127.0.0.1:${ports[at]}`
  const peerUrl = (at: number): string => `http://127.0.0.1:${ports[names.length + at]}`
  const members = names.map((name, at) => {
    const client = `http://${clientAddress(at)}`
    const cluster = names.map((other, index) => `${other}=${peerUrl(index)}`).join(',')
    return new ServerProcess(name, 'etcd', [
      ...['--name', name, '--data-dir', join(directory, name), '--log-level', 'error', '--logger', 'zap'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peerUrl(at), '--initial-advertise-peer-urls', peerUrl(at)],
      ...['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
    ])
  })
  const stop = async (): Promise<void> => void (await Promise.all(members.map((member) => member.stop())))
  const leader = async (): Promise<string> => names[await leaderAt(names.map((_, at) => clientAddress(at)))] as string
  const connect = async (count: number): Promise<Connections> =>
    connectGrpc(clientAddress(names.indexOf(await leader())), count)
  try {
    await eventually(startTimeoutMs, leader)
  } catch (error) {
    await stop()
    throw error
  }
  const addresses = names.map((_, at) => clientAddress(at))
  return { name: `etcd ${version}`, members, addresses, leader, connect, stop }
}

/** Connections to whatever speaks the etcd API at this address. */
export async function connectGrpc(address: string, count: number): Promise<Connections> {
  const open = await Promise.all(Array.from({ length: count }, () => GrpcConnection.open(address)))
  const call = (at: number, path: string, bytes: Uint8Array): Promise<Uint8Array> =>
    (open[at] as GrpcConnection).call(path, bytes)
  const name = (number: number): Uint8Array => numberedKey(number, keyBytes)
  // RangeRequest {key = 1, range_end = 2, serializable = 7}; linearizable unless serializable
  const range = (number: number): Field[] => [
    [1, name(number)],
    [2, name(number + rangeKeys)],
  ]
  const serializable: Field = [7, 1]
  return {
    send: {
      put: (at, number, value) => call(at, paths.put, putRequest(name(number), value)),
      get: (at, number) => call(at, paths.range, message([[1, name(number)]])),
      'get committed': (at, number) => call(at, paths.range, message([[1, name(number)], serializable])),
      txn: (at, number, value) => call(at, paths.txn, txnRequest(number, value)),
      range: (at, number) => call(at, paths.range, message(range(number))),
      'range committed': (at, number) => call(at, paths.range, message([...range(number), serializable])),
    },
    close: async () => open.forEach((connection) => connection.close()),
  }
}

/** PutRequest {key = 1, value = 2}. */
function putRequest(key: Uint8Array, value: Uint8Array): Uint8Array {
  return message([
    [1, key],
    [2, value],
  ])
}

/**
 * TxnRequest {compare = 1, success = 2}; Compare {result = 1 (GREATER is 1), target = 2 (VERSION is 0), key = 3, version = 4},
 * RequestOp {request_put = 2}.
 */
function txnRequest(number: number, value: Uint8Array): Uint8Array {
  const exists = message([
    [1, 1],
    [3, numberedKey(number, keyBytes)],
    [4, 0],
  ])
  const puts = Array.from({ length: txnPuts }, (_, i): Field => {
    return [2, message([[2, putRequest(numberedKey(number + i, keyBytes), value)]])]
  })
  return message([[1, exists], ...puts])
}

/** A field's number, and its bytes or its small number. */
type Field = readonly [number, Uint8Array | number]

function message(fields: readonly Field[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(
    fields.reduce((sum, [, value]) => sum + (typeof value === 'number' ? 0 : value.length) + 6, 0),
  )
  let end = 0
  for (const [number, value] of fields) {
    const isNumber = typeof value === 'number'
    bytes[end++] = (number << 3) | (isNumber ? 0 : 2)
    let rest = isNumber ? value : value.length
    for (; rest > 0x7f; rest >>>= 7) bytes[end++] = (rest & 0x7f) | 0x80
    bytes[end++] = rest
    if (isNumber) continue
    bytes.set(value, end)
    end += value.length
  }
  return bytes.subarray(0, end)
}

/** The member that says of itself that it leads. Throws while there is none. */
async function leaderAt(addresses: readonly string[]): Promise<number> {
  for (const [at, address] of addresses.entries()) {
    const connection = await GrpcConnection.open(address)
    try {
      const status = fieldsOf(await connection.call(paths.status, Buffer.alloc(0)))
      const header = status.get(1)
      const leader = status.get(4)
      if (header instanceof Uint8Array && leader !== undefined && fieldsOf(header).get(2) === leader) return at
    } finally {
      connection.close()
    }
  }
  throw new Error('etcd has no leader yet')
}

/** Varints and byte strings of a protobuf message by field number. */
function fieldsOf(bytes: Uint8Array): Map<number, bigint | Uint8Array> {
  const fields = new Map<number, bigint | Uint8Array>()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const value = varint()
    if ((tag & 7) === 0) fields.set(tag >> 3, value)
    else fields.set(tag >> 3, bytes.subarray(at, (at += Number(value))))
  }
  return fields
}
