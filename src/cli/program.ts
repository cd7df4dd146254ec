/** The command tree, and the one place where anything thrown becomes a message and an exit code. */
import { Command, CommanderError } from 'commander'
import { version } from '../server/index.ts'
import { wordsAfterDashes } from './child.ts'
import { authCommand } from './commands/auth.ts'
import { benchCommand } from './commands/bench.ts'
import { compactCommand } from './commands/compact.ts'
import { delCommand } from './commands/del.ts'
import { devCommand } from './commands/dev.ts'
import { exportCommand } from './commands/export.ts'
import { getCommand } from './commands/get.ts'
import { hashCommand } from './commands/hash.ts'
import { healthCommand } from './commands/health.ts'
import { historyCommand } from './commands/history.ts'
import { importCommand } from './commands/import.ts'
import { leaseCommand } from './commands/lease.ts'
import { electCommand, lockCommand } from './commands/lock.ts'
import { locksCommand } from './commands/locks.ts'
import { memberCommand } from './commands/member.ts'
import { observeCommand } from './commands/observe.ts'
import { putCommand } from './commands/put.ts'
import { rangeCommand } from './commands/range.ts'
import { roleCommand } from './commands/role.ts'
import { serverCommand } from './commands/server.ts'
import { snapshotCommand } from './commands/snapshot.ts'
import { statusCommand } from './commands/status.ts'
import { transferCommand } from './commands/transfer.ts'
import { txnCommand } from './commands/txn.ts'
import { userCommand } from './commands/user.ts'
import { watchCommand } from './commands/watch.ts'
import type { CliContext } from './context.ts'
import { errorText, exitCodeFor, exitCodes, ExitWith } from './exit-codes.ts'
import { refuseUnusedOptions, usesCluster } from './shared.ts'

const examples = `
Examples:
  nitrostate dev                                  a cluster of three on this machine, until Ctrl-C
  nitrostate put config/mode blue                 write a key
  nitrostate get config/mode                      read it, from any node, always the latest
  nitrostate range config/ -o json                read a prefix as JSON
  nitrostate watch --prefix config/               see it change
  nitrostate status                               how the nodes are

Exit codes: 0 ok, 1 error, 2 usage, 3 not found, 4 lease or lock lost, 5 unavailable.
Data is written to standard output, everything else to standard error. NO_COLOR is respected.`

/** The whole command tree, for a command line of which the last `childWords` stand after `--`. */
function buildProgram(context: CliContext, childWords: number): Command {
  const root = new Command('nitrostate')
    .description('A consensus-backed distributed state engine: run nodes, read and write keys, operate a cluster.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help; "nitrostate COMMAND --help" for one command')
    .showSuggestionAfterError()
    .addHelpText('after', examples)
  usesCluster(root).hook('preAction', refuseUnusedOptions)
  const groups: readonly (readonly [heading: string, commands: readonly Command[]])[] = [
    ['Nodes:', [devCommand(context), serverCommand(context)]],
    [
      'Keys:',
      [
        putCommand(context),
        getCommand(context),
        delCommand(context),
        rangeCommand(context),
        txnCommand(context),
        watchCommand(context, childWords),
        leaseCommand(context),
        historyCommand(context),
        compactCommand(context),
      ],
    ],
    [
      'Locks:',
      [
        lockCommand(context, childWords),
        electCommand(context, childWords),
        observeCommand(context),
        locksCommand(context),
      ],
    ],
    ['Transport of data:', [exportCommand(context), importCommand(context), snapshotCommand(context)]],
    ['Access:', [authCommand(context), userCommand(context), roleCommand(context)]],
    [
      'Cluster:',
      [
        statusCommand(context),
        healthCommand(context),
        memberCommand(context),
        transferCommand(context),
        hashCommand(context),
        benchCommand(context),
      ],
    ],
  ]
  for (const [heading, commands] of groups) {
    for (const command of commands) root.addCommand(command.helpGroup(heading))
  }
  root.helpCommand(false)
  return root
}

/** Runs one command line and resolves with the exit code; never rejects. */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  const root = buildProgram(context, wordsAfterDashes(args))
  const pending: Promise<void>[] = []
  forEachCommand(root, (command) => {
    command.exitOverride().configureOutput({
      writeOut: (text) => void pending.push(context.stdout.write(text)),
      writeErr: (text) => void pending.push(context.stderr.write(text)),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
  })
  try {
    await root.parseAsync(args, { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    if (!(error instanceof ExitWith)) await context.stderr.write(errorText(error))
    return exitCodeFor(error)
  } finally {
    await Promise.all(pending)
  }
}

/** Calls `visit` for a command and everything below it. */
export function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command)
  for (const child of command.commands) forEachCommand(child, visit)
}
