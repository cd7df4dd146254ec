/** The options of a client, checked once. */
import { NitroError, silentLogger, systemClock, systemRandom, systemScheduler, timerMsMax } from '../../base/index.ts'
import type { Clock, Logger, Random, Scheduler } from '../../base/index.ts'
import type { Program } from '../../execution/index.ts'
import { formatAddress, parseAddress, wsTransport } from '../../net/index.ts'
import type { Transport } from '../../net/index.ts'
import { holderMs } from '../store/index.ts'
import type { HolderMs } from '../store/index.ts'
import type { Credentials } from './login.ts'

/** What a client stands on. */
export interface ClientPorts {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
  readonly transport: Transport
  /** How much of a time of the cluster has surely not passed by the clock here. Default: for clocks that are wrong by 1 % at most. */
  readonly holderMs: HolderMs
}

/** Options of `connect`. */
export interface ConnectOptions<List extends readonly Program[] = readonly Program[]> {
  /** Addresses of nodes, `host:port`; one that answers is enough. */
  readonly endpoints: readonly string[]
  /** Programs of `defineProgram` to call by their types; only names are used, they run on the nodes. */
  readonly programs?: List | undefined
  /** Who to log in as, with `password`. Default: nobody, which is enough as long as permissions are not in force. */
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** A token of a user, in place of user and password. */
  readonly token?: string | undefined
  /** How the client shows in the nodes' logs. Default `client`. */
  readonly name?: string | undefined
  /** Deadline of requests that give none, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number | undefined
  /** How long `connect` waits for the first endpoint to answer, in milliseconds. Default 5,000. */
  readonly connectTimeoutMs?: number | undefined
  /**
   * Whether to move on to the leader when a node tells of it, and away from a node that knows none for some seconds. Default
   * true; without, the node asked is the node that answers.
   */
  readonly followLeader?: boolean | undefined
  /** Where the client tells of lost connections and refusals. Default: nowhere. */
  readonly logger?: Logger | undefined
  /** Gives up connecting when aborted; has no meaning afterwards. */
  readonly signal?: AbortSignal | undefined
  /** Replaces the system's clock, scheduler, random source or transport, as the simulator does. */
  readonly ports?: Partial<ClientPorts> | undefined
}

/** Checked options. */
export interface ClientSettings {
  readonly endpoints: readonly string[]
  readonly name: string
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly followLeader: boolean
  readonly logger: Logger
  readonly signal: AbortSignal | undefined
  readonly credentials: Credentials | undefined
  readonly ports: ClientPorts
}

const endpointsMax = 64
/** A node that hangs on an open connection is left after three of these, well before a request's deadline. */
const clientKeepaliveMs = 1_000
const nameMax = 128

/** Checks options and fills in the defaults. Throws `InvalidArgument`. */
export function checkOptions(options: ConnectOptions): ClientSettings {
  const endpoints = [...new Set(options.endpoints.map(normalAddress))]
  if (endpoints.length === 0) throw invalid('endpoints is empty; give at least one address like 127.0.0.1:7401')
  if (endpoints.length > endpointsMax)
    throw invalid(`${endpoints.length} endpoints; at most ${endpointsMax} are allowed`)
  const name = options.name ?? 'client'
  if (name.length === 0 || name.length > nameMax)
    throw invalid(`name has ${name.length} characters, not 1 to ${nameMax}`)
  const scheduler = options.ports?.scheduler ?? systemScheduler
  return {
    endpoints,
    name,
    timeoutMs: checkMs(options.timeoutMs ?? 10_000, 'timeoutMs'),
    connectTimeoutMs: checkMs(options.connectTimeoutMs ?? 5_000, 'connectTimeoutMs'),
    followLeader: options.followLeader ?? true,
    logger: options.logger ?? silentLogger,
    signal: options.signal,
    credentials: credentialsOf(options),
    ports: {
      clock: options.ports?.clock ?? systemClock,
      scheduler,
      random: options.ports?.random ?? systemRandom,
      transport: options.ports?.transport ?? wsTransport({ scheduler, keepaliveMs: clientKeepaliveMs }),
      holderMs: options.ports?.holderMs ?? holderMs,
    },
  }
}

function credentialsOf({ user, password, token }: ConnectOptions): Credentials | undefined {
  if (user === undefined && password === undefined) return token === undefined ? undefined : { token }
  if (token !== undefined) throw invalid('token is given beside user or password; one of them is enough')
  if (typeof user !== 'string' || user === '' || typeof password !== 'string') {
    throw invalid('user and password belong together')
  }
  return { user, password }
}

function normalAddress(endpoint: string): string {
  const { host, port } = parseAddress(endpoint)
  return formatAddress(host, port)
}

function checkMs(value: number, what: string): number {
  if (value > 0 && value <= timerMsMax) return value
  throw invalid(`${what} is ${value}; it must be above 0 and at most ${timerMsMax}`)
}

function invalid(message: string): NitroError {
  return new NitroError('InvalidArgument', message)
}
