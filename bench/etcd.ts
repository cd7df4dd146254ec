/**
 * The race against etcd: three etcd members and three NitroState servers as real processes on this machine, fsync on. Both clusters stand
 * all the time and are loaded in turn, round by round, with the order of the subjects reversed every other round.
 *
 *   npm run bench:etcd [-- --rounds 5 --seconds 4 --warmup 30 --only put,range,txn,lease,watch,check-perf --out race.json]
 *
 * Subjects are etcd over gRPC, NitroState over gRPC with the very same generator, and NitroState with its own client. Loads are
 * clients/connections, all to the leaders; each is warmed up for half of `--seconds` first, and before all of them each subject does
 * puts and then reads for `--warmup` seconds, so that no server is measured while it still compiles what it runs. `check-perf` runs
 * etcd's own tool for a minute on each cluster: if named, or in a whole race with a generator-bound row of puts.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { etcdVersion, startEtcd } from './cluster/etcd.ts'
import type { EtcdTarget } from './cluster/etcd.ts'
import { fillKeys } from './cluster/measure.ts'
import { startNitrostate } from './cluster/nitrostate.ts'
import { loadPerCore } from './cluster/proc.ts'
import { hasEtcdctl, runCheckPerf } from './etcd/check-perf.ts'
import type { CheckPerf } from './etcd/check-perf.ts'
import type { Protocol } from './etcd/goals.ts'
import { compactHistory, openGrpc } from './etcd/grpc.ts'
import { keySpace, loads, sections, valueBytes, warmupLoads, writes } from './etcd/loads.ts'
import type { RaceLoad } from './etcd/loads.ts'
import { measureLoad } from './etcd/measure.ts'
import type { Figures, Subject } from './etcd/measure.ts'
import { openNative } from './etcd/native.ts'
import { checkPerfTable, costTable, isGeneratorBound, ratioTable, speedTable } from './etcd/report.ts'
import type { LoadRounds } from './etcd/report.ts'
import { withDirectory } from './harness/directory.ts'
import { significant } from './harness/markdown.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    warmup: { type: 'string', default: '30' },
    only: { type: 'string' },
    out: { type: 'string' },
  },
})
const rounds = positive('--rounds', values.rounds)
if (!Number.isInteger(rounds)) throw new Error(`--rounds: ${rounds} is not a whole number`)
const measureMs = positive('--seconds', values.seconds) * 1000
const times = { warmupMs: measureMs / 2, measureMs }
const warmupMs = positive('--warmup', values.warmup) * 1000
const choices: readonly string[] = [...sections, 'check-perf']
const only = values.only?.split(',')
const unknown = only?.find((name) => !choices.includes(name))
if (unknown !== undefined) throw new Error(`--only: ${unknown} is none of ${choices.join(', ')}`)

const mainPath = 'dist/src/cli/main.js'
/** Times that a measurement is made again because the leader changed meanwhile. */
const retries = 3
const native = 'NitroState, native'
const grpc = 'NitroState, gRPC'
const protocols: ReadonlyMap<string, Protocol> = new Map([
  [native, 'native'],
  [grpc, 'gRPC'],
])

/** A cluster and its leader's address. */
interface Cluster {
  readonly target: EtcdTarget
  readonly leaderAddress: () => Promise<string>
}

const results: LoadRounds[] = []
const checks: CheckPerf[] = []
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryBytes: totalmem(),
  kernel: release(),
  node: process.version,
  runnablePerCoreBefore: loadPerCore(),
}
const version = etcdVersion()

if (!existsSync(mainPath))
  throw new Error(`${mainPath} is not there: run npm run build first, in the root of the project`)
await withDirectory(race)

