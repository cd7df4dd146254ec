/** `nitrostate get KEY` */
import { Command } from 'commander'
import { NitroError } from '../../../base/index.ts'
import type { Consistency } from '../../api/index.ts'
import { escapeText } from '../bytes-text.ts'
import type { CliContext } from '../context.ts'
import { printRecord } from '../output.ts'
import { consistencyOption, usesCluster, withClient } from '../shared.ts'

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
    .addOption(consistencyOption())
    .addHelpText('after', examples)
    .action(async (key: string, options: { readonly consistency: Consistency }, command: Command) => {
      await withClient(context, command, async ({ store }, { output, timeoutMs }) => {
        const entry = await store.get(key, { timeoutMs, consistency: options.consistency })
        if (entry === undefined) throw new NitroError('NotFound', `there is no key "${escapeText(key)}"`)
        if (output === undefined || output === 'value') return writeValue(context, entry.value)
        const { createRevision, modRevision, version } = entry
        return printRecord(
          context,
          output,
          { key: entry.key, value: entry.value, createRevision, modRevision, version },
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
