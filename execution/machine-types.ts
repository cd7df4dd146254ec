/** How a machine is made, and what it hands out. */
import type { KvChange } from '../base/index.ts'
import type { BlockReader } from './block-store.ts'
import type { MachineLimits } from './limits.ts'
import type { MethodGuard, Program } from './program.ts'

/** How a machine is made. */
export interface MachineOptions {
  /** User programs, of each as many versions as wanted; which one runs is up to the log. */
  readonly programs?: readonly Program[]
  /** Keeps methods of programs from what differs between nodes. Default: nothing does. */
  readonly guard?: MethodGuard | undefined
  /** Run every method twice and answer `NonDeterministic` when the runs differ; the same on every node. Default false. */
  readonly checkPrograms?: boolean | undefined
  /** Numbers of the flags this node can run. Default: all that this release knows. */
  readonly flags?: readonly number[] | undefined
  /** Overridden limits; the same on every node of the cluster. */
  readonly limits?: Partial<MachineLimits>
  /** Bytes of stored blocks kept in memory; local to this node. Default 16 MiB. */
  readonly cacheBytes?: number
  /** Bytes of superseded records tolerated on disk beyond the size of the live ones; local to this node. Default 1 MiB. */
  readonly garbageBytes?: number
  /** The stored block of this id (its key is `blockKey(id)`), or the part of it that is asked for. The bytes must not change later. */
  readonly readBlock: BlockReader
}

/** What one seal has to write, as one atomic batch. */
export interface Flush {
  readonly appliedIndex: number
  readonly appliedTerm: number
  /** Their bytes are the machine's again when it hears that they are durable. */
  readonly changes: readonly KvChange[]
}

/** Takes the result of the command at a position of the entry. The bytes must not be changed, and stay valid. */
export type ResultSink = (position: number, result: Uint8Array) => void
