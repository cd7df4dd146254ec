/** Runs three servers, one of them under strace, through everything that asks it for promises. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../../../src/client/index.ts'
import { Cluster, until } from '../harness/index.ts'
import type { Alone } from './check.ts'

/** How much to do. */
export interface RunOptions {
  readonly directory: string
  /** The executable that the traced server runs; the usual one without it. */
  readonly executable?: string
  /** Single puts, one after the other, while it follows, and as many while it leads. */
  readonly puts: number
  /** Elections in which it is asked for its vote. */
  readonly elections: number
}

/** A trace to look at. */
export interface Traced {
  readonly path: string
  readonly alone: Alone
}

const names = ['n1', 'n2', 'n3']
const traced = 'n3'
const stringBytesMax = 4096

/** Runs it; the cluster is gone afterwards. */
export async function runTraced({ directory, executable, puts, elections }: RunOptions): Promise<Traced> {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'trace.txt')
  const cluster = await Cluster.make({ directory, founders: names })
  try {
    cluster.start('n1')
    cluster.start('n2')
    cluster.start(traced, { wrapper: [...tracer(path), ...(executable === undefined ? [] : instead(executable))] })
    await cluster.whole(names)
    const client = await cluster.client()
    await lead(cluster, client, 'n1')
    await putOneByOne(client, 'follower', puts)
    for (let round = 0; round < elections; round++) await lead(cluster, client, round % 2 === 0 ? 'n2' : 'n1')
    await loseLeader(cluster)
    await lead(cluster, client, traced)
    await cluster.server('n2').stop()
    const { lastIndex = 0 } = (await cluster.status(traced)) ?? {}
    const alone = { fromSeconds: Date.now() / 1000, index: lastIndex }
    await putOneByOne(client, 'leader', puts)
    await client.close()
    await cluster.server(traced).stop()
    await traceIsWhole(path)
    return { path, alone }
  } finally {
    await cluster.close()
  }
}

/** With -D the process that was started is the server itself, so that signals reach it; the tracer ends after it. */
function tracer(path: string): string[] {
  const calls = 'trace=fsync,fdatasync,write,writev,sendto,sendmsg,pwrite64,pwritev'
  return ['strace', '-D', '-f', '-ttt', '-xx', '-yy', '-s', `${stringBytesMax}`, '-o', path, '-e', calls]
}

/** Runs another executable than the one that is named as the first argument. */
function instead(executable: string): string[] {
  return ['/bin/sh', '-c', `node=$0; shift; exec "$node" '${executable}' "$@"`]
}

async function putOneByOne(client: Client, prefix: string, count: number): Promise<void> {
  for (let at = 0; at < count; at++) await client.store.put(`${prefix}/${at}`, `value ${at}`)
}

async function lead(cluster: Cluster, client: Client, name: string): Promise<void> {
  await until(
    `${name} leads`,
    async () => {
      const leader = await cluster.whole(names)
      if (leader !== name) await client.admin.transferLeadership(name)
      return leader === name
    },
    { timeoutMs: 60_000, why: () => cluster.tails(names) },
  )
}

/** n1 leads and dies: the others elect one of them when they have missed it for long enough. */
async function loseLeader(cluster: Cluster): Promise<void> {
  await cluster.server('n1').kill()
  await cluster.whole(['n2', traced])
  cluster.start('n1')
  await cluster.whole(names)
}

/** The tracer writes until it has seen the end of its last thread. */
function traceIsWhole(path: string): Promise<unknown> {
  const main = /^\d+/.exec(readFileSync(path, 'latin1'))?.[0] ?? ''
  const end = new RegExp(`^${main} .*\\+\\+\\+ (?:exited|killed)`, 'm')
  return until('the trace is whole', () => end.test(readFileSync(path, 'latin1').slice(-4096)))
}
