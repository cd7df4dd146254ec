/** `nitrostate server` */
import { Command } from 'commander'
import {
  loadDaemon,
  processHost,
  readConfigFile,
  resolveServerOptions,
  settingNames,
  settings,
} from '../../server/index.ts'
import type { CliContext } from '../context.ts'
import { ExitWith } from '../exit-codes.ts'

const examples = `
Each flag can also be given by its environment variable, NITROSTATE_ and the flag's name in capitals, or in the JSON file
of --config by its name in camelCase. Flags win over environment, environment over file, file over defaults.

Examples:
  nitrostate server --data-dir data/n1             one durable node on 127.0.0.1:7401

  PEERS=n1=127.0.0.1:7401,n2=127.0.0.1:7402,n3=127.0.0.1:7403
  nitrostate server --name n1 --data-dir data/n1 --peers $PEERS     the same list for n2 and n3

  nitrostate server --name n4 --data-dir data/n4 --listen 127.0.0.1:7404 --join 127.0.0.1:7401`

/** Runs one node until a signal ends it. */
export function serverCommand(context: CliContext): Command {
  const command = new Command('server')
    .description('run one node until SIGTERM or Ctrl-C')
    .option('--config <file>', 'JSON file with settings (env: NITROSTATE_CONFIG)')
  for (const name of settingNames) command.option(settings[name].flag, settings[name].help)
  return command.addHelpText('after', examples).action(async (flags: Readonly<Record<string, unknown>>) => {
    const { environment } = context
    const path = (flags['config'] as string | undefined) ?? environment['NITROSTATE_CONFIG']
    const file = path === undefined || path === '' ? {} : { file: await readConfigFile(path) }
    const options = resolveServerOptions({ flags, environment, ...file })
    const { runServer } = await loadDaemon()
    const code = await runServer(options, processHost(context.colors))
    throw new ExitWith(code)
  })
}
