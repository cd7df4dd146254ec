/**
 * The server's settings as one table: each row is a command line flag, an environment variable and a key of the
 * configuration file at once, so that none of the three can be forgotten. `options.ts` reads values through it.
 */

/** How a setting's text is read. */
export type SettingKind = 'text' | 'boolean' | 'milliseconds' | 'list' | 'peers'

/** One setting. */
export interface Setting {
  readonly kind: SettingKind
  /** Long flag with its placeholder, as commander takes it. */
  readonly flag: string
  readonly environment: string
  readonly help: string
}

const setting = (kind: SettingKind, flag: string, environment: string, help: string): Setting => ({
  kind,
  flag,
  environment,
  help,
})

/** Every setting of `nitrostate server`; the property name is the key in the configuration file. */
export const settings = {
  name: setting('text', '--name <name>', 'NITROSTATE_NAME', 'name of this node, unique in the cluster (default: n1)'),
  dataDir: setting(
    'text',
    '--data-dir <dir>',
    'NITROSTATE_DATA_DIR',
    'directory of log, state and identity (required)',
  ),
  listen: setting(
    'text',
    '--listen <host:port>',
    'NITROSTATE_LISTEN',
    "address to listen on (default: this node's address in --peers, else 127.0.0.1:7401)",
  ),
  advertise: setting(
    'text',
    '--advertise <host:port>',
    'NITROSTATE_ADVERTISE',
    'address others reach this node under (default: the listen address)',
  ),
  peers: setting(
    'peers',
    '--peers <name=host:port,...>',
    'NITROSTATE_PEERS',
    'all first members of a new cluster, this node among them; the same list on each',
  ),
  join: setting('list', '--join <host:port,...>', 'NITROSTATE_JOIN', 'members of a running cluster to join'),
  learner: setting(
    'boolean',
    '--learner',
    'NITROSTATE_LEARNER',
    'after joining stay a learner, until "nitrostate member promote"',
  ),
  insecure: setting(
    'boolean',
    '--insecure',
    'NITROSTATE_INSECURE',
    'allow a listen address other hosts can reach, although links are not encrypted yet',
  ),
  programs: setting(
    'list',
    '--programs <file.js,...>',
    'NITROSTATE_PROGRAMS',
    'modules whose default export is an array of programs, several versions of one if wanted',
  ),
  tickMs: setting(
    'milliseconds',
    '--tick-ms <ms>',
    'NITROSTATE_TICK_MS',
    'length of one tick: heartbeats are sent each tick (default: 50)',
  ),
  electionTimeoutMs: setting(
    'milliseconds',
    '--election-timeout-ms <ms>',
    'NITROSTATE_ELECTION_TIMEOUT_MS',
    'silence after which a follower stands for election, at least 3 ticks (default: 500)',
  ),
  logLevel: setting(
    'text',
    '--log-level <level>',
    'NITROSTATE_LOG_LEVEL',
    'debug, info, warn, error or silent (default: info)',
  ),
  logFormat: setting(
    'text',
    '--log-format <format>',
    'NITROSTATE_LOG_FORMAT',
    'json, pretty or auto: pretty on a terminal, else json (default: auto)',
  ),
  shutdownGraceMs: setting(
    'milliseconds',
    '--shutdown-grace-ms <ms>',
    'NITROSTATE_SHUTDOWN_GRACE_MS',
    'how long a stop may take before the process ends anyway (default: 10000)',
  ),
  exitWithParent: setting(
    'boolean',
    '--exit-with-parent',
    'NITROSTATE_EXIT_WITH_PARENT',
    'stop when standard input closes, so that no server outlives the process that started it',
  ),
} as const satisfies Record<string, Setting>

/** Name of a setting. */
export type SettingName = keyof typeof settings

/** All names, in the order of the table. */
export const settingNames = Object.keys(settings) as readonly SettingName[]

/** `--data-dir` of `--data-dir <dir>`. */
export function flagName(setting: Setting): string {
  return setting.flag.split(' ', 1)[0] ?? setting.flag
}
