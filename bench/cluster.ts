/**
 * A real cluster under load: three server processes on this machine, fsync on, and the same load on three etcd members
 * where etcd is installed, one cluster after the other.
 *
 *   npm run bench:cluster [-- --seconds 5 --warmup 3 --loads 1/1,100/10,1000/100 --no-etcd]
 *   npm run bench:cluster -- --no-etcd --server OTHER/main.js --node-args=--single-threaded-gc
 *
 * The second form is for comparing builds and settings of Node. A load is clients/connections. All of it goes to the
 * leaders: that is where both systems spend least.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { etcdVersion, startEtcd } from './cluster/etcd.ts'
import { fillKeys, runLoad } from './cluster/measure.ts'
import type { LoadOutcome, LoadShape, LoadTimes } from './cluster/measure.ts'
import { startNitrostate } from './cluster/nitrostate.ts'
import { coreCount, loadPerCore } from './cluster/proc.ts'
import { costTable, outcomeTable, ratioTable } from './cluster/report.ts'
import type { Target } from './cluster/target.ts'
import { withDirectory } from './harness/directory.ts'
import { significant } from './harness/markdown.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    warmup: { type: 'string', default: '3' },
    loads: { type: 'string', default: '1/1,100/10,1000/100' },
    'no-etcd': { type: 'boolean', default: false },
    server: { type: 'string', default: 'dist/src/cli/main.js' },
    'node-args': { type: 'string', default: '' },
  },
})
const times: LoadTimes = { warmupMs: Number(values.warmup) * 1000, measureMs: Number(values.seconds) * 1000 }
const shapes = values.loads.split(',').flatMap(shapesOf)

await withDirectory(async (directory) => {
  print(
    `${coreCount()} cores, node ${process.version}; ${significant(loadPerCore())} runnable processes per core before`,
  )
  const ours = await measure(
    await startNitrostate({
      directory: join(directory, 'nitrostate'),
      mainPath: values.server,
      nodeArgs: words(values['node-args']),
    }),
  )
  const theirs = values['no-etcd'] ? [] : await measureEtcd(join(directory, 'etcd'))
  const all = shapes.flatMap((_, at) => [ours[at], theirs[at]]).filter((outcome) => outcome !== undefined)
  print(`\n### Throughput and latency\n\n${outcomeTable(all)}`)
  print(`\n### CPU time per request, and memory\n\n${costTable(all)}`)
  if (theirs.length > 0) print(`\n### NitroState to etcd\n\n${ratioTable(ours, theirs)}`)
})

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '')
}

function shapesOf(load: string): LoadShape[] {
  const [clients, connections] = load.split('/').map(Number)
  if (!clients || !connections || connections > clients) throw new Error(`--loads: ${load} is not clients/connections`)
  return [
    { operation: 'put', clients, connections },
    { operation: 'get', clients, connections },
  ]
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
