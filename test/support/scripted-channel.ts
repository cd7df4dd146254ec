/** A channel whose submissions wait until the test says how each one ends. */
import { type ErrorOptions, NitroError, type ErrorCode } from '../../base/index.ts'
import { type Command, decodeCommand, errorResult, okResult } from '../../execution/codec.ts'
import type { CommandChannel, CommandOwner, QueryChannel } from '../../src/wire/index.ts'

/** One command or query that waits for its end. */
export class Submission {
  /** The decoded command; for queries only program, method and arguments. */
  readonly command: Command
  /** As it was submitted; empty for queries. */
  readonly bytes: Uint8Array
  readonly done: CommandOwner
  readonly tag: number

  constructor(command: Command, bytes: Uint8Array, done: CommandOwner, tag: number) {
    this.command = command
    this.bytes = bytes
    this.done = done
    this.tag = tag
  }

  /** The machine executed it. */
  answer(...payload: number[]): void {
    this.done.completed(this.tag, okResult(Uint8Array.from(payload)))
  }

  /** The machine answered with an error. */
  answerError(code: ErrorCode, options?: ErrorOptions): void {
    this.done.completed(this.tag, errorResult(new NitroError(code, code, options)))
  }

  /** The channel gave it up. */
  fail(code: ErrorCode, options?: ErrorOptions): void {
    this.done.failed(this.tag, new NitroError(code, code, options))
  }
}

/** Keeps submissions in order; `opens` says whether session.open is answered by itself. */
export class ScriptedChannel implements CommandChannel, QueryChannel {
  readonly submissions: Submission[] = []
  opens: boolean

  constructor(options: { readonly opens: boolean } = { opens: true }) {
    this.opens = options.opens
  }

  submit(bytes: Uint8Array, done: CommandOwner, tag: number): void {
    const submission = new Submission(decodeCommand(bytes), bytes, done, tag)
    if (this.opens && submission.command.method === 'open') submission.answer(1)
    else this.submissions.push(submission)
  }

  query(
    program: string,
    method: string,
    args: Uint8Array,
    _consistency: string,
    _timeoutMs: number,
    done: CommandOwner,
    tag: number,
  ): void {
    this.submissions.push(new Submission({ program, method, args }, new Uint8Array(), done, tag))
  }

  /** The oldest submission that was not taken yet. */
  take(): Submission {
    const submission = this.submissions.shift()
    if (submission === undefined) throw new Error('nothing was submitted')
    return submission
  }
}
