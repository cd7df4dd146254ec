/**
 * What a core is made from. Comments tell what goes wrong when a knob is turned too far.
 */
import { NitroError } from '../../base/index.ts'
import type { RaftStorage } from './storage.ts'
import type { TraceEvent } from './trace.ts'
import { isLocalTarget, noLimit, none } from './types.ts'
import type { Index, NodeId } from './types.ts'

/** How loud a log line is. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Receives log lines; called only inside calls of the core. */
export type Logger = (level: LogLevel, message: string) => void

/**
 * How reads are confirmed. `safe` asks a quorum per round and needs no clock at all. `leaseBased` answers at once while
 * the leader's lease holds, which is wrong if a leader's ticks run slower than the voters' by more than the margin
 * (a quarter of the election timeout) and nobody calls `suspectLease`.
 */
export type ReadOnlyOption = 'safe' | 'leaseBased'

/** Options of a `RawNode`. */
export interface RaftConfig {
  readonly id: NodeId
  /**
   * A follower campaigns after this many to twice as many ticks without a leader. Too few: elections during a pause of
   * the leader. Too many: nobody serves for that long after a crash.
   */
  readonly electionTick: number
  /** A leader sends heartbeats this often; less than `electionTick`, a tenth of it is usual. */
  readonly heartbeatTick: number
  readonly storage: RaftStorage
  /** The application's applied index at restart; nothing up to it is handed out again. 0: from the snapshot on. */
  readonly applied?: Index
  /** Hand out storage work as messages and take acknowledgements as messages, see `rawnode.ts`. */
  readonly asyncStorageWrites?: boolean
  /** Bytes per append message, at least one entry; larger recovers slower from loss. Default: no limit. */
  readonly maxSizePerMsg?: number
  /** Bytes handed out for applying and not yet reported applied. Default: `maxSizePerMsg`. */
  readonly maxCommittedSizePerReady?: number
  /** Bytes of payload a leader holds uncommitted before it drops proposals. Default: no limit, so a partitioned
   *  leader's log grows without bound. */
  readonly maxUncommittedEntriesSize?: number
  /** Append messages in flight per follower; too few throttle a link with latency. Default 256. */
  readonly maxInflightMsgs?: number
  /** Bytes in flight per follower; throughput is at most this per round trip. Default: no limit. */
  readonly maxInflightBytes?: number
  /** The leader steps down when it hears from no quorum for an election timeout, and voters that hear from a leader
   *  refuse to depose it. Without it an isolated leader believes in itself for ever. Default true. */
  readonly checkQuorum?: boolean
  /** Ask before raising the term, so that a node that was cut off cannot depose a healthy leader. Default true. */
  readonly preVote?: boolean
  /** Default `safe`; `leaseBased` needs `checkQuorum`. */
  readonly readOnlyOption?: ReadOnlyOption
  /** Followers refuse proposals instead of passing them on. Default false. */
  readonly disableProposalForwarding?: boolean
  /** Let any configuration change into the log, whatever the present configuration. Only for a layer that serialises
   *  and verifies changes itself. Default false. */
  readonly disableConfChangeValidation?: boolean
  /** A leader that is removed or demoted becomes a follower at once, instead of leading until somebody takes over. */
  readonly stepDownOnRemoval?: boolean
  /** An integer in [0, bound), for election timeouts; the only randomness of the core. */
  readonly random: (bound: number) => number
  readonly logger?: Logger
  /** Receives every step of the protocol in the shape of the TLA+ trace specification of etcd/raft. */
  readonly onTrace?: (event: TraceEvent) => void
}

/** {@link RaftConfig} with every default filled in. */
export interface ResolvedConfig {
  readonly id: NodeId
  readonly electionTick: number
  readonly heartbeatTick: number
  readonly storage: RaftStorage
  readonly applied: Index
  readonly asyncStorageWrites: boolean
  readonly maxSizePerMsg: number
  readonly maxCommittedSizePerReady: number
  readonly maxUncommittedEntriesSize: number
  readonly maxInflightMsgs: number
  readonly maxInflightBytes: number
  readonly checkQuorum: boolean
  readonly preVote: boolean
  readonly readOnlyOption: ReadOnlyOption
  readonly disableProposalForwarding: boolean
  readonly disableConfChangeValidation: boolean
  readonly stepDownOnRemoval: boolean
  readonly random: (bound: number) => number
  readonly logger: Logger | undefined
  readonly onTrace: ((event: TraceEvent) => void) | undefined
}

/** Checks the options and fills in defaults. Throws InvalidArgument. */
export function resolveConfig(config: RaftConfig): ResolvedConfig {
  const maxSizePerMsg = config.maxSizePerMsg ?? noLimit
  const resolved: ResolvedConfig = {
    id: config.id,
    electionTick: config.electionTick,
    heartbeatTick: config.heartbeatTick,
    storage: config.storage,
    applied: config.applied ?? 0,
    asyncStorageWrites: config.asyncStorageWrites ?? false,
    maxSizePerMsg,
    maxCommittedSizePerReady: orElse(config.maxCommittedSizePerReady, maxSizePerMsg),
    maxUncommittedEntriesSize: orElse(config.maxUncommittedEntriesSize, noLimit),
    maxInflightMsgs: config.maxInflightMsgs ?? 256,
    maxInflightBytes: orElse(config.maxInflightBytes, noLimit),
    checkQuorum: config.checkQuorum ?? true,
    preVote: config.preVote ?? true,
    readOnlyOption: config.readOnlyOption ?? 'safe',
    disableProposalForwarding: config.disableProposalForwarding ?? false,
    disableConfChangeValidation: config.disableConfChangeValidation ?? false,
    stepDownOnRemoval: config.stepDownOnRemoval ?? false,
    random: config.random,
    logger: config.logger,
    onTrace: config.onTrace,
  }
  require(Number.isSafeInteger(config.id) && config.id > none && !isLocalTarget(config.id), 'id must be a node id')
  require(isCount(config.heartbeatTick) && config.heartbeatTick > 0, 'heartbeatTick must be greater than 0')
  require(isCount(config.electionTick) &&
    config.electionTick > config.heartbeatTick, 'electionTick must be greater than heartbeatTick')
  require(isCount(resolved.applied), 'applied must be an index')
  require(isCount(maxSizePerMsg), 'maxSizePerMsg must be a size in bytes')
  require(isCount(resolved.maxCommittedSizePerReady), 'maxCommittedSizePerReady must be a size in bytes')
  require(isCount(resolved.maxUncommittedEntriesSize), 'maxUncommittedEntriesSize must be a size in bytes')
  require(isCount(resolved.maxInflightMsgs) && resolved.maxInflightMsgs > 0, 'maxInflightMsgs must be greater than 0')
  require(isCount(resolved.maxInflightBytes) &&
    resolved.maxInflightBytes >= maxSizePerMsg, 'maxInflightBytes must be at least maxSizePerMsg')
  require(resolved.readOnlyOption === 'safe' || resolved.checkQuorum, 'leaseBased reads need checkQuorum')
  return resolved
}

/** Zero, like undefined, asks for the default. */
function orElse(value: number | undefined, fallback: number): number {
  return value === undefined || value === 0 ? fallback : value
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function require(condition: boolean, what: string): void {
  if (!condition) throw new NitroError('InvalidArgument', `raft: ${what}`)
}
