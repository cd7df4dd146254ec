/**
 * The daemon: options, one port, health, metrics, logs, shutdown. What this file imports is light, because every command
 * of the CLI loads it; the rest, with the node and its libraries, comes with {@link loadDaemon}.
 */
export { readConfigFile } from './config-file.ts'
export { processHost, type ServerHost } from './host.ts'
export { resolveServerOptions, type ServerOptions, type ServerOptionSources } from './options.ts'
export { prettyLine } from './pretty-log.ts'
export { readPeers } from './setting-values.ts'
export { settingNames, settings } from './settings.ts'
export { version } from './version.ts'

/** Loads `runServer` and what it is made of. */
export function loadDaemon(): Promise<typeof import('./daemon.ts')> {
  return import('./daemon.ts')
}
