/** `nitrostate export [PREFIX]` */
import { Command } from 'commander'
import type { Consistency } from '../../api/index.ts'
import { note, type CliContext } from '../context.ts'
import { dumpLine } from '../dump.ts'
import { showProgress } from '../progress.ts'
import { consistencyOption, usesCluster, withClient } from '../shared.ts'
import { keyRange } from './key-range.ts'

const examples = `
One JSON object a line: {"key":"a","value":"b"}; bytes that are no text stand as base64 under "key64" or "value64".
It is the state of one revision. For a backup take "nitrostate snapshot save".

Examples:
  nitrostate export > all.jsonl
  nitrostate export config/ | jq -r .key`

const chunkChars = 64 * 1024

/** Writes keys and values to standard output as JSON lines. */
export function exportCommand(context: CliContext): Command {
  return usesCluster(new Command('export'))
    .description('write keys and values to standard output as JSON lines')
    .argument('[prefix]', 'only keys that begin with it')
    .addOption(consistencyOption())
    .addHelpText('after', examples)
    .action((prefix: string | undefined, { consistency }: { readonly consistency: Consistency }, command: Command) =>
      withClient(context, command, async ({ store }, { timeoutMs }) => {
        const query = { ...keyRange(prefix, {}), consistency, timeoutMs }
        const { count } = await store.range({ ...query, countOnly: true })
        let done = 0
        const progress = context.stdout.isTerminal ? undefined : showProgress(context, 'exporting', () => done, count)
        let chunk = ''
        try {
          for await (const entry of store.entries(query)) {
            chunk += dumpLine(entry.key, entry.value)
            done++
            if (chunk.length < chunkChars) continue
            await context.stdout.write(chunk)
            chunk = ''
          }
          await context.stdout.write(chunk)
        } finally {
          await progress?.stop()
        }
        await note(context, `exported ${done} keys`)
      }),
    )
}
