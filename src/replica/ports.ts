/** Everything a replica takes from outside: nothing in this folder reads a clock, draws a number or touches a disk itself. */
import type { Clock, Crypto, Files, KvFactory, Logger, Metrics, Random, Scheduler, Secrets } from '../../base/index.ts'
import type { Entry, Message, RawNode, Ready } from '../../consensus/index.ts'
import type { Machine, MethodGuard } from '../../execution/index.ts'
import type { Transport } from '../../net/index.ts'
import type { DurableLog, LogBatch } from '../storage/index.ts'

/** A member that begins to take part, as its observer sees it: to look at, never to change. */
export interface ObservedMember {
  readonly raftId: number
  /** What its disk held when it was opened, or the log that was just made. */
  readonly log: DurableLog
  readonly core: RawNode
}

/** Watches one node for a checker. Called in the middle of things: it must not throw, wait or call back. */
export interface ReplicaObserver {
  /** This node is a member and begins to take part; once in the life of a process. */
  opened(member: ObservedMember): void
  /** The core handles a message now, of a peer or of this node's own storage. */
  received(message: Message): void
  /** The core's new work, before any of it is done. */
  handsOut(ready: Ready): void
  /** The log says that this is durable. */
  written(batch: LogBatch): void
  /** A message leaves for a peer. */
  sent(message: Message): void
  /** This node leads in this term. */
  leads(term: number): void
  /** A machine was read from disk or taken from a snapshot. */
  loaded(machine: Machine): void
  /** The machine stands right after this entry. */
  applied(entry: Entry, machine: Machine): void
}

/** The outside world of one node. */
export interface ReplicaPorts {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
  readonly files: Files
  readonly kv: KvFactory
  readonly crypto: Crypto
  /** Passwords and tokens. Default: the platform's. */
  readonly secrets?: Secrets | undefined
  readonly transport: Transport
  readonly logger: Logger
  readonly metrics: Metrics
  /** Called at named points around durable steps; a simulator may stop the world there by throwing. */
  readonly hooks?: ((point: string) => void) | undefined
  readonly observer?: ReplicaObserver | undefined
  /** Keeps methods of programs from what differs between nodes. */
  readonly guard?: MethodGuard | undefined
}

/** Timing of the protocol, in milliseconds and ticks. */
export interface ReplicaTiming {
  /** Length of a tick and of the heartbeat interval. */
  readonly tickMs: number
  /** Shortest election timeout in ticks; the real one is drawn between this and twice this. */
  readonly electionTicks: number
}

/** Sizes that bound memory and disk. */
export interface ReplicaSizes {
  /** The overlay is flushed at this many bytes, or after `flushIntervalMs`. */
  readonly flushBytes: number
  readonly flushIntervalMs: number
  /** Entries and bytes of log kept behind the flushed state, so that slow followers need no snapshot. */
  readonly logRetainEntries: number
  readonly logRetainBytes: number
  /** Size of a log file, a multiple of 512. */
  readonly logSegmentBytes: number
  /** Stored values of this length or more, blocks of records mostly, lie in files beside the database. */
  readonly longValueBytes: number
  /** A file of such values that has reached this length gets no more. */
  readonly valueFileBytes: number
  /** Commands waiting in this node before it answers `Overloaded`. */
  readonly pendingMax: number
}

/** Defaults of {@link ReplicaTiming}: 50 ms heartbeats, elections after 0.5 to 1 s. */
export const defaultTiming: ReplicaTiming = { tickMs: 50, electionTicks: 10 }

/** Defaults of {@link ReplicaSizes}. */
export const defaultSizes: ReplicaSizes = {
  flushBytes: 4 << 20,
  flushIntervalMs: 200,
  logRetainEntries: 10_000,
  logRetainBytes: 16 << 20,
  logSegmentBytes: 16 << 20,
  longValueBytes: 4 << 10,
  valueFileBytes: 32 << 20,
  pendingMax: 100_000,
}
