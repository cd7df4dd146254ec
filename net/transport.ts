/**
 * The transport port: ordered, reliable links that carry binary frames.
 *
 * A link is what TCP with message boundaries gives: frames arrive whole, in order, at most once, until one side
 * closes or the network fails. It says nothing about who is at the other end; that is the handshake's business.
 *
 * Implementations: `memory.ts` (deterministic, with faults) and `ws.ts` (WebSocket). `test/compliance/transport.ts`
 * is the suite that each must pass.
 */
import type { NitroError } from '../base/index.ts'

/** What a link tells its owner. Never called from inside a call of the owner into the link. */
export interface LinkHandlers {
  /**
   * One whole frame. The bytes may be a view into a larger read buffer: copy what is kept for long. They are never
   * changed afterwards.
   */
  frame(bytes: Uint8Array): void
  /** After a refused `send`: at most half of the buffer limit is in use again. */
  drain?(): void
  /**
   * The link is over; called exactly once, after the last frame. Undefined when it ended in order; otherwise the
   * reason, which is the same code at both ends when one of them named it in `close`: a claim of the other side, not
   * a fact about this one.
   */
  close(error: NitroError | undefined): void
}

/** One end of a connection. */
export interface Link {
  /** The other end's address, for logs. */
  readonly remote: string
  /** Begins delivery. Until then frames are held back, bounded, and so is `close`. To be called once. */
  start(handlers: LinkHandlers): void
  /**
   * Queues one frame. False means that it was not taken: the link is closed, or its buffer is full (then `drain`
   * follows). The bytes belong to the link afterwards: a caller must not change them. A frame above the frame limit
   * closes the link with `FrameTooLarge`.
   */
  send(frame: Uint8Array): boolean
  /** As `send`, for a frame given in pieces; they are not joined in memory when that would cost a copy. */
  sendParts(parts: readonly Uint8Array[]): boolean
  /** As `sendParts`, but the bytes are copied: they stay the caller's, whatever is answered. For frames up to some 32 KiB. */
  sendCopy(parts: readonly Uint8Array[]): boolean
  /**
   * Nothing more comes in this turn: what was sent leaves now. Without it frames gather until the turn ends, which on a busy thread
   * is after everything else that has arrived meanwhile.
   */
  flush(): void
  /** Bytes taken by `send` that have not left this process. */
  readonly bufferedBytes: number
  /** Asks for no more frames, so that the other end's buffer fills; a few may be held. An end of the link is still told. */
  pause(): void
  /** Undoes `pause`. */
  resume(): void
  /** Ends the link after what was sent; frames not yet delivered here are dropped. The error travels to the other end. */
  close(error?: NitroError): void
}

/** An open port. */
export interface Listener {
  /** The `host:port` that was really bound. */
  readonly address: string
  /** Stops accepting and closes every link that was accepted here. */
  close(): Promise<void>
}

/** How to dial. */
export interface DialOptions {
  readonly timeoutMs: number
  /** Gives up when aborted. */
  readonly signal?: AbortSignal
}

/** Makes links. */
export interface Transport {
  /**
   * Opens `host:port`; port 0 takes a free one. Throws `InvalidArgument` (bad address), `AddressInUse`,
   * `InsecureAddress` (plain text beyond loopback was not allowed) or `Unavailable` (cannot be bound).
   */
  listen(address: string, accept: (link: Link) => void): Promise<Listener>
  /** Connects to `host:port`. Throws `InvalidArgument`, `Unavailable` (also on timeout) or `Cancelled`. */
  dial(address: string, options: DialOptions): Promise<Link>
}

/** Sizes of one link. */
export interface LinkLimits {
  /** Largest frame in bytes, both ways. */
  readonly maxFrameBytes: number
  /** Above this many bytes taken but not yet sent, `send` refuses. */
  readonly maxBufferedBytes: number
}

/** The limits where none are given: 8 MiB a frame, 32 MiB a link. */
export const defaultLinkLimits: LinkLimits = {
  maxFrameBytes: 8 * 1024 * 1024,
  maxBufferedBytes: 32 * 1024 * 1024,
}
