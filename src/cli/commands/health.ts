/** `nitrostate health` */
import { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { exitCodes, ExitWith } from '../exit-codes.ts'
import { printRows } from '../output.ts'
import { sharedOptions, usesCluster } from '../shared.ts'
import { probe, probedEndpoints } from './node-probe.ts'

const examples = `
A node is healthy when a linearizable read through it succeeds. Exit code 0 when all are healthy, else 5.

Examples:
  nitrostate health
  nitrostate health --cluster --timeout 2s`

/** Whether each node can serve right now. */
export function healthCommand(context: CliContext): Command {
  return usesCluster(new Command('health'))
    .description('whether each node can serve a linearizable read right now')
    .option('--cluster', 'ask all members, not only the endpoints')
    .addHelpText('after', examples)
    .action(async ({ cluster }: { readonly cluster?: true }, command: Command) => {
      const shared = sharedOptions(context, command)
      const endpoints = await probedEndpoints(context, command, cluster === true)
      const probes = await probe(context, shared, endpoints, async ({ store }, timeoutMs) => {
        await store.get('health', { timeoutMs, consistency: 'linearizable' })
        return true
      })
      const rows = probes.map(({ endpoint, answer, tookMs, error }) => ({
        endpoint,
        healthy: answer === true,
        tookMs,
        error: error === '' ? undefined : error,
      }))
      await printRows(context, shared.output ?? 'table', rows, 'healthy')
      if (rows.some(({ healthy }) => !healthy)) throw new ExitWith(exitCodes.unavailable)
    })
}
