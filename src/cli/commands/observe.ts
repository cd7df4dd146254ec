/** `nitrostate observe NAME` */
import { Command } from 'commander'
import type { LeaderView } from '../../api/index.ts'
import { displayBytes } from '../bytes-text.ts'
import type { CliContext } from '../context.ts'
import { ExitWith, exitCodes } from '../exit-codes.ts'
import { jsonOf, printRecord, type OutputFormat, type Row } from '../output.ts'
import { usesCluster, withClient } from '../shared.ts'

const examples = `
Examples:
  nitrostate observe scheduler                     the leader, and each that follows, until Ctrl-C
  nitrostate observe scheduler --once -o value     who leads now; exit code 3 when nobody does`

/** Prints who leads. */
export function observeCommand(context: CliContext): Command {
  return usesCluster(new Command('observe'))
    .description('print who leads an election, now and after every change, until Ctrl-C')
    .argument('<name>', 'name of the election')
    .option('--once', 'only who leads now')
    .option('--namespace <namespace>', 'keeps the names of applications apart')
    .addHelpText('after', examples)
    .action(
      (name: string, { once, namespace }: { readonly once?: true; readonly namespace?: string }, command: Command) =>
        withClient(context, command, async ({ sync }, { output = 'table', timeoutMs }) => {
          if (once === true) {
            const { holders } = await sync.inspect(name, { kind: 'leader', namespace, timeoutMs })
            if (holders[0] === undefined) throw new ExitWith(exitCodes.notFound)
            return print(context, output, holders[0])
          }
          const interrupt = new AbortController()
          const stop = context.onInterrupt(() => interrupt.abort())
          try {
            for await (const leader of sync.observe(name, { namespace, signal: interrupt.signal })) {
              await print(context, output, leader)
            }
          } catch (error) {
            if (!interrupt.signal.aborted) throw error
          } finally {
            stop()
          }
        }),
    )
}

async function print(
  context: CliContext,
  output: OutputFormat,
  leader: Omit<LeaderView, 'text'> | undefined,
): Promise<void> {
  if (output === 'table') {
    const line =
      leader === undefined ? 'nobody leads' : `${displayBytes(leader.value)}  token ${leader.token}  ${leader.label}`
    return context.stdout.write(`${line.trimEnd()}\n`)
  }
  const row: Row =
    leader === undefined
      ? { leads: false, value: '' }
      : { leads: true, token: leader.token, value: leader.value, label: leader.label, sinceMs: leader.sinceMs }
  if (output !== 'json') return printRecord(context, output, row, 'value')
  // An endless list can't be one document: one follows the other.
  return context.stdout.write(`${JSON.stringify(jsonOf(row), undefined, 2)}\n`)
}
