/** `nitrostate transfer [NAME]` */
import { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { printRecord } from '../output.ts'
import { usesCluster, withClient } from '../shared.ts'

const examples = `
Examples:
  nitrostate transfer n2                           hand leadership to n2
  nitrostate transfer                              to the follower that is furthest`

/** Hands leadership over. */
export function transferCommand(context: CliContext): Command {
  return usesCluster(new Command('transfer'))
    .description('hand leadership to another member; prints the new leader')
    .argument('[name]', 'name of the member that is to lead')
    .addHelpText('after', examples)
    .action((name: string | undefined, _options: unknown, command: Command) =>
      withClient(context, command, async ({ admin }, { output, timeoutMs }) => {
        const leader = await admin.transferLeadership(name, { timeoutMs })
        await printRecord(context, output ?? 'table', { leader }, 'leader')
      }),
    )
}
