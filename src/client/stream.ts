/**
 * A streamed answer, on a session of its own: a slow reader holds back nothing else, and giving up is closing it.
 */
import { assert, NitroError } from '../../base/index.ts'
import type { Scheduler, Timer } from '../../base/index.ts'
import type { Session } from '../../net/index.ts'
import { decodeReply, decodeStreamChunk, encodeCall, frameKinds } from '../wire/index.ts'
import type { CallParams } from '../wire/index.ts'

/** A stream that is silent for so long is given up. */
const silenceMs = 30_000
/** Bytes held for a slow reader; above, the node is made to wait. */
const heldBytesMax = 4 * 1024 * 1024

/** How to call for a stream. */
export interface StreamCall {
  readonly session: Session
  readonly scheduler: Scheduler
  readonly method: string
  readonly params: CallParams
  readonly signal: AbortSignal | undefined
  /** Over the whole stream; without it only silence ends it. */
  readonly timeoutMs: number | undefined
}

/**
 * Calls for a stream and yields its pieces. The session is closed at the end.
 * Throws what the node answers, `Timeout`, `ConnectionClosed`, `MalformedFrame`, or `signal.reason`.
 */
export async function* readStream(call: StreamCall): AsyncGenerator<Uint8Array, void, undefined> {
  const inbox = new Inbox(call)
  try {
    for (;;) {
      const piece = await inbox.next()
      if (piece === undefined) return
      yield piece
    }
  } finally {
    inbox.close()
  }
}

class Inbox {
  private readonly call: StreamCall
  private readonly pieces: Uint8Array[] = []
  private heldBytes = 0
  private paused = false
  private nextSeq = 0
  private ended = false
  private failure: { readonly reason: unknown } | undefined
  private wake: (() => void) | undefined
  private silence: Timer | undefined
  private readonly overall: Timer | undefined

  constructor(call: StreamCall) {
    this.call = call
    const { session, scheduler, method, params, signal, timeoutMs } = call
    if (timeoutMs !== undefined) this.overall = scheduler.after(timeoutMs, () => this.fail(late(method, 'in time')))
    this.heard()
    signal?.addEventListener('abort', this.aborted)
    session.start({
      message: (kind, payload) => this.message(kind, payload),
      close: (error) => this.fail(error ?? new NitroError('ConnectionClosed', `the ${method} stream broke off`)),
    })
    session.send(frameKinds.call, encodeCall({ id: 0, method, params }))
    if (signal?.aborted === true) this.aborted()
  }

  private readonly aborted = (): void => this.fail(this.call.signal?.reason)

  private heard(): void {
    this.silence?.cancel()
    this.silence = this.call.scheduler.after(silenceMs, () => this.fail(late(this.call.method, `for ${silenceMs} ms`)))
  }

  private message(kind: number, payload: Uint8Array): void {
    this.heard()
    if (kind === frameKinds.reply) {
      const reply = decodeReply(payload)
      if (!reply.ok) this.fail(reply.error)
    } else if (kind === frameKinds.stream) {
      this.chunk(payload)
    }
  }

  private chunk(payload: Uint8Array): void {
    const { seq, data, end, error } = decodeStreamChunk(payload)
    if (seq !== this.nextSeq++) throw new NitroError('MalformedFrame', `stream chunk ${seq} came out of order`)
    if (error !== undefined) return this.fail(error)
    if (data !== undefined) {
      this.pieces.push(new Uint8Array(data))
      this.heldBytes += data.length
      if (!this.paused && this.heldBytes > heldBytesMax) this.pause(true)
    }
    if (end === true) this.ended = true
    this.wake?.()
  }

  /** The next piece, or undefined at the end. One call at a time. */
  async next(): Promise<Uint8Array | undefined> {
    assert(this.wake === undefined, 'one reader of a stream')
    while (this.pieces.length === 0 && !this.ended && this.failure === undefined) {
      await new Promise<void>((resolve) => (this.wake = resolve))
      this.wake = undefined
    }
    const piece = this.pieces.shift()
    if (piece === undefined) {
      if (this.failure !== undefined && !this.ended) throw this.failure.reason
      return undefined
    }
    this.heldBytes -= piece.length
    if (this.paused && this.heldBytes <= heldBytesMax / 2) this.pause(false)
    return piece
  }

  /** While the node is made to wait its silence means nothing. */
  private pause(paused: boolean): void {
    this.paused = paused
    if (paused) {
      this.silence?.cancel()
      this.call.session.pause()
    } else {
      this.heard()
      this.call.session.resume()
    }
  }

  private fail(reason: unknown): void {
    this.failure ??= { reason }
    this.wake?.()
  }

  close(): void {
    this.silence?.cancel()
    this.overall?.cancel()
    this.call.signal?.removeEventListener('abort', this.aborted)
    this.call.session.close()
  }
}

function late(method: string, how: string): NitroError {
  return new NitroError('Timeout', `the ${method} stream was not finished: no data ${how}`, { executed: 'no' })
}
