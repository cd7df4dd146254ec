/**
 * What stands on transactions, history, watches and leases, with real processes: the commands, a watch that runs a command for each event,
 * and sessions.
 *
 * Parts: commands, watching, sessions. Name some to run only those.
 */
import { Cluster, main } from './harness/index.ts'
import type { Report } from './harness/index.ts'
import { commands } from './state/commands.ts'
import { sessions } from './state/sessions.ts'
import { watching } from './state/watching.ts'

const parts: Readonly<Record<string, (report: Report, cluster: Cluster, directory: string) => Promise<void>>> = {
  commands,
  watching,
  sessions,
}

await main('state', async ({ report, directory, only }) => {
  const founders = ['n1', 'n2', 'n3']
  const cluster = await Cluster.make({ directory, founders })
  try {
    await cluster.startWhole(founders)
    for (const [name, part] of Object.entries(parts)) {
      if (only.length === 0 || only.includes(name)) await part(report, cluster, directory)
    }
  } finally {
    await cluster.close()
  }
})
