/** `nitrostate lock NAME [-- COMMAND...]` and `nitrostate elect NAME VALUE [-- COMMAND...]` */
import { Command, Option } from 'commander'
import { NitroError } from '../../../base/index.ts'
import type { AcquireOptions } from '../../api/index.ts'
import { duration } from '../arguments.ts'
import { splitOperands } from '../child.ts'
import type { CliContext } from '../context.ts'
import { holdFor } from '../holding.ts'
import { usesCluster, withClient } from '../shared.ts'

interface Options {
  readonly ttl: number
  readonly wait?: number
  readonly maxHold?: number
  readonly label?: string
  readonly namespace?: string
  readonly grace: number
}

const child = `
The command gets NITROSTATE_NAME, NITROSTATE_TOKEN, NITROSTATE_LEASE and NITROSTATE_ENDPOINTS in its environment, and the exit code
is its own. When what it runs under is lost, it is sent SIGTERM, and SIGKILL after --grace; the exit code is then 4.`

const lockExamples = `${child}

Examples:
  nitrostate lock nightly -- ./backup.sh           one at a time in the whole cluster
  nitrostate lock nightly --wait 0 -- ./backup.sh  or not at all: exit code 1
  nitrostate lock nightly                          held until Ctrl-C`

const electExamples = `${child}

Examples:
  nitrostate elect scheduler host-a -- ./scheduler
  nitrostate observe scheduler                     who leads`

/** Runs a command under a lock. */
export function lockCommand(context: CliContext, childWords: number): Command {
  return holdOptions(usesCluster(new Command('lock')))
    .description('run a command under a lock, or hold it until Ctrl-C; exit code 4 when it is lost')
    .usage('[options] <name> [-- command...]')
    .argument('<name>', 'name of the lock')
    .argument('[command...]', 'what to run')
    .addHelpText('after', lockExamples)
    .action((_name: string, _command: readonly string[], options: Options, self: Command) => {
      const [own, child] = splitOperands(self, childWords)
      const [name = ''] = operands(own, 1)
      return withClient(context, self, ({ sync }, shared) =>
        holdFor(context, shared, {
          ...{ name, child, graceMs: options.grace },
          acquire: (signal) => sync.lock(name, { ...acquireOptions(options), signal }),
        }),
      )
    })
}

/** Runs a command as a leader. */
export function electCommand(context: CliContext, childWords: number): Command {
  return holdOptions(usesCluster(new Command('elect')))
    .description(
      'run a command as the leader of an election, or lead until Ctrl-C; exit code 4 when leadership is lost',
    )
    .usage('[options] <name> <value> [-- command...]')
    .argument('<name>', 'name of the election')
    .argument('<value>', 'what observers see of this leader')
    .argument('[command...]', 'what to run')
    .addHelpText('after', electExamples)
    .action((_name: string, _value: string, _command: readonly string[], options: Options, self: Command) => {
      const [own, child] = splitOperands(self, childWords)
      const [name = '', value = ''] = operands(own, 2)
      return withClient(context, self, ({ sync }, shared) =>
        holdFor(context, shared, {
          ...{ name, child, graceMs: options.grace },
          acquire: (signal) => sync.leader(name, { ...acquireOptions(options), value, signal }),
        }),
      )
    })
}

function holdOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--ttl <time>', 'how long the cluster waits for a silent holder')
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .addOption(
      new Option('--wait <time>', 'how long to wait for it; 0 tries once (default: as long as it takes)').argParser(
        waitTime,
      ),
    )
    .addOption(new Option('--max-hold <time>', 'it ends by itself after so long').argParser(duration))
    .option('--label <text>', 'what others see in "nitrostate locks"')
    .option('--namespace <namespace>', 'keeps the names of applications apart')
    .addOption(
      new Option('--grace <time>', 'how long the command may take to end').argParser(duration).default(10_000, '10s'),
    )
}

function waitTime(text: string): number {
  return text === '0' ? 0 : duration(text)
}

function acquireOptions({ ttl, wait, maxHold, label, namespace }: Options): AcquireOptions {
  return { ttl, wait, maxHold, label, namespace }
}

function operands(own: readonly string[], count: number): readonly string[] {
  if (own.length === count) return own
  throw new NitroError('InvalidArgument', 'too many or too few arguments; a command to run stands after "--"')
}
