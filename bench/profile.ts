/**
 * Where a server's CPU time goes under a load of puts:
 *
 *   npm run bench:profile [-- --load 1000/100 --operation put|get --seconds 5 --interval 200 --keep <directory>]
 *   npm run bench:profile -- FILE.cpuprofile...        sums profiles up that are there already
 *
 * Shares come from the samples of the main thread, microseconds from the kernel's CPU times of the same seconds.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fillKeys, runLoad } from './cluster/measure.ts'
import { startNitrostate } from './cluster/nitrostate.ts'
import { coreCount, loadPerCore } from './cluster/proc.ts'
import { withDirectory } from './harness/directory.ts'
import { significant } from './harness/markdown.ts'
import { inspectorUrl, startProfile } from './profile/inspector.ts'
import type { CpuProfile } from './profile/inspector.ts'
import { budgetTable, fileTable, functionTable } from './profile/report.ts'
import type { ProfiledServer } from './profile/report.ts'
import { summarize } from './profile/summary.ts'

const { values, positionals } = parseArgs({
  options: {
    load: { type: 'string', default: '1000/100' },
    operation: { type: 'string', default: 'put' },
    seconds: { type: 'string', default: '5' },
    warmup: { type: 'string', default: '4' },
    interval: { type: 'string', default: '200' },
    server: { type: 'string', default: 'dist/src/cli/main.js' },
    keep: { type: 'string' },
  },
  allowPositionals: true,
})

if (positionals.length > 0) await readProfiles(positionals)
else await withDirectory(profileCluster)

async function readProfiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const summary = summarize(JSON.parse(await readFile(path, 'utf8')) as CpuProfile)
    print(`\n## ${path}\n\n${fileTable(summary)}\n\n${functionTable(summary)}`)
  }
}

async function profileCluster(directory: string): Promise<void> {
  const [clients = 0, connections = 0] = values.load.split('/').map(Number)
  const operation = values.operation === 'get' ? 'get' : 'put'
  const measureMs = Number(values.seconds) * 1000
  print(
    `${coreCount()} cores, node ${process.version}; ${significant(loadPerCore())} runnable processes per core before`,
  )
  const target = await startNitrostate({ directory, mainPath: values.server, nodeArgs: ['--inspect=127.0.0.1:0'] })
  try {
    await fillKeys(target)
    const profiles: CpuProfile[] = []
    const times = { warmupMs: Number(values.warmup) * 1000, measureMs }
    const outcome = await runLoad(target, { operation, clients, connections }, times, async () => {
      const interval = Number(values.interval)
      const urls = target.processes.map(({ lastOutput }) => inspectorUrl(lastOutput))
      const ends = await Promise.all(urls.map((url) => startProfile(url, interval)))
      await new Promise((resolve) => setTimeout(resolve, measureMs * 0.9))
      profiles.push(...(await Promise.all(ends.map((end) => end()))))
    })
    const servers = outcome.members.map((cost, at): ProfiledServer => {
      return { cost, summary: summarize(profiles[at] as CpuProfile) }
    })
    const rate = `${Math.round(outcome.perSecond)} ${operation}s/s while profiled`
    print(`\n### ${operation}, ${values.load}: ${rate}; the client's own cost ${significant(outcome.loadUs)} µs\n`)
    print(budgetTable(servers, operation === 'put'))
    for (const role of ['leader', 'follower']) {
      const server = servers.find(({ cost }) => cost.leads === (role === 'leader'))
      if (server === undefined) continue
      print(`\n### ${role}: by file\n\n${fileTable(server.summary, server.cost.mainUs)}`)
      print(`\n### ${role}: functions\n\n${functionTable(server.summary, server.cost.mainUs)}`)
    }
    if (values.keep !== undefined) await keep(values.keep, servers, profiles)
  } finally {
    await target.stop()
  }
}

async function keep(directory: string, servers: readonly ProfiledServer[], profiles: CpuProfile[]): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const [at, { cost }] of servers.entries()) {
    const name = `${cost.name}-${cost.leads ? 'leader' : 'follower'}.cpuprofile`
    await writeFile(join(directory, name), JSON.stringify(profiles[at]))
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
