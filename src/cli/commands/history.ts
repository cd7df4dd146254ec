/** `nitrostate history KEY` */
import { Command, Option } from 'commander'
import { NitroError } from '../../../base/index.ts'
import type { Consistency } from '../../api/index.ts'
import { integer } from '../arguments.ts'
import { escapeText } from '../bytes-text.ts'
import { note, type CliContext } from '../context.ts'
import { printRows, type Row } from '../output.ts'
import { consistencyOption, usesCluster, withClient } from '../shared.ts'

interface Options {
  readonly rev?: number
  readonly limit?: number
  readonly consistency: Consistency
}

const examples = `
Examples:
  nitrostate history config/mode
  nitrostate history config/mode --rev 100         begin with what it was at revision 100
  nitrostate history config/mode -o value          its values, newest first`

/** The versions of one key. */
export function historyCommand(context: CliContext): Command {
  return usesCluster(new Command('history'))
    .description('what is kept of the past of one key, newest first (exit code 3 when nothing is)')
    .argument('<key>', 'the key')
    .addOption(new Option('--rev <revision>', 'begin with what it was then').argParser(integer(1)))
    .addOption(new Option('--limit <count>', 'at most this many').argParser(integer(1, 10_000)))
    .addOption(consistencyOption())
    .addHelpText('after', examples)
    .action(async (key: string, { rev, limit, consistency }: Options, command: Command) => {
      await withClient(context, command, async ({ store }, { output = 'table', timeoutMs }) => {
        const history = await store.history(key, { revision: rev, limit, consistency, timeoutMs })
        if (history.versions.length === 0) {
          throw new NitroError('NotFound', `there is no history of "${escapeText(key)}"`)
        }
        // The value last: however long it is, it pushes nothing aside.
        const rows = history.versions.map(({ modRevision, version, lease, deleted, value }): Row => ({
          ...{ revision: modRevision, type: deleted ? 'delete' : 'put' },
          version: deleted ? undefined : version,
          lease: deleted ? undefined : lease,
          value: deleted ? undefined : value,
        }))
        await printRows(context, output, rows, 'value')
        if (history.more && limit === undefined) await note(context, 'There are older versions: give --limit or --rev.')
      })
    })
}
