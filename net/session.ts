/**
 * A session: a link whose other end is known. Frames are [version u8][kind u8][payload].
 *
 * All frames pass through `seal` on the way out and `open` on the way in: the one place where an encrypted session
 * will wrap them. Callers see kinds and payloads only.
 */
import { assert, ByteReader, ByteWriter, isNitroError, NitroError, type Scheduler } from '../base/index.ts'
import { firstFreeKind, frameKinds, type Hello, readError, writeError } from './hello.ts'
import type { Link } from './transport.ts'

/** What a session tells its owner; see `LinkHandlers` for when. */
export interface SessionHandlers {
  /**
   * One message. The payload may be a view: copy what is kept for long. A `MalformedFrame` thrown here closes the
   * session with it; anything else that is thrown is a bug and is not caught.
   */
  message(kind: number, payload: Uint8Array): void
  drain?(): void
  close(error: NitroError | undefined): void
}

/** Made by the handshake, never by hand. */
export class Session {
  /** What the other side said about itself. */
  readonly remote: Hello
  /** The negotiated protocol version. */
  readonly version: number
  private readonly link: Link
  private readonly scheduler: Scheduler
  /** Made when a kind is first used. */
  private readonly headers = new Map<number, Uint8Array>()
  private handlers: SessionHandlers | undefined
  /** Frames that came between the handshake and `start`; few, because the link is paused meanwhile. */
  private early: Uint8Array[] = []
  private ended: { readonly error: NitroError | undefined } | undefined
  private delivering = false
  /** By the owner; before delivery begins the link is paused in any case. */
  private paused = false
  private told = false
  private goodbye: NitroError | undefined
  /** A goodbye was said or heard; nothing is delivered after it. */
  private parted = false
  private readonly closeListeners: ((error: NitroError | undefined) => void)[] = []

  constructor(link: Link, remote: Hello, version: number, scheduler: Scheduler) {
    this.link = link
    this.scheduler = scheduler
    this.remote = remote
    this.version = version
    link.pause()
  }

  /** The other end's address, for logs. */
  get remoteAddress(): string {
    return this.link.remote
  }

  /** Bytes taken by `send` that have not left this process. */
  get bufferedBytes(): number {
    return this.link.bufferedBytes
  }

  /** Begins delivery. To be called once. */
  start(handlers: SessionHandlers): void {
    assert(this.handlers === undefined, 'a session is started once')
    this.handlers = handlers
    this.scheduler.endOfTurn(() => {
      this.delivering = true
      for (const frame of this.early) this.frame(frame)
      this.early = []
      if (this.ended !== undefined) this.tellEnd()
      else if (!this.paused) this.link.resume()
    })
  }

  /** Sends one message of a kind in 16-255. False: not taken, see `Link.send`. */
  send(kind: number, payload: Uint8Array): boolean {
    return this.link.sendParts(this.seal([this.header(kind), payload]))
  }

  /** As `send`, but the payload is copied: the caller may write to it again. For payloads up to some 32 KiB. */
  sendCopy(kind: number, payload: Uint8Array): boolean {
    return this.link.sendCopy(this.seal([this.header(kind), payload]))
  }

  /** As `send`, for a payload given in pieces. */
  sendParts(kind: number, parts: readonly Uint8Array[]): boolean {
    return this.link.sendParts(this.seal([this.header(kind), ...parts]))
  }

  /** Nothing more comes in this turn: what was sent leaves now. */
  flush(): void {
    this.link.flush()
  }

  /** Asks for no more messages; see `Link.pause`. */
  pause(): void {
    this.paused = true
    this.link.pause()
  }

  /** Undoes `pause`. */
  resume(): void {
    this.paused = false
    if (this.delivering) this.link.resume()
  }

  /** Says goodbye, with the whole error, and closes the link. */
  close(error?: NitroError): void {
    if (this.parted) return
    this.parted = true
    const out = new ByteWriter()
    out.u8(this.version)
    out.u8(frameKinds.goodbye)
    if (error !== undefined) writeError(out, error)
    this.link.sendParts(this.seal([out.take()]))
    this.link.close(error)
  }

  /** Also tells `listener` when the session has ended, after the owner's `close`. */
  onClose(listener: (error: NitroError | undefined) => void): void {
    this.closeListeners.push(listener)
  }

  /** For the handshake only: a frame of the link. */
  frame(bytes: Uint8Array): void {
    const handlers = this.handlers
    if (handlers === undefined || !this.delivering) {
      this.early.push(bytes)
      return
    }
    if (this.parted) return
    try {
      const frame = this.open(bytes)
      if (frame[0] !== this.version) throw malformed(`frame of version ${frame[0]} in a session of ${this.version}`)
      const kind = frame[1]
      if (kind === undefined) throw malformed('frame without a kind')
      if (kind >= firstFreeKind) handlers.message(kind, frame.subarray(2))
      else if (kind === frameKinds.goodbye) this.farewell(frame)
      else throw malformed(`kind ${kind} is not allowed here`)
    } catch (thrown) {
      if (!isNitroError(thrown, 'MalformedFrame')) throw thrown
      this.close(thrown)
    }
  }

  /** For the handshake only: the link can take more. */
  drain(): void {
    this.handlers?.drain?.()
  }

  /** For the handshake only: the link is over. */
  end(error: NitroError | undefined): void {
    this.ended = { error }
    // Closed by its owner before it was started: there may never be a start, but the listeners must know.
    if (this.delivering || this.parted) this.tellEnd()
  }

  private header(kind: number): Uint8Array {
    let header = this.headers.get(kind)
    if (header === undefined) {
      assert(Number.isInteger(kind) && kind >= firstFreeKind && kind < 256, 'message kind')
      header = Uint8Array.of(this.version, kind)
      this.headers.set(kind, header)
    }
    return header
  }

  private tellEnd(): void {
    const ended = this.ended
    if (ended === undefined) return
    const error = this.goodbye ?? ended.error
    if (this.handlers !== undefined && !this.told) {
      this.told = true
      this.handlers.close(error)
    }
    for (const listener of this.closeListeners.splice(0)) listener(error)
  }

  private farewell(frame: Uint8Array): void {
    this.parted = true
    if (frame.length > 2) this.goodbye = readError(new ByteReader(frame, 2))
    this.link.close()
  }

  /** Plain today; an encrypted session replaces this pair. */
  private seal(parts: readonly Uint8Array[]): readonly Uint8Array[] {
    return parts
  }

  private open(frame: Uint8Array): Uint8Array {
    return frame
  }
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', what)
}