async function race(directory: string): Promise<void> {
  print(
    `${machine.cores} cores of ${machine.cpu}, Linux ${machine.kernel}, node ${machine.node}, etcd ${version ?? 'none'}`,
  )
  print(`${significant(machine.runnablePerCoreBefore)} runnable processes per core before`)
  if (version === undefined)
    print('etcd is not installed (no `etcd` in PATH): NitroState is measured alone, without ratios')
  const clusters: Cluster[] = []
  try {
    const ours = await startNitrostate({ directory: join(directory, 'nitrostate'), mainPath })
    clusters.push(clusterOf(ours))
    const subjects: Subject[] = [
      { name: native, target: ours, open: (load) => openNative(ours, load) },
      grpcSubject(grpc, clusters[0] as Cluster),
    ]
    if (version !== undefined) {
      const theirs = clusterOf(await startEtcd(join(directory, 'etcd'), version))
      clusters.push(theirs)
      subjects.push(grpcSubject(theirs.target.name, theirs))
    }
    for (const { target } of clusters) await fillKeys(target)
    for (const subject of subjects) await warmUp(subject)
    for (const { leaderAddress } of clusters) await compactHistory(await leaderAddress())
    for (const load of loads.filter(({ section }) => only === undefined || only.includes(section))) {
      results.push({ load, rounds: await inRounds(subjects, load) })
      if (writes(load)) for (const { leaderAddress } of clusters) await compactHistory(await leaderAddress())
    }
    printTables(subjects)
    if (wantsCheckPerf()) await checkPerf(clusters)
  } finally {
    if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(json(), undefined, 2)}\n`)
    await Promise.all(clusters.map(({ target }) => target.stop()))
  }
}

function clusterOf(target: EtcdTarget): Cluster {
  const { members, addresses } = target
  const leaderAddress = async (): Promise<string> => {
    const leader = await target.leader()
    return addresses[members.findIndex(({ name }) => name === leader)] as string
  }
  return { target, leaderAddress }
}

function grpcSubject(name: string, { target, leaderAddress }: Cluster): Subject {
  return { name, target, open: async (load) => openGrpc(await leaderAddress(), load) }
}

/** Many puts, and reads for a third of the time, of which nothing is kept. */
async function warmUp(subject: Subject): Promise<void> {
  process.stderr.write(`${subject.name}: warming up\n`)
  const { puts, reads } = warmupLoads
  await measureLoad(subject, puts, { warmupMs: 1, measureMs: (warmupMs * 2) / 3 })
  await measureLoad(subject, reads, { warmupMs: 1, measureMs: warmupMs / 3 })
}

/** Measures each subject once a round. */
async function inRounds(subjects: readonly Subject[], load: RaceLoad): Promise<LoadRounds['rounds']> {
  const figures = new Map<string, Figures[]>(subjects.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const one = await measured(subject, load)
      figures.get(subject.name)?.push(one)
      const told = `${significant(one.perSecond)} op/s, p50 ${significant(one.p50Ms)} ms, p99 ${significant(one.p99Ms)} ms`
      process.stderr.write(`${load.title}, round ${round + 1}, ${subject.name}: ${told}\n`)
    }
  }
  return figures
}

async function measured(subject: Subject, load: RaceLoad): Promise<Figures> {
  for (let attempt = 0; attempt <= retries; attempt++) {
    const figures = await measureLoad(subject, load, times)
    if (figures !== undefined) return figures
    process.stderr.write(`${load.title}, ${subject.name}: the leader changed, once more\n`)
  }
  throw new Error(`${subject.name}: the leader changes again and again`)
}

function printTables(subjects: readonly Subject[]): void {
  if (results.length === 0) return
  print(`\nMedians of ${rounds} rounds of ${values.seconds} s (lowest-highest). Loads are clients/connections.`)
  print(`\n### Throughput and latency\n\n${speedTable(results)}`)
  print(`\n### CPU seconds per 1000 operations, and memory\n\n${costTable(results)}`)
  const etcd = subjects.find(({ name }) => !protocols.has(name))
  if (etcd !== undefined) print(`\n### NitroState to etcd\n\n${ratioTable(results, etcd.name, protocols)}`)
}

function wantsCheckPerf(): boolean {
  if (only !== undefined) return only.includes('check-perf')
  const isPut = ({ load }: LoadRounds): boolean => load.work === 'put' && load.clients > 1
  return results.filter(isPut).some((one) => [...one.rounds.values()].some(isGeneratorBound))
}

async function checkPerf(clusters: readonly Cluster[]): Promise<void> {
  if (!hasEtcdctl()) return print('\netcdctl is not installed (no `etcdctl` in PATH): its check perf is left out')
  for (const { target, leaderAddress } of clusters) {
    process.stderr.write(`etcdctl check perf on ${target.name}: a minute\n`)
    checks.push(await runCheckPerf(target.name, target, await leaderAddress()))
  }
  print(`\n### Puts as etcd's own tool measures them; CPU seconds per 1000 puts\n\n${checkPerfTable(checks)}`)
}

/** Everything that was measured so far, every round of it. */
function json(): unknown {
  return {
    machine: { ...machine, runnablePerCoreAfter: loadPerCore() },
    etcd: version ?? null,
    settings: { rounds, ...times, serverWarmupMs: warmupMs, valueBytes, keySpace, only: only ?? null },
    loads: results.map(({ load, rounds: byName }) => ({
      ...load,
      subjects: [...byName].map(([name, figures]) => ({
        name,
        isGeneratorBound: isGeneratorBound(figures),
        rounds: figures,
      })),
    })),
    checkPerf: checks,
  }
}

function positive(option: string, text: string): number {
  const number = Number(text)
  if (number > 0 && Number.isFinite(number)) return number
  throw new Error(`${option}: ${text} is not a number above 0`)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
