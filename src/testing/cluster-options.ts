/** What a virtual cluster can be like, and what a client of it is. */
import type { MachineLimits, Program } from '../../execution/index.ts'
import type { Client, ConnectOptions } from '../client/index.ts'
import type { ReplicaSizes } from '../replica/index.ts'
import type { DiskTiming } from './disk/disk.ts'
import type { Life } from './process.ts'

/** Options of {@link cluster}. */
export interface ClusterOptions {
  readonly seed: string | number
  readonly programs?: readonly Program[]
  /** Limits of the machine. Default: those of the product. */
  readonly limits?: Partial<MachineLimits>
  /** Default: small sizes, so that short runs roll log files over, compact, and send snapshots. */
  readonly sizes?: Partial<ReplicaSizes>
  /** Heartbeat interval. Default 50 ms, as in production. */
  readonly tickMs?: number
  /** Default 500 ms, as in production. */
  readonly electionTimeoutMs?: number
  /** Time of a frame on its way, uniform. Default 0.2 to 3 ms. */
  readonly delayMs?: readonly [min: number, max: number]
  readonly disk?: DiskTiming
  /** How far clocks run from true time, as a fraction. Default 0.005. */
  readonly skew?: number
  /** Takes the nodes' log lines. */
  readonly log?: (line: string) => void
  /** Events that the trace keeps, beside its hash. Default 0. */
  readonly keepEvents?: number
}

/** Small sizes, so that short runs roll log files over, compact, and send snapshots. */
export const smallSizes: Partial<ReplicaSizes> = {
  flushIntervalMs: 40,
  logRetainEntries: 12,
  logRetainBytes: 16 << 10,
  logSegmentBytes: 4 << 10,
  longValueBytes: 256,
  valueFileBytes: 4 << 10,
}

/** Who a client acts for. */
export type Login = Pick<ConnectOptions, 'user' | 'password'>

/** A client with a process of its own. */
export interface ClusterClient {
  readonly name: string
  readonly life: Life
  /** Connects to all nodes, as nobody or as a user; rejects as `connect` does. */
  connect(login?: Login): Promise<Client>
}
