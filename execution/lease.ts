/** One lease: it ends when log time reaches its deadline. */
import type { Hash128 } from '../base/index.ts'

/** A lease of the machine. Its keys are in `lease-keys.ts`. */
export class Lease {
  readonly id: number
  /** Time to live, in ms of log time. */
  readonly ttlMs: number
  /** The log time at which it is over. It only ever moves up. */
  deadline: number
  /** Its place in the deadline heap, or -1 once it has ended. */
  heapAt = -1
  /** The hash of its stored record, as last computed. */
  readonly hash: Hash128 = new Uint32Array(4)
  /** Its hash is to be computed again. */
  isStale = false
  /** Its record is to be written by the next seal. */
  isDirty = false

  constructor(id: number, ttlMs: number, deadline: number) {
    this.id = id
    this.ttlMs = ttlMs
    this.deadline = deadline
  }

  /** Whether it has not been revoked or swept. It may be overdue. */
  get isOpen(): boolean {
    return this.heapAt >= 0
  }
}
