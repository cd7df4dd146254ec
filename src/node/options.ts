/** What a node can be opened with. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { NitroError } from '../../base/index.ts'
import type { Logger, Metrics } from '../../base/index.ts'
import type { MachineLimits, Program } from '../../execution/index.ts'
import type { ReplicaPorts, ReplicaSizes } from '../replica/index.ts'

/** Options of `openNode`; with none it is a single node in memory. */
export interface NodeOptions<List extends readonly Program[] = readonly Program[]> {
  /** This member's name. Default `node`. */
  readonly name?: string | undefined
  /** Where log and state live. Default: nowhere, everything is in memory and gone with the process. */
  readonly dataDir?: string | undefined
  /** `host:port` for peers and clients. Default: no port is opened; a cluster needs one. */
  readonly listen?: string | undefined
  /** The address others reach it under, if it is not `listen`. */
  readonly advertise?: string | undefined
  /** All founding members by name, this one included. */
  readonly peers?: Readonly<Record<string, string>> | undefined
  /** Addresses of a running cluster to enter. */
  readonly join?: readonly string[] | undefined
  /** Enter as a learner that is not promoted by itself. */
  readonly learner?: boolean | undefined
  /** Allow plain text beyond loopback addresses. */
  readonly insecure?: boolean | undefined
  /** Programs beside the built-in ones, of each as many versions as wanted; those run that all members have. */
  readonly programs?: List | undefined
  /**
   * Run every method twice and refuse it with `NonDeterministic` when the runs differ. For tests: it costs a second run, and
   * all members must agree on it. Default false.
   */
  readonly checkPrograms?: boolean | undefined
  /** Limits of the machine that differ from the defaults; the same on every member, or they refuse each other. */
  readonly limits?: Partial<MachineLimits> | undefined
  readonly logger?: Logger | undefined
  readonly metrics?: Metrics | undefined
  /** Answers plain HTTP requests on the same port. */
  readonly http?: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  /** Takes connections on the same port that speak HTTP/2; they end with the node. */
  readonly http2?: ((socket: Socket) => void) | undefined
  /** Heartbeat interval in milliseconds. Default 50. Lower: faster failover, more load. */
  readonly tickMs?: number | undefined
  /** Shortest election timeout in milliseconds; rounded to ticks. Default 500. Too low: elections during pauses. */
  readonly electionTimeoutMs?: number | undefined
  /** Deadline of requests on this node that give none. Default 10,000 ms. */
  readonly timeoutMs?: number | undefined
  /** How long a user's token counts, in milliseconds. Default an hour. */
  readonly authTokenTtlMs?: number | undefined
  /** Bounds of memory and disk. */
  readonly sizes?: Partial<ReplicaSizes> | undefined
  /** The outside world; the simulator and tests bring their own. */
  readonly ports?: Partial<ReplicaPorts> | undefined
}

const optionNames: Readonly<Record<keyof NodeOptions, true>> = {
  ...{ name: true, dataDir: true, listen: true, advertise: true, peers: true, join: true, learner: true },
  ...{ insecure: true, programs: true, checkPrograms: true, logger: true, metrics: true, http: true, http2: true },
  ...{
    tickMs: true,
    electionTimeoutMs: true,
    timeoutMs: true,
    sizes: true,
    ports: true,
    limits: true,
    authTokenTtlMs: true,
  },
}

/** Throws `InvalidArgument`: a misspelt dataDir would be a node in memory, and nobody would notice before the first restart. */
export function checkOptions(options: NodeOptions): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(optionNames, name)) continue
    const known = Object.keys(optionNames).join(', ')
    throw new NitroError('InvalidArgument', `${name}: openNode has no such option; known are ${known}`)
  }
  checkTokenTtl(options.authTokenTtlMs)
}

function checkTokenTtl(ms: number | undefined): void {
  if (ms === undefined || (Number.isSafeInteger(ms) && ms >= 1)) return
  throw new NitroError('InvalidArgument', `authTokenTtlMs is ${ms}; it must be whole milliseconds from 1 on`)
}
