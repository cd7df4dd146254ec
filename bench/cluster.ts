/**
 * A real cluster under load: three server processes on this machine, fsync on, and the same load on three etcd members
 * where etcd is installed, one cluster after the other.
 *
 *   npm run bench:cluster [-- --seconds 5 --warmup 3 --loads 1/1,100/10,1000/100 --state-load 100/10 --no-etcd]
 *   npm run bench:cluster -- --only watch --watches 1000/50/10 --writers 1,64
 *   npm run bench:cluster -- --only leases --leases 10000 --lease-ttl 10000
 *   npm run bench:cluster -- --no-etcd --server OTHER/main.js --node-args=--single-threaded-gc
 *
 * The last form is for comparing builds and settings of Node. A load is clients/connections. All of it goes to the
 * leaders: that is where both systems spend least. `--loads` is for put and get, `--state-load` for transactions, ranges and
 * committed reads. Watches are number/prefixes/connections. etcd's streams, watches and keep-alives, are not measured.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { etcdVersion, startEtcd } from './cluster/etcd.ts'
import { runFanOut } from './cluster/fan-out.ts'
import type { FanOutOutcome } from './cluster/fan-out.ts'
import { runLeases } from './cluster/lease-load.ts'
import { fillKeys, runLoad } from './cluster/measure.ts'
import type { LoadOutcome, LoadShape, LoadTimes } from './cluster/measure.ts'
import { startNitrostate } from './cluster/nitrostate.ts'
import { coreCount, loadPerCore } from './cluster/proc.ts'
import type { NitrostateTarget } from './cluster/nitrostate.ts'
import { costTable, fanOutTable, leaseTable, outcomeTable, ratioTable } from './cluster/report.ts'
import type { Operation, Target } from './cluster/target.ts'
import { withDirectory } from './harness/directory.ts'
import { significant } from './harness/markdown.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    warmup: { type: 'string', default: '3' },
    loads: { type: 'string', default: '1/1,100/10,1000/100' },
    'state-load': { type: 'string', default: '100/10' },
    watches: { type: 'string', default: '1000/50/10' },
    writers: { type: 'string', default: '1,64' },
    leases: { type: 'string', default: '10000' },
    'lease-ttl': { type: 'string', default: '10000' },
    only: { type: 'string' },
    'no-etcd': { type: 'boolean', default: false },
    server: { type: 'string', default: 'dist/src/cli/main.js' },
    'node-args': { type: 'string', default: '' },
  },
})
const times: LoadTimes = { warmupMs: Number(values.warmup) * 1000, measureMs: Number(values.seconds) * 1000 }
const sections = values.only === undefined ? ['loads', 'watch', 'leases'] : [values.only]
const shapes = [
  ...values.loads.split(',').flatMap((load) => shapesOf(load, ['put', 'get'])),
  ...shapesOf(values['state-load'], ['txn', 'get committed', 'range', 'range committed']),
]

await withDirectory(async (directory) => {
  print(
    `${coreCount()} cores, node ${process.version}; ${significant(loadPerCore())} runnable processes per core before`,
  )
  const start = (name: string): Promise<NitrostateTarget> =>
    startNitrostate({
      directory: join(directory, name),
      mainPath: values.server,
      nodeArgs: words(values['node-args']),
    })
  if (sections.includes('loads')) {
    const ours = await measure(await start('loads'))
    const theirs = values['no-etcd'] ? [] : await measureEtcd(join(directory, 'etcd'))
    const all = shapes.flatMap((_, at) => [ours[at], theirs[at]]).filter((outcome) => outcome !== undefined)
    print(`\n### Throughput and latency\n\n${outcomeTable(all)}`)
    print(`\n### CPU time per request, and memory\n\n${costTable(all)}`)
    if (theirs.length > 0) print(`\n### NitroState to etcd\n\n${ratioTable(ours, theirs)}`)
  }
  if (sections.includes('watch')) {
    const outcomes = await withTarget(await start('watch'), measureFanOut)
    print(`\n### Watch fan-out\n\n${fanOutTable(outcomes)}`)
  }
  if (sections.includes('leases')) {
    const shape = { leases: Number(values.leases), ttlMs: Number(values['lease-ttl']), connections: 100 }
    const measureMs = Math.max(2 * times.measureMs, shape.ttlMs / 3)
    const outcomes = await withTarget(await start('leases'), (target) => runLeases(target, shape, measureMs))
    print(`\n### Leases that are kept alive\n\n${leaseTable(outcomes)}`)
  }
})

async function measureFanOut(target: NitrostateTarget): Promise<FanOutOutcome[]> {
  const [watches = 0, prefixes = 0, connections = 0] = values.watches.split('/').map(Number)
  if (!(watches > 0 && watches % (prefixes * connections) === 0)) {
    throw new Error(`--watches: ${values.watches} is not number/prefixes/connections with as many for each of them`)
  }
  const outcomes: FanOutOutcome[] = []
  for (const writers of values.writers.split(',').map(Number)) {
    outcomes.push(await runFanOut(target, { watches, prefixes, connections, writers }, times.measureMs))
  }
  return outcomes
}

async function withTarget<T>(target: NitrostateTarget, work: (target: NitrostateTarget) => Promise<T>): Promise<T> {
  try {
    return await work(target)
  } finally {
    await target.stop()
  }
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '')
}

function shapesOf(load: string, operations: readonly Operation[]): LoadShape[] {
  const [clients, connections] = load.split('/').map(Number)
  if (!clients || !connections || connections > clients) throw new Error(`${load} is not clients/connections`)
  return operations.map((operation) => ({ operation, clients, connections }))
}

async function measureEtcd(directory: string): Promise<LoadOutcome[]> {
  const version = etcdVersion()
  if (version === undefined) {
    print('etcd is not installed: nothing to compare with')
    return []
  }
  return measure(await startEtcd(directory, version))
}

async function measure(target: Target): Promise<LoadOutcome[]> {
  const outcomes: LoadOutcome[] = []
  try {
    await fillKeys(target)
    for (const shape of shapes) {
      const outcome = await runLoad(target, shape, times)
      const { operation, clients, connections } = shape
      const rate = `${Math.round(outcome.perSecond)} requests/s`
      process.stderr.write(`${target.name}: ${operation} ${clients}/${connections}: ${rate}\n`)
      outcomes.push(outcome)
    }
  } finally {
    await target.stop()
  }
  return outcomes
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
