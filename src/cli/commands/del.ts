/** `nitrostate del KEY` */
import { Command } from 'commander'
import { NitroError } from '../../../base/index.ts'
import type { CliContext } from '../context.ts'
import { printRecord } from '../output.ts'
import { usesCluster, withClient } from '../shared.ts'
import { addKeyRange, keyRange, type KeyRangeOptions } from './key-range.ts'

interface DelOptions extends KeyRangeOptions {
  readonly prefix?: string
  readonly all?: true
}

const examples = `
Examples:
  nitrostate del config/mode
  nitrostate del --prefix config/                  all below it, in one revision
  nitrostate del --all                             every key`

/** Deletes one key, or many in one revision. */
export function delCommand(context: CliContext): Command {
  const command = usesCluster(new Command('del'))
    .description('delete keys; prints how many there were')
    .argument('[key]', 'one key')
    .option('--prefix <prefix>', 'all keys that begin with it')
  return addKeyRange(command)
    .option('--all', 'every key there is')
    .addHelpText('after', examples)
    .action(async (key: string | undefined, options: DelOptions, self: Command) => {
      const range = options.all === true ? {} : keyRange(options.prefix, options)
      check(key, range !== undefined, options)
      await withClient(context, self, async ({ store }, { output, timeoutMs }) => {
        const result =
          key === undefined
            ? await store.deleteRange(range ?? {}, { timeoutMs })
            : await store.delete(key, { timeoutMs })
        const { deleted, revision } = result
        await printRecord(context, output ?? 'table', { deleted, revision }, 'deleted')
      })
    })
}

/** A slip of the keyboard must not delete everything: an empty prefix is not `--all`. */
function check(key: string | undefined, hasRange: boolean, { prefix, start, end, all }: DelOptions): void {
  if (prefix === '') throw new NitroError('InvalidArgument', 'the prefix is empty; to delete every key give --all')
  const more = prefix !== undefined || start !== undefined || end !== undefined
  if ((key !== undefined && hasRange) || (all === true && more)) {
    throw new NitroError('InvalidArgument', 'give one of: a key, --prefix, --start and --end, --all')
  }
  if (key === undefined && !hasRange) {
    throw new NitroError('InvalidArgument', 'give a key, --prefix, --start and --end, or --all')
  }
}
