/** `nitrostate auth enable|disable|status` */
import { Command } from 'commander'
import { note, type CliContext } from '../context.ts'
import { printRecord } from '../output.ts'
import { usesCluster, withClient } from '../shared.ts'

const examples = `
Examples:
  nitrostate user add root < password.txt          there must be a user root ...
  nitrostate user grant-role root root             ... with the role root
  nitrostate auth enable                           before permissions can be put in force
  NITROSTATE_USER=root NITROSTATE_PASSWORD=... nitrostate user list`

/** Whether permissions are in force. */
export function authCommand(context: CliContext): Command {
  return new Command('auth')
    .description('put permissions in force, or out of it')
    .addHelpText('after', examples)
    .addCommand(switchCommand(context, 'enable', 'check every request from now on'))
    .addCommand(switchCommand(context, 'disable', 'let everybody do everything; users, roles and permissions stay'))
    .addCommand(statusCommand(context))
}

function switchCommand(context: CliContext, word: 'enable' | 'disable', description: string): Command {
  return usesCluster(new Command(word))
    .description(description)
    .action((_options: unknown, command: Command) =>
      withClient(context, command, async ({ auth }, { timeoutMs }) => {
        await auth[word]({ timeoutMs })
        await note(context, `Permissions are ${word === 'enable' ? 'in force' : 'not in force any more'}.`)
      }),
    )
}

function statusCommand(context: CliContext): Command {
  return usesCluster(new Command('status'))
    .description('whether permissions are in force, and their auth revision')
    .action((_options: unknown, command: Command) =>
      withClient(context, command, async ({ auth }, { output, timeoutMs }) => {
        const { enabled, authRevision } = await auth.status({ timeoutMs })
        await printRecord(context, output ?? 'table', { enabled, authRevision }, 'enabled')
      }),
    )
}
