/** Options of the daemon: gathered from flags, environment, file and defaults, in this order, and validated once here. */
import { NitroError } from '../../base/index.ts'
import {
  parseAddress,
  readBoolean,
  readList,
  readMilliseconds,
  readPeers,
  readText,
  type Given,
} from './setting-values.ts'
import { flagName, settingNames, settings, type SettingName } from './settings.ts'

/** Levels a log line can have, and `silent` for none. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
/** How log lines are written. */
export const logFormats = ['auto', 'json', 'pretty'] as const

/** Validated options of {@link runServer}. */
export interface ServerOptions {
  readonly name: string
  readonly dataDir: string
  readonly listen: string
  readonly advertise: string | undefined
  readonly peers: Readonly<Record<string, string>> | undefined
  readonly join: readonly string[] | undefined
  readonly learner: boolean
  readonly insecure: boolean
  /** Paths of program modules. */
  readonly programs: readonly string[]
  readonly tickMs: number | undefined
  readonly electionTimeoutMs: number | undefined
  readonly logLevel: (typeof logLevels)[number]
  readonly logFormat: (typeof logFormats)[number]
  readonly shutdownGraceMs: number
  readonly exitWithParent: boolean
}

/** Where values may come from; the first that has one wins. */
export interface ServerOptionSources {
  /** Values of command line flags by setting name. */
  readonly flags?: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** The parsed configuration file and its path. */
  readonly file?: { readonly path: string; readonly content: unknown }
}

const defaultAddress = '127.0.0.1:7401'

/**
 * Merges the sources and checks the result.
 * Throws `InvalidArgument`; the message names the flag, variable or file key the bad value came from.
 */
export function resolveServerOptions(sources: ServerOptionSources): ServerOptions {
  const given = gather(sources)
  const name = readText(given.name) ?? 'n1'
  checkName(name, given.name?.origin ?? '--name')
  const dataDir = readText(given.dataDir)
  if (dataDir === undefined) {
    throw new NitroError(
      'InvalidArgument',
      '--data-dir is required: the directory this node keeps its log and state in',
    )
  }
  const peers = readPeers(given.peers)
  for (const peer of Object.keys(peers ?? {})) checkName(peer, given.peers?.origin ?? '--peers')
  const join = readAddresses(given.join)
  checkMembership(given, name, peers, join)
  const listen = readAddress(given.listen) ?? peers?.[name] ?? defaultAddress
  const advertise = readAddress(given.advertise)
  if (advertise?.endsWith(':0')) throw invalid(given.advertise, 'port 0 is no address others can dial')
  return {
    name,
    dataDir,
    listen,
    advertise,
    peers,
    join,
    learner: readBoolean(given.learner) ?? false,
    insecure: readBoolean(given.insecure) ?? false,
    programs: readList(given.programs) ?? [],
    tickMs: readMilliseconds(given.tickMs, 1, 60_000),
    electionTimeoutMs: readMilliseconds(given.electionTimeoutMs, 3, 600_000),
    logLevel: readChoice(given.logLevel, logLevels) ?? 'info',
    logFormat: readChoice(given.logFormat, logFormats) ?? 'auto',
    shutdownGraceMs: readMilliseconds(given.shutdownGraceMs, 1, 600_000) ?? 10_000,
    exitWithParent: readBoolean(given.exitWithParent) ?? false,
  }
}

type GivenSettings = Partial<Record<SettingName, Given>>

function gather(sources: ServerOptionSources): GivenSettings {
  const file = fileContent(sources.file)
  const given: GivenSettings = {}
  for (const name of settingNames) {
    const { environment: variable } = settings[name]
    const flag = sources.flags?.[name]
    const environment = sources.environment?.[variable]
    if (flag !== undefined) given[name] = { value: flag, origin: flagName(settings[name]) }
    else if (environment !== undefined && environment !== '') given[name] = { value: environment, origin: variable }
    else if (file[name] !== undefined)
      given[name] = { value: file[name], origin: `"${name}" in ${sources.file?.path ?? ''}` }
  }
  return given
}

function fileContent(file: ServerOptionSources['file']): Readonly<Record<string, unknown>> {
  if (file === undefined) return {}
  const { content, path } = file
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new NitroError('InvalidArgument', `the configuration file ${path} must hold one JSON object`)
  }
  for (const key of Object.keys(content)) {
    if (!Object.hasOwn(settings, key)) {
      throw new NitroError('InvalidArgument', `unknown key "${key}" in ${path}; known are ${settingNames.join(', ')}`)
    }
  }
  return content as Readonly<Record<string, unknown>>
}

function checkName(name: string, origin: string): void {
  if (!/^[A-Za-z0-9._-]{1,63}$/.test(name)) {
    throw new NitroError(
      'InvalidArgument',
      `${origin}: a node's name is 1 to 63 letters, digits, ".", "_" or "-", not "${name}"`,
    )
  }
}

function checkMembership(
  given: GivenSettings,
  name: string,
  peers: Readonly<Record<string, string>> | undefined,
  join: readonly string[] | undefined,
): void {
  if (peers !== undefined && join !== undefined) {
    throw invalid(given.join, 'give either --peers (a new cluster) or --join (a running one), not both')
  }
  if (peers !== undefined && !Object.hasOwn(peers, name)) {
    throw invalid(
      given.peers,
      `the list has no "${name}", the name of this node; it has ${Object.keys(peers).join(', ')}`,
    )
  }
  if (readBoolean(given.learner) === true && join === undefined) {
    throw invalid(given.learner, 'only a node that joins a running cluster (--join) can be a learner')
  }
}

function readAddress(given: Given | undefined): string | undefined {
  const value = readText(given)
  if (value !== undefined && given !== undefined) parseAddress(value, given.origin)
  return value
}

function readAddresses(given: Given | undefined): readonly string[] | undefined {
  const values = readList(given)
  if (given !== undefined) for (const value of values ?? []) parseAddress(value, given.origin)
  return values
}

function readChoice<T extends string>(given: Given | undefined, choices: readonly T[]): T | undefined {
  const value = readText(given)
  if (value === undefined) return undefined
  const choice = choices.find((one) => one === value)
  if (choice === undefined) throw invalid(given, `must be one of ${choices.join(', ')}, not "${value}"`)
  return choice
}

function invalid(given: Given | undefined, why: string): NitroError {
  return new NitroError('InvalidArgument', `${given?.origin ?? 'options'}: ${why}`)
}
