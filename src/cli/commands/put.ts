/** `nitrostate put KEY [VALUE]` */
import { Command, Option } from 'commander'
import { integer } from '../arguments.ts'
import { note, readInput, type CliContext } from '../context.ts'
import { printRecord } from '../output.ts'
import { usesCluster, withClient } from '../shared.ts'

interface Options {
  readonly lease?: number
  readonly prev?: true
}

const examples = `
Examples:
  nitrostate put config/mode blue
  nitrostate put config/logo - < logo.png          any bytes, from standard input
  date | nitrostate put last/run                   the same without "-"`

/** Writes one key. */
export function putCommand(context: CliContext): Command {
  return usesCluster(new Command('put'))
    .description('write one key; prints the revision the write took')
    .argument('<key>', 'the key')
    .argument('[value]', 'the value; "-" or nothing reads it from standard input, byte for byte')
    .addOption(new Option('--lease <id>', 'attach the key to this lease').argParser(integer(1)))
    .option('--prev', 'with the value before')
    .addHelpText('after', examples)
    .action(async (key: string, value: string | undefined, { lease, prev }: Options, command: Command) => {
      await withClient(context, command, async ({ store }, { output, timeoutMs }) => {
        const bytes = value === undefined || value === '-' ? await fromInput(context) : value
        const { revision, previous } = await store.put(key, bytes, { lease, prev, timeoutMs })
        const before = previous && { prevRevision: previous.modRevision, prevValue: previous.value }
        await printRecord(context, output ?? 'table', { revision, ...before }, 'revision')
      })
    })
}

async function fromInput(context: CliContext): Promise<Uint8Array> {
  if (context.stdin.isTerminal) await note(context, 'Type the value; Ctrl-D ends it.')
  return readInput(context.stdin)
}
