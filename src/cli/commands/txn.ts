/** `nitrostate txn` */
import { Command } from 'commander'
import { NitroError } from '../../../base/index.ts'
import { note, readInput, type CliContext } from '../context.ts'
import { usesCluster, withClient } from '../shared.ts'
import { fill } from '../txn/document.ts'
import { printResult } from '../txn/result.ts'
import { parseTxn } from '../txn/text.ts'

const examples = `
Reads one transaction from standard input: conditions after "if", operations that run when all hold after "then", operations that
run otherwise after "else". One a line; words with spaces stand in double quotes; # begins a comment.

Examples:
  nitrostate txn <<END
  if
    version jobs/7 = 0             value, version, create, mod, lease with = != < >
    exists workers/3               exists, missing
    missing prefix locks/          prefix P, or from A to B: every key of it
  then
    put jobs/7 mine lease 12 prev
    del prefix old/
    txn                            one within: if, then, else
      if
        exists a
      then
        get a
    end
  else
    get jobs/7 rev 100
    range prefix jobs/ limit 10    also: sort mod, reverse, keys-only, count-only
  END
  echo '{"if":[{"test":"missing","key":"a"}],"then":[{"op":"put","key":"a","value":"1"}]}' | nitrostate txn -o json`

/** Runs one transaction. */
export function txnCommand(context: CliContext): Command {
  return usesCluster(new Command('txn'))
    .description('run a transaction given on standard input, as lines or as JSON')
    .addHelpText('after', examples)
    .action(async (_options: unknown, command: Command) => {
      if (context.stdin.isTerminal) await note(context, 'Type the transaction; Ctrl-D ends it.')
      const document = parse(Buffer.from(await readInput(context.stdin)).toString('utf8'))
      await withClient(context, command, async ({ store }, { output = 'table', timeoutMs }) => {
        const result = await fill(store.txn(), document).commit({ timeoutMs })
        await printResult(context, output, result)
      })
    })
}

function parse(text: string): unknown {
  if (text.trim() === '')
    throw new NitroError('InvalidArgument', 'standard input is empty; see "nitrostate txn --help"')
  if (!text.trimStart().startsWith('{')) return parseTxn(text)
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new NitroError('InvalidArgument', `standard input is no JSON: ${(error as Error).message}`, { cause: error })
  }
}
