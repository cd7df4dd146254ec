/**
 * Locks of a real cluster: three server processes on this machine, fsync on, beside three etcd members where etcd is installed. Both
 * clusters stand all the time and are loaded in turn, round by round, the one that begins alternating.
 *
 *   npm run bench:locks [-- --rounds 5 --seconds 4 --warmup 2 --clients 1/1,100/10 --ttl 10000]
 *   npm run bench:locks -- --only handover --waiters 100/10 --handovers 2000
 *   npm run bench:locks -- --only failover --deaths 5 --failover-ttl 2000
 *   npm run bench:locks -- --no-etcd --server OTHER/main.js
 *
 * Clients and waiters are number/connections, all to the leaders.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { etcdVersion, startEtcd } from './cluster/etcd.ts'
import type { EtcdTarget } from './cluster/etcd.ts'
import { startNitrostate } from './cluster/nitrostate.ts'
import { coreCount, loadPerCore } from './cluster/proc.ts'
import { withDirectory } from './harness/directory.ts'
import { significant } from './harness/markdown.ts'
import { seededRandom } from './harness/random.ts'
import { etcdLocks } from './locks/etcd.ts'
import { hold, runFailover } from './locks/failover.ts'
import { runHandover } from './locks/handover.ts'
import { nitrostateLocks } from './locks/nitrostate.ts'
import { ratiosTable, roundsTable } from './locks/report.ts'
import type { Figures, Rounds } from './locks/report.ts'
import type { LockTarget } from './locks/target.ts'
import { runUncontended } from './locks/uncontended.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    warmup: { type: 'string', default: '2' },
    clients: { type: 'string', default: '1/1,100/10' },
    ttl: { type: 'string', default: '10000' },
    waiters: { type: 'string', default: '100/10' },
    handovers: { type: 'string', default: '2000' },
    deaths: { type: 'string', default: '5' },
    'failover-ttl': { type: 'string', default: '2000' },
    only: { type: 'string' },
    'no-etcd': { type: 'boolean', default: false },
    server: { type: 'string', default: 'dist/src/cli/main.js' },
    hold: { type: 'boolean', default: false },
  },
})
const ttlMs = Number(values.ttl)
const rates = { perSecond: '/s', p50Ms: 'p50 ms', p99Ms: 'p99 ms', serverUs: 'servers µs', loadUs: 'load µs' }
const sections = values.only === undefined ? ['uncontended', 'handover', 'failover'] : [values.only]

if (values.hold) await hold(positionals)
else await withDirectory(measure)

async function measure(directory: string): Promise<void> {
  const load = significant(loadPerCore())
  print(`${coreCount()} cores, node ${process.version}; ${load} runnable processes per core before`)
  print('Medians of the rounds (lowest-highest); CPU times are for each operation and server, and of the load.')
  const ours = await startNitrostate({ directory: join(directory, 'nitrostate'), mainPath: values.server })
  let theirs: EtcdTarget | undefined
  try {
    theirs = values['no-etcd'] ? undefined : await startedEtcd(join(directory, 'etcd'))
    await measureAll([nitrostateLocks(ours), ...(theirs === undefined ? [] : etcdLocks(theirs))])
  } finally {
    await Promise.all([ours.stop(), theirs?.stop()])
  }
}

async function startedEtcd(directory: string): Promise<EtcdTarget | undefined> {
  const version = etcdVersion()
  if (version !== undefined) return startEtcd(directory, version)
  print('etcd is not installed: nothing to compare with')
  return undefined
}

async function measureAll(targets: readonly LockTarget[]): Promise<void> {
  const rounds = Number(values.rounds)
  if (sections.includes('uncontended')) {
    for (const [clients, connections] of values.clients.split(',').map(pair)) {
      const shape = {
        clients,
        connections,
        ttlMs,
        warmupMs: seconds(values.warmup),
        measureMs: seconds(values.seconds),
      }
      const outcome = await inRounds(targets, rounds, async (target) => ({ ...(await runUncontended(target, shape)) }))
      print(`\n### Acquire and release, nobody else wants it, ${clients}/${connections}\n`)
      printTables('acquire + release', outcome, rates)
    }
  }
  const queues = targets.filter(({ holderArgs }) => holderArgs !== undefined)
  if (sections.includes('handover')) {
    const [waiters, connections] = pair(values.waiters)
    const shape = { waiters, connections, ttlMs, handovers: Number(values.handovers) }
    const outcome = await inRounds(queues, rounds, async (target, round) => ({
      ...(await runHandover(target, `wanted/${round}`, shape)),
    }))
    print(`\n### Handover of one lock that ${waiters} wait for, over ${connections} connections\n`)
    printTables('handover', outcome, rates)
  }
  if (sections.includes('failover')) {
    const failoverTtlMs = Number(values['failover-ttl'])
    const script = fileURLToPath(import.meta.url)
    const outcome = await inRounds(queues, Number(values.deaths), async (target, round) => ({
      ...(await runFailover(target, `orphan/${round}`, { ttlMs: failoverTtlMs, random: seededRandom(round), script })),
    }))
    print(`\n### The holder's process dies, time to live ${failoverTtlMs} ms\n`)
    printTables('next holder', outcome, { afterMs: 'after ms' })
  }
}

/** Measures each target once a round; who is first alternates. */
async function inRounds(
  targets: readonly LockTarget[],
  rounds: number,
  run: (target: LockTarget, round: number) => Promise<Figures>,
): Promise<Rounds> {
  const figures = new Map<string, Figures[]>(targets.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
      const one = await run(target, round)
      figures.get(target.name)?.push(one)
      const told = Object.entries(one).map(([name, value]) => `${name} ${significant(value)}`)
      process.stderr.write(`round ${round + 1}, ${target.name}: ${told.join(', ')}\n`)
    }
  }
  return figures
}

function printTables(measure: string, rounds: Rounds, columns: Readonly<Record<string, string>>): void {
  print(roundsTable(measure, rounds, columns))
  const ratios = ratiosTable('ratio', rounds, columns)
  if (ratios !== '') print(`\n${ratios}`)
}

function pair(text: string): readonly [number: number, connections: number] {
  const [number = 0, connections = 0] = text.split('/').map(Number)
  if (number >= connections && connections > 0) return [number, connections]
  throw new Error(`${text} is not number/connections`)
}

function seconds(text: string): number {
  return Number(text) * 1000
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
