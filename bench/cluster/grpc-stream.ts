/** A stream of a gRPC connection that stays open in both directions, for keep-alives and watches. */
import { Deframer, frameOf } from '../../src/gateway/etcd/framing.ts'

/** What a stream tells its owner. */
export interface StreamListener {
  /** A message; its bytes are a view. */
  readonly message: (bytes: Uint8Array) => void
  /** The stream is over; nobody who opened it wanted that. */
  readonly ended: (error: Error) => void
}

const messageBytesMax = 16 << 20

/** Keeps the flow control of its own: what exceeds its window waits here. */
export class GrpcStream {
  private readonly listener: StreamListener
  private readonly send: (payload: Buffer) => void
  private readonly deframer = new Deframer(messageBytesMax)
  private readonly waiting: Buffer[] = []
  private window: number

  /** `send` puts a payload on the stream; `window` is how many bytes the server takes at first. */
  constructor(listener: StreamListener, window: number, send: (payload: Buffer) => void) {
    this.listener = listener
    this.window = window
    this.send = send
  }

  /** Sends a message, as soon as the server takes it. */
  write(message: Uint8Array): void {
    this.waiting.push(frameOf(message))
    this.widen(0)
  }

  /** The server takes so many bytes more. */
  widen(bytes: number): void {
    this.window += bytes
    for (let next = this.waiting[0]; next !== undefined && next.length <= this.window; next = this.waiting[0]) {
      this.waiting.shift()
      this.window -= next.length
      this.send(next)
    }
  }

  /** Takes what arrived on the stream. */
  receive(payload: Buffer): void {
    this.deframer.push(payload, this.listener.message)
  }

  /** No more will arrive. */
  end(error: Error): void {
    this.listener.ended(error)
  }
}
