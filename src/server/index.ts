/**
 * The daemon: options, one port, health, metrics, logs, shutdown. What this file imports is light, because every command
 * of the CLI loads it; the node and its libraries come with {@link runServer} only.
 */
import type { ServerHost } from './host.ts'
import type { ServerOptions } from './options.ts'

export { readConfigFile } from './config-file.ts'
export { processHost, type ServerHost } from './host.ts'
export { logFormats, logLevels, resolveServerOptions, type ServerOptions, type ServerOptionSources } from './options.ts'
export { prettyLine } from './pretty-log.ts'
export { parseAddress, readPeers } from './setting-values.ts'
export { flagName, settingNames, settings, type Setting, type SettingName } from './settings.ts'
export { version } from './version.ts'

/**
 * Runs a server until a signal or a fatal error ends it. Resolves with the exit code: 0 after a signal, 2 for bad
 * options, 5 when the cluster could not be reached, 1 for every other error. Never rejects.
 */
export async function runServer(options: ServerOptions, host: ServerHost): Promise<number> {
  const server = await import('./server.ts')
  return server.runServer(options, host)
}
