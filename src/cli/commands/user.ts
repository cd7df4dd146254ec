/** `nitrostate user add|delete|passwd|get|list|grant-role|revoke-role` */
import { Command } from 'commander'
import { NitroError } from '../../../base/index.ts'
import type { Auth, RequestOptions } from '../../api/index.ts'
import { readInput, type CliContext } from '../context.ts'
import { printRecord, printRows, type Row } from '../output.ts'
import { usesCluster, withClient } from '../shared.ts'

const examples = `
Passwords are read from the first line of standard input.

Examples:
  nitrostate user add ada < password.txt           a user with a password
  nitrostate user add robot --no-password          one that can't log in with a password
  nitrostate user grant-role ada app               what the role app may, ada may
  nitrostate user get ada -o json`

/** Users and their roles. */
export function userCommand(context: CliContext): Command {
  return new Command('user')
    .description('add, change and show users')
    .addHelpText('after', examples)
    .addCommand(addCommand(context))
    .addCommand(
      simple(context, 'delete', 'delete a user', (auth, name, options) => auth.userDelete(name, options), 'deleted'),
    )
    .addCommand(passwordCommand(context))
    .addCommand(getCommand(context))
    .addCommand(listCommand(context))
    .addCommand(roleCommand(context, 'grant-role', 'give a user a role', 'granted'))
    .addCommand(roleCommand(context, 'revoke-role', 'take a role from a user', 'revoked'))
}

function addCommand(context: CliContext): Command {
  return usesCluster(new Command('add'))
    .description('add a user; its password is the first line of standard input')
    .argument('<name>', 'name of the user')
    .option('--no-password', 'a user that can not log in with a password')
    .action(async (name: string, { password: hasPassword }: { readonly password: boolean }, command: Command) => {
      const password = hasPassword ? await readPassword(context) : undefined
      await change(context, command, { added: name }, (auth, options) =>
        auth.userAdd(name, { ...options, password, noPassword: !hasPassword }),
      )
    })
}

function passwordCommand(context: CliContext): Command {
  return usesCluster(new Command('passwd'))
    .description('change a password to the first line of standard input; tokens of the user become void')
    .argument('<name>', 'name of the user')
    .action(async (name: string, _options: unknown, command: Command) => {
      const password = await readPassword(context)
      await change(context, command, { changed: name }, (auth, options) =>
        auth.userChangePassword(name, password, options),
      )
    })
}

function getCommand(context: CliContext): Command {
  return usesCluster(new Command('get'))
    .description('the roles of a user')
    .argument('<name>', 'name of the user')
    .action((name: string, _options: unknown, command: Command) =>
      withClient(context, command, async ({ auth }, { output, timeoutMs }) => {
        const { roles, noPassword } = await auth.userGet(name, { timeoutMs })
        await printRecord(context, output ?? 'table', { name, roles, password: !noPassword }, 'roles')
      }),
    )
}

function listCommand(context: CliContext): Command {
  return usesCluster(new Command('list'))
    .description('the names of all users')
    .action((_options: unknown, command: Command) =>
      withClient(context, command, async ({ auth }, { output, timeoutMs }) => {
        const names = await auth.userList({ timeoutMs })
        await printRows(
          context,
          output ?? 'table',
          names.map((name) => ({ name })),
          'name',
        )
      }),
    )
}

function roleCommand(context: CliContext, word: string, description: string, past: 'granted' | 'revoked'): Command {
  return usesCluster(new Command(word))
    .description(description)
    .argument('<name>', 'name of the user')
    .argument('<role>', 'name of the role')
    .action((name: string, role: string, _options: unknown, command: Command) =>
      change(context, command, { [past]: role, user: name }, (auth, options) =>
        past === 'granted' ? auth.userGrantRole(name, role, options) : auth.userRevokeRole(name, role, options),
      ),
    )
}

/** A change that takes a name and nothing else. */
function simple(
  context: CliContext,
  word: string,
  description: string,
  run: (auth: Auth, name: string, options: RequestOptions) => Promise<void>,
  past: string,
): Command {
  return usesCluster(new Command(word))
    .description(description)
    .argument('<name>', 'name of the user')
    .action((name: string, _options: unknown, command: Command) =>
      change(context, command, { [past]: name }, (auth, options) => run(auth, name, options)),
    )
}

/** Runs one change and prints it. */
export async function change(
  context: CliContext,
  command: Command,
  row: Row,
  run: (auth: Auth, options: RequestOptions) => Promise<void>,
): Promise<void> {
  await withClient(context, command, async ({ auth }, { output, timeoutMs }) => {
    await run(auth, { timeoutMs })
    await printRecord(context, output ?? 'table', row, Object.keys(row)[0] ?? '')
  })
}

async function readPassword(context: CliContext): Promise<string> {
  const [line = ''] = Buffer.from(await readInput(context.stdin))
    .toString('utf8')
    .split(/\r?\n/, 1)
  if (line !== '') return line
  throw new NitroError('InvalidArgument', 'no password: write it to standard input, as its first line')
}
