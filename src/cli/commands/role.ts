/** `nitrostate role add|delete|get|list|grant-permission|revoke-permission` */
import { Argument, Command } from 'commander'
import { NitroError, fromLatin1, latin1, prefixEnd, utf8 } from '../../../base/index.ts'
import { programPermissionKey } from '../../../execution/codec.ts'
import type { Access, Permission } from '../../api/index.ts'
import type { CliContext } from '../context.ts'
import { printRows, type Row } from '../output.ts'
import { usesCluster, withClient } from '../shared.ts'
import { change } from './user.ts'

const examples = `
Examples:
  nitrostate role add app
  nitrostate role grant-permission app readwrite app/ --prefix     all keys that begin with app/
  nitrostate role grant-permission app read config/mode            one key
  nitrostate role grant-permission app read a c                    from a up to c, without c
  nitrostate role grant-permission app write bank --program        call the methods of a program
  nitrostate role revoke-permission app app/ --prefix`

/** Which keys a permission is of, beside what is given as words. */
interface RangeFlags {
  readonly prefix?: true
  readonly fromKey?: true
  readonly program?: true
}

/** Roles and their permissions. */
export function roleCommand(context: CliContext): Command {
  return new Command('role')
    .description('add, change and show roles, which are what users are allowed')
    .addHelpText('after', examples)
    .addCommand(nameCommand(context, 'add', 'add a role', 'added'))
    .addCommand(nameCommand(context, 'delete', 'delete a role, and take it from its users', 'deleted'))
    .addCommand(getCommand(context))
    .addCommand(listCommand(context))
    .addCommand(grantCommand(context))
    .addCommand(revokeCommand(context))
}

function nameCommand(context: CliContext, word: string, description: string, past: 'added' | 'deleted'): Command {
  return usesCluster(new Command(word))
    .description(description)
    .argument('<role>', 'name of the role')
    .action((role: string, _options: unknown, command: Command) =>
      change(context, command, { [past]: role }, (auth, options) =>
        past === 'added' ? auth.roleAdd(role, options) : auth.roleDelete(role, options),
      ),
    )
}

function getCommand(context: CliContext): Command {
  return usesCluster(new Command('get'))
    .description('what a role allows')
    .argument('<role>', 'name of the role')
    .action((role: string, _options: unknown, command: Command) =>
      withClient(context, command, async ({ auth }, { output, timeoutMs }) => {
        const { permissions } = await auth.roleGet(role, { timeoutMs })
        await printRows(context, output ?? 'table', permissions.map(rowOf), 'key')
      }),
    )
}

function rowOf({ access, key, rangeEnd }: Permission): Row {
  return { access, key, rangeEnd }
}

function listCommand(context: CliContext): Command {
  return usesCluster(new Command('list'))
    .description('the names of all roles')
    .action((_options: unknown, command: Command) =>
      withClient(context, command, async ({ auth }, { output, timeoutMs }) => {
        const names = await auth.roleList({ timeoutMs })
        await printRows(
          context,
          output ?? 'table',
          names.map((name) => ({ name })),
          'name',
        )
      }),
    )
}

function grantCommand(context: CliContext): Command {
  const command = usesCluster(new Command('grant-permission'))
    .description('let a role read or write keys')
    .argument('<role>', 'name of the role')
    .addArgument(new Argument('<access>', 'what is allowed').choices(['read', 'write', 'readwrite'] satisfies Access[]))
  return withRange(command).action(
    (role: string, access: Access, key: string, end: string | undefined, flags: RangeFlags, self: Command) =>
      change(context, self, { granted: access, role }, async (auth, options) =>
        auth.roleGrantPermission(role, { access, ...rangeOf(key, end, flags) }, options),
      ),
  )
}

function revokeCommand(context: CliContext): Command {
  const command = usesCluster(new Command('revoke-permission'))
    .description('take a permission from a role: of just the keys that it was given for')
    .argument('<role>', 'name of the role')
  return withRange(command).action(
    (role: string, key: string, end: string | undefined, flags: RangeFlags, self: Command) =>
      change(context, self, { revoked: key, role }, async (auth, options) => {
        const range = rangeOf(key, end, flags)
        return auth.roleRevokePermission(role, range.key, range.rangeEnd, options)
      }),
  )
}

function withRange(command: Command): Command {
  return command
    .argument('<key>', 'the key, or where the keys begin')
    .argument('[end]', 'up to this key, without it')
    .option('--prefix', 'all keys that begin with the key')
    .option('--from-key', 'all keys from the key on')
    .option('--program', 'the key is the name of a program: write to call its methods, read for its queries')
}

/** Throws `InvalidArgument`. */
function rangeOf(
  given: string,
  end: string | undefined,
  { prefix, fromKey, program }: RangeFlags,
): { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array } {
  if ([end, prefix, fromKey, program].filter((one) => one !== undefined).length > 1) {
    throw new NitroError('InvalidArgument', 'give one of an end, --prefix, --from-key and --program')
  }
  const all = Uint8Array.of(0)
  if (program === true) return { key: fromLatin1(programPermissionKey(given)) }
  if (given === '') {
    if (prefix === true || fromKey === true) return { key: all, rangeEnd: all }
    throw new NitroError('InvalidArgument', 'the key is empty')
  }
  const key = utf8(given)
  if (fromKey === true) return { key, rangeEnd: all }
  if (prefix !== true) return end === undefined ? { key } : { key, rangeEnd: utf8(end) }
  const after = prefixEnd(latin1(key))
  return { key, rangeEnd: after === undefined ? all : fromLatin1(after) }
}
