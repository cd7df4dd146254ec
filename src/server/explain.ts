/** A fatal error as one paragraph for the person at the terminal: what happened, and the exact command that comes next. */
import { isNitroError, messageOf, type ErrorCode, type NitroError } from '../../base/index.ts'
import type { ServerOptions } from './options.ts'

/** Exit codes of the daemon; the CLI has the same table. */
export const serverExit = { ok: 0, error: 1, usage: 2, unavailable: 5 } as const

type Advice = (options: ServerOptions, error: NitroError) => string

const advice: Partial<Record<ErrorCode, Advice>> = {
  IdentityLost: (options) => replaceCommands(options, 'Next, while the other members have a quorum:'),
  LogDamaged: (options) =>
    `A vote or an acknowledged write may be gone, so this node must not take part as it is. ${replaceAdvice(options)}`,
  Removed: (options) =>
    `The cluster has taken "${options.name}" out. To bring it back as a new member, keep the old directory aside and run:\n` +
    `  nitrostate member add ${options.name} ${address(options)} --endpoints ${others(options)}\n` +
    `  ${startCommand(options)}`,
  WrongCluster: (options) =>
    `The directory ${options.dataDir} belongs to another cluster than the one at these addresses. ` +
    'Check --peers or --join, or give another --data-dir.',
  DuplicateName: (options) =>
    `Another running process calls itself "${options.name}". Stop it, or start this one with another --name.`,
  AddressInUse: (options) =>
    `Something already listens on ${options.listen}. See what it is, or choose another address with --listen:\n` +
    `  lsof -nP -iTCP:${options.listen.slice(options.listen.lastIndexOf(':') + 1)} -sTCP:LISTEN`,
  InsecureAddress: (options) =>
    `Other hosts could reach ${options.listen}, and links are not encrypted yet. ` +
    'Listen on 127.0.0.1, or add --insecure if the network between the nodes is trusted.',
  DirectoryLocked: (options) =>
    `Another process uses ${options.dataDir}. Stop it, or give this node a directory of its own with --data-dir.`,
  DirectoryUnusable: (options) =>
    `Make ${options.dataDir} readable and writable for this user, for example:\n  mkdir -p ${options.dataDir} && ls -ld ${options.dataDir}`,
  DiskFull: (options) =>
    `Free space on the disk of ${options.dataDir}, then start the node again; nothing acknowledged is lost:\n  df -h ${options.dataDir}`,
  DiskFailed: (options) =>
    `The disk under ${options.dataDir} refused a write, so what it holds is not certain. Check the disk ` +
    '(dmesg, SMART), then start the node again: it verifies its log and says whether it can go on.',
  StateDiverged: (options) =>
    `The state of this node differs from that of a quorum at the same log index. ${replaceAdvice(options)}`,
  UnsupportedFormat: () => 'The data was written by a newer version. Start this node with that version again.',
  UnsupportedVersion: () => 'Start this node with a version the other members understand; see "nitrostate --version".',
  MemberUnknown: (options) =>
    `Reserve the place first, then start this node again:\n` +
    `  nitrostate member add ${options.name} ${address(options)} --endpoints ${others(options)}`,
  NotBootstrapped: (options) =>
    `A new cluster forms once every node of --peers is running with the same list: ${peerList(options)}.`,
}

/** The paragraph for standard error, newline included. */
export function explainFatal(error: unknown, options: ServerOptions): string {
  if (!isNitroError(error)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
    return `error: internal: ${stack}\nThis is a defect in NitroState; the node stopped rather than go on.\n`
  }
  const next = advice[error.code]?.(options, error)
  return `error: ${error.code}: ${error.message}\n${next === undefined ? '' : `${next}\n`}`
}

/** The exit code for an error that ended the server. */
export function exitCodeOf(error: unknown): number {
  if (!isNitroError(error)) return serverExit.error
  switch (error.code) {
    case 'InvalidArgument':
    case 'InsecureAddress':
      return serverExit.usage
    case 'Unavailable':
    case 'Timeout':
    case 'NotBootstrapped':
      return serverExit.unavailable
    default:
      return serverExit.error
  }
}

function replaceAdvice(options: ServerOptions): string {
  const { name, dataDir, listen, peers, join } = options
  if (peers !== undefined && Object.keys(peers).length < 2 && join === undefined) {
    return (
      'There is no other member to rebuild from. Restore the last snapshot into an empty directory:\n' +
      `  nitrostate snapshot restore SNAPSHOT --name ${name} --data-dir ${dataDir}.restored --listen ${listen}`
    )
  }
  return replaceCommands(
    options,
    'While the other members have a quorum, replace this node: keep the old directory aside, give its place to a new ' +
      'process, and start that one with an empty directory:',
  )
}

function replaceCommands(options: ServerOptions, lead: string): string {
  return (
    `${lead}\n` +
    `  mv ${options.dataDir} ${options.dataDir}.lost\n` +
    `  nitrostate member replace ${options.name} --endpoints ${others(options)}\n` +
    `  ${startCommand(options)}`
  )
}

function startCommand(options: ServerOptions): string {
  return `nitrostate server --name ${options.name} --data-dir ${options.dataDir} --listen ${options.listen} --join ${others(options)}`
}

function address(options: ServerOptions): string {
  return options.advertise ?? options.listen
}

/** Addresses of the other members as far as the options name them. */
function others(options: ServerOptions): string {
  const fromPeers = Object.entries(options.peers ?? {}).filter(([name]) => name !== options.name)
  const list = options.join ?? fromPeers.map(([, at]) => at)
  return list.length === 0 ? 'HOST:PORT' : list.join(',')
}

function peerList(options: ServerOptions): string {
  return Object.entries(options.peers ?? {})
    .map(([name, at]) => `${name}=${at}`)
    .join(',')
}
