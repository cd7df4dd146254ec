/** Scripts that try several things on one cluster of three, one part after the other. */
import { Cluster } from './cluster.ts'
import type { Report } from './report.ts'
import { main } from './run.ts'

/** Parts by name, in the order in which they run. */
export type Parts = Readonly<Record<string, (report: Report, cluster: Cluster, directory: string) => Promise<void>>>

/** Runs the parts that were named on the command line, or all, on a cluster that is whole when the first begins. */
export async function runParts(name: string, parts: Parts): Promise<void> {
  await main(name, async ({ report, directory, only }) => {
    const founders = ['n1', 'n2', 'n3']
    const cluster = await Cluster.make({ directory, founders })
    try {
      await cluster.startWhole(founders)
      for (const [part, run] of Object.entries(parts)) {
        if (only.length === 0 || only.includes(part)) await run(report, cluster, directory)
      }
    } finally {
      await cluster.close()
    }
  })
}
