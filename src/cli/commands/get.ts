/** `nitrostate get KEY` */
import { Command, Option } from 'commander'
import { NitroError } from '../../../base/index.ts'
import type { Consistency } from '../../api/index.ts'
import { integer } from '../arguments.ts'
import { escapeText } from '../bytes-text.ts'
import type { CliContext } from '../context.ts'
import { printRecord } from '../output.ts'
import { consistencyOption, usesCluster, withClient } from '../shared.ts'

interface Options {
  readonly rev?: number
  readonly consistency: Consistency
}

const examples = `
Examples:
  nitrostate get config/mode
  nitrostate get config/logo > logo.png            the exact bytes
  nitrostate get config/mode -o json               value, revisions and version`

/** Reads one key; by default its raw value goes to standard output. */
export function getCommand(context: CliContext): Command {
  return usesCluster(new Command('get'))
    .description('read one key; prints its value as it is (exit code 3 when there is none)')
    .argument('<key>', 'the key')
    .addOption(new Option('--rev <revision>', 'as it was at this revision').argParser(integer(1)))
    .addOption(consistencyOption())
    .addHelpText('after', examples)
    .action(async (key: string, { rev, consistency }: Options, command: Command) => {
      await withClient(context, command, async ({ store }, { output, timeoutMs }) => {
        const entry = await store.get(key, { revision: rev, timeoutMs, consistency })
        if (entry === undefined) throw new NitroError('NotFound', `there is no key "${escapeText(key)}"`)
        if (output === undefined || output === 'value') return writeValue(context, entry.value)
        const { createRevision, modRevision, version, lease } = entry
        return printRecord(
          context,
          output,
          { key: entry.key, value: entry.value, createRevision, modRevision, version, lease },
          'value',
        )
      })
    })
}

/** Exactly the bytes; on a terminal a missing last newline is added, so that the prompt stands on its own line. */
async function writeValue(context: CliContext, value: Uint8Array): Promise<void> {
  await context.stdout.write(value)
  if (context.stdout.isTerminal && value.at(-1) !== 10) await context.stdout.write('\n')
}
