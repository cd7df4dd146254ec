/** `nitrostate compact REVISION` */
import { Argument, Command } from 'commander'
import { integer } from '../arguments.ts'
import type { CliContext } from '../context.ts'
import { printRecord } from '../output.ts'
import { usesCluster, withClient } from '../shared.ts'

const examples = `
What is there at the revision stays; what was before it can't be read or watched any more. History is also compacted by
itself, so this is for those who want it sooner.

Examples:
  nitrostate compact 12000`

/** Forgets history. */
export function compactCommand(context: CliContext): Command {
  return usesCluster(new Command('compact'))
    .description('forget what was before a revision')
    .addArgument(new Argument('<revision>', 'where history is to begin').argParser(integer(1)))
    .addHelpText('after', examples)
    .action((compactRevision: number, _options: unknown, command: Command) =>
      withClient(context, command, async ({ store }, { output, timeoutMs }) => {
        const { revision } = await store.compact(compactRevision, { timeoutMs })
        await printRecord(context, output ?? 'table', { compactRevision, revision }, 'compactRevision')
      }),
    )
}
