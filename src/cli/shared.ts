/** Options that every command talking to a cluster has, and the connection made of them. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { NitroError } from '../../base/index.ts'
import type { Consistency } from '../api/index.ts'
import type { Client } from '../client/index.ts'
import { duration, endpointList } from './arguments.ts'
import type { CliContext } from './context.ts'
import { outputFormats, type OutputFormat } from './output.ts'

/** Where a local cluster of three listens. */
export const defaultEndpoints: readonly string[] = ['127.0.0.1:7401', '127.0.0.1:7402', '127.0.0.1:7403']

const defaultTimeoutMs = 10_000
const connectTimeoutMs = 3000
/** One node that is asked by itself answers soon or is away. */
const probeTimeoutMs = 2000

/** Values of the shared options. */
export interface SharedOptions {
  readonly endpoints: readonly string[]
  /** Undefined when the command's own default is to be used. */
  readonly output: OutputFormat | undefined
  readonly timeoutMs: number
  /** Who to log in as; nobody without. */
  readonly login?: { readonly user: string; readonly password: string } | undefined
}

const sharedNames = ['endpoints', 'user', 'output', 'timeout'] as const

function sharedOption(name: (typeof sharedNames)[number]): Option {
  switch (name) {
    case 'endpoints':
      return new Option(
        '--endpoints <host:port,...>',
        `nodes to talk to (env: NITROSTATE_ENDPOINTS, default: ${defaultEndpoints.join(',')})`,
      ).argParser(endpointList)
    case 'user':
      return new Option(
        '--user <name>',
        'who to log in as (env: NITROSTATE_USER); the password is taken from NITROSTATE_PASSWORD',
      )
    case 'output':
      return new Option('-o, --output <format>', 'how to print data').choices(outputFormats)
    case 'timeout':
      return new Option(
        '--timeout <time>',
        'how long a request may take, such as 500ms or 10s; without a unit, milliseconds (default: 10s)',
      ).argParser(duration)
  }
}

/**
 * Adds shared options to a command; all of them unless `names` says which. The root has them too, so that they may stand
 * before the command's name as well.
 */
export function usesCluster(command: Command, names: readonly (typeof sharedNames)[number][] = sharedNames): Command {
  for (const name of names) command.addOption(sharedOption(name).helpGroup('Common options:'))
  return command
}

/** Refuses shared options that were given to a command which has no use for them. Throws `InvalidArgument`. */
export function refuseUnusedOptions(root: Command, command: Command): void {
  for (const name of sharedNames) {
    const known = command.options.some((option) => option.attributeName() === name)
    if (!known && root.getOptionValue(name) !== undefined) {
      throw new NitroError('InvalidArgument', `"${command.name()}" has no option --${name}`)
    }
  }
}

/** The option that tells where reads are answered from. */
export function consistencyOption(): Option {
  return new Option(
    '--consistency <level>',
    'linearizable: sees every acknowledged write; committed: at once, may be old',
  )
    .choices(['linearizable', 'committed'] satisfies Consistency[])
    .default('linearizable' satisfies Consistency)
}

/** Reads the shared options. Throws `InvalidArgument` for a bad NITROSTATE_ENDPOINTS, or a user without a password. */
export function sharedOptions(context: CliContext, command: Command): SharedOptions {
  const given = command.optsWithGlobals<
    Partial<SharedOptions> & { readonly timeout?: number; readonly user?: string }
  >()
  return {
    endpoints: given.endpoints ?? environmentEndpoints(context) ?? defaultEndpoints,
    output: given.output,
    timeoutMs: given.timeout ?? defaultTimeoutMs,
    login: loginOf(context, given.user ?? context.environment['NITROSTATE_USER']),
  }
}

/** Connects, runs, and closes the connection whatever happened. */
export async function withClient<T>(
  context: CliContext,
  command: Command,
  run: (client: Client, shared: SharedOptions) => Promise<T>,
): Promise<T> {
  const shared = sharedOptions(context, command)
  const client = await openClient(context, shared, shared.endpoints)
  try {
    return await run(client, shared)
  } finally {
    await client.close()
  }
}

/** Like {@link withClient}, to one node and no other: the connection does not move on to the leader. */
export async function withNode<T>(
  context: CliContext,
  { timeoutMs, login }: SharedOptions,
  endpoint: string,
  run: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await context.connect({
    endpoints: [endpoint],
    ...login,
    timeoutMs,
    connectTimeoutMs: Math.min(timeoutMs, probeTimeoutMs),
    followLeader: false,
  })
  try {
    return await run(client)
  } finally {
    await client.close()
  }
}

/** One more connection; the caller closes it. */
export function openClient(context: CliContext, shared: SharedOptions, endpoints: readonly string[]): Promise<Client> {
  return context.connect({
    endpoints,
    ...shared.login,
    timeoutMs: shared.timeoutMs,
    connectTimeoutMs: Math.min(shared.timeoutMs, connectTimeoutMs),
  })
}

function loginOf(context: CliContext, user: string | undefined): SharedOptions['login'] {
  if (user === undefined || user === '') return undefined
  const password = context.environment['NITROSTATE_PASSWORD']
  if (password !== undefined) return { user, password }
  throw new NitroError('InvalidArgument', `no password for ${user}: set NITROSTATE_PASSWORD`)
}

function environmentEndpoints(context: CliContext): readonly string[] | undefined {
  const value = context.environment['NITROSTATE_ENDPOINTS']
  if (value === undefined || value.trim() === '') return undefined
  try {
    return endpointList(value)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new NitroError('InvalidArgument', `NITROSTATE_ENDPOINTS: ${error.message}`, { cause: error })
  }
}
