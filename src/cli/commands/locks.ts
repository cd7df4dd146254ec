/** `nitrostate locks [PREFIX]` */
import { Command, Option } from 'commander'
import type { SyncKind } from '../../api/index.ts'
import { note, type CliContext } from '../context.ts'
import { printRows } from '../output.ts'
import { usesCluster, withClient } from '../shared.ts'

const kinds: readonly SyncKind[] = ['lock', 'rwlock', 'semaphore', 'leader', 'doubleBarrier', 'once', 'assign']

/** Lists what is held or waited for. */
export function locksCommand(context: CliContext): Command {
  return usesCluster(new Command('locks'))
    .description('what is held or waited for: locks of all kinds, leaderships, jobs')
    .argument('[prefix]', 'names that begin so')
    .addOption(new Option('--kind <kind>', 'only this kind').choices([...kinds]))
    .option('--namespace <namespace>', 'only this namespace (default: all)')
    .action(
      (
        prefix: string | undefined,
        { kind, namespace }: { readonly kind?: SyncKind; readonly namespace?: string },
        command: Command,
      ) =>
        withClient(context, command, async ({ sync }, { output = 'table', timeoutMs }) => {
          const listed = await sync.list({ kind, namespace, prefix, timeoutMs })
          const rows = listed.map(({ holder, kind, namespace, name, item, holding, waiting }) => ({
            ...{ kind, namespace, name, item, holding, waiting },
            ...{ token: holder?.token, lease: holder?.lease, label: holder?.label },
          }))
          await printRows(context, output, rows, 'name')
          if (rows.length === 0 && output === 'table') await note(context, 'Nothing is held or waited for.')
        }),
    )
}
