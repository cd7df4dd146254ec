/**
 * Channels: what carries commands and queries towards the machine, seen from the side that retries.
 *
 * A channel is unreliable but honest: for each submission it calls its owner exactly once, with the machine's outcome or
 * with an error whose `executed` says what is known about this one submission. It delivers a submission at most once.
 * It may call its owner before `submit` has returned.
 */
import type { NitroError } from '../../base/index.ts'
import type { Caller } from '../../execution/codec.ts'
import type { Consistency } from '../api/index.ts'

/** Hears of the end of each submission, by the tag it gave. */
export interface CommandOwner {
  /** The outcome, encoded as `execution/result.ts` says. The bytes are the owner's. */
  completed(tag: number, result: Uint8Array): void
  /** As `completed`, for a result that is `frame[start, end)`: an owner that reads it there needs no view of it. */
  completedIn?(tag: number, frame: Uint8Array, start: number, end: number): void
  /** No outcome: `error.executed` is about this submission, `error.retryable` whether another one makes sense. */
  failed(tag: number, error: NitroError): void
  /** Several outcomes have come one after the other, and no more for now: what gathers them may let them go. */
  runEnded?(): void
}

/** Carries commands to the log. */
export interface CommandChannel {
  /** Submits an encoded command. The bytes do not change afterwards. */
  submit(command: Uint8Array, done: CommandOwner, tag: number): void
  /** As `submit`, for a command in two pieces, `from[start, end)` and its arguments; for a channel that copies in any case. */
  submitParts?(from: Uint8Array, start: number, end: number, args: Uint8Array, done: CommandOwner, tag: number): void
}

/** Carries queries to a machine. */
export interface QueryChannel {
  /**
   * `timeoutMs` is what is left of the caller's deadline; after it nobody needs the answer. Without `caller` it is for whoever the
   * channel is: the owner in the node's own process, the user that is logged in on a connection.
   */
  query(
    program: string,
    method: string,
    args: Uint8Array,
    consistency: Consistency,
    timeoutMs: number,
    done: CommandOwner,
    tag: number,
    caller?: Caller,
  ): void
}
