/** Runs three servers, one of them under strace, through everything that asks it for promises. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NodeStatus } from '../../../src/api/index.ts'
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
  /** Puts of half a MiB, in both parts. */
  readonly largePuts: number
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
const largeBytes = 512 << 10

/** Runs it; the cluster is gone afterwards. */
export async function runTraced({ directory, executable, puts, largePuts, elections }: RunOptions): Promise<Traced> {
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
    await putOneByOne(cluster, client, 'follower', puts, largePuts)
    for (let round = 0; round < elections; round++) await lead(cluster, client, round % 2 === 0 ? 'n2' : 'n1')
    await loseLeader(cluster)
    await lead(cluster, client, traced)
    await cluster.server('n2').stop()
    const { lastIndex = 0 } = (await cluster.status(traced)) ?? {}
    const alone = { fromSeconds: Date.now() / 1000, index: lastIndex }
    await putOneByOne(cluster, client, 'leader', puts, largePuts)
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
  const calls = 'trace=openat,fsync,fdatasync,rename,write,writev,sendto,sendmsg,pwrite64,pwritev'
  return ['strace', '-D', '-f', '-ttt', '-xx', '-yy', '-s', `${stringBytesMax}`, '-o', path, '-e', calls]
}

/** Runs another executable than the one that is named as the first argument. */
function instead(executable: string): string[] {
  return ['/bin/sh', '-c', `node=$0; shift; exec "$node" '${executable}' "$@"`]
}

async function putOneByOne(
  cluster: Cluster,
  client: Client,
  prefix: string,
  count: number,
  largeCount: number,
): Promise<void> {
  const large = new Uint8Array(largeBytes).fill(0x6c)
  for (let at = 0; at < count + largeCount; at++) {
    await client.store.put(`${prefix}/${Math.min(at, count)}`, at < count ? `value ${at}` : large)
    // The trace holds the beginning of each write only, so there must be one record in it.
    await until(
      `${traced} has caught up`,
      async () => isAbreast(await cluster.status('n1'), await cluster.status(traced)),
      {
        everyMs: 5,
      },
    )
  }
}

function isAbreast(one: NodeStatus | undefined, other: NodeStatus | undefined): boolean {
  return one !== undefined && one.lastIndex === other?.lastIndex
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
