/**
 * A link over one WebSocket. `ws` reads what is not taken out before ({@link PlainFrames}) and does the closing handshake; frames are
 * written by {@link Outbox}.
 */
import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import { emptyBytes, isErrorCode, NitroError, type Scheduler, text, type Timer, utf8 } from '../base/index.ts'
import { Inbox } from './inbox.ts'
import { type Arena, Outbox } from './outbox.ts'
import { PlainFrames } from './plain-frames.ts'
import type { Link, LinkHandlers, LinkLimits } from './transport.ts'

/** What a link needs from its transport. */
export interface WsLinkOptions {
  readonly limits: LinkLimits
  readonly scheduler: Scheduler
  readonly arena: Arena
  /** A ping goes out after this long without a byte; after three times this long the link is dead. */
  readonly keepaliveMs: number
  /** The dialing side masks its frames. */
  readonly masked: boolean
  readonly remote: string
}

/** Waiting for the end of the turn stops paying above this. */
const flushBytes = 256 * 1024
const missedMax = 3
const ownCloseCode = 4000
const reasonMaxBytes = 123

/** The WebSocket link. */
export class WsLink implements Link {
  readonly remote: string
  private readonly ws: WebSocket
  private readonly socket: Socket
  private readonly limits: LinkLimits
  private readonly scheduler: Scheduler
  private readonly inbox: Inbox
  private readonly outbox: Outbox
  private readonly keepaliveMs: number
  private keepalive: Timer
  private bytesReadBefore = 0
  private missed = 0
  private flushing = false
  private refused = false
  private closed = false

  constructor(ws: WebSocket, socket: Socket, options: WsLinkOptions) {
    this.ws = ws
    this.socket = socket
    this.remote = options.remote
    this.limits = options.limits
    this.scheduler = options.scheduler
    this.keepaliveMs = options.keepaliveMs
    this.inbox = new Inbox(options.scheduler)
    this.outbox = new Outbox(options.arena, options.masked)
    this.keepalive = this.scheduler.after(this.keepaliveMs, this.checkAlive)
    const { maxFrameBytes: maxBytes } = options.limits
    new PlainFrames(socket, { masked: !options.masked, maxBytes, deliver: this.receive })
    ws.on('message', this.receiveOther)
    ws.on('error', (error) => this.fail(toNitroError(error)))
    ws.on('close', (code, reason) => this.fail(closeError(code, reason)))
    ws.pause()
  }

  get bufferedBytes(): number {
    return this.outbox.bytes + this.socket.writableLength
  }

  start(handlers: LinkHandlers): void {
    this.inbox.start(handlers)
    this.ws.resume()
  }

  pause(): void {
    this.inbox.pause()
    this.ws.pause()
  }

  resume(): void {
    this.inbox.resume()
    if (!this.inbox.closedToFrames) this.ws.resume()
  }

  send(frame: Uint8Array): boolean {
    return this.sendParts([frame])
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    return this.take(parts, false)
  }

  sendCopy(parts: readonly Uint8Array[]): boolean {
    return this.take(parts, true)
  }

  private take(parts: readonly Uint8Array[], copy: boolean): boolean {
    if (this.closed || this.ws.readyState !== this.ws.OPEN) return false
    let length = 0
    for (const part of parts) length += part.length
    if (length > this.limits.maxFrameBytes) {
      this.close(tooLarge(`a frame of ${length} bytes is above the limit of ${this.limits.maxFrameBytes}`))
      return false
    }
    if (this.bufferedBytes + length > this.limits.maxBufferedBytes) {
      this.refuse()
      return false
    }
    this.outbox.append(parts, length, copy)
    if (this.outbox.bytes >= flushBytes) {
      this.flush()
    } else if (!this.flushing) {
      this.flushing = true
      this.scheduler.endOfTurn(this.flushTurn)
    }
    return true
  }

  close(error?: NitroError): void {
    if (this.closed) return
    this.flush()
    this.end(error, true)
    if (error === undefined) this.ws.close(1000)
    else this.ws.close(ownCloseCode, closeReason(error))
    this.ws.resume()
  }

  private readonly receive = (frame: Uint8Array): void => {
    if (!this.closed) this.inbox.push(frame)
  }

  /** What `ws` has read. */
  private readonly receiveOther = (data: RawData, isBinary: boolean): void => {
    if (this.closed) return
    if (!isBinary) return this.close(new NitroError('MalformedFrame', 'a text frame on a binary link'))
    // Not the Buffer itself: its `slice` does not copy, which a receiver of a Uint8Array relies on.
    const { buffer, byteOffset, length } = data as Buffer
    this.inbox.push(new Uint8Array(buffer, byteOffset, length))
  }

  private readonly flushTurn = (): void => {
    this.flushing = false
    this.flush()
  }

  flush(): void {
    if (this.outbox.bytes === 0) return
    const chunks = this.outbox.take()
    if (this.ws.readyState !== this.ws.OPEN) return
    const socket = this.socket
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (let i = 0; i < last; i++) socket.write(chunks[i] as Uint8Array)
    // A write that somebody waits for costs the stream a tick of its own, even if the system takes it at once.
    socket.write(chunks[last] as Uint8Array, this.refused ? this.written : undefined)
    if (last > 0) socket.uncork()
    // The kernel has it all already, as nearly always.
    if (socket.writableLength === 0) this.outbox.written()
  }

  /** From now on the end of every write is told; of what the socket holds already, the empty write behind it tells. */
  private refuse(): void {
    if (this.refused) return
    this.refused = true
    if (this.socket.writableLength > 0) this.socket.write(emptyBytes, this.written)
  }

  private readonly written = (): void => {
    if (!this.refused || this.bufferedBytes > this.limits.maxBufferedBytes / 2) return
    this.refused = false
    this.inbox.drained()
  }

  private readonly checkAlive = (): void => {
    if (this.closed) return
    if (this.socket.bytesRead !== this.bytesReadBefore) {
      this.bytesReadBefore = this.socket.bytesRead
      this.missed = 0
    } else {
      // While paused nothing is read, so silence proves nothing; the pings still tell the other side.
      if (!this.inbox.closedToFrames) this.missed++
      if (this.missed >= missedMax) {
        this.fail(new NitroError('ConnectionClosed', `no sign of life for ${this.keepaliveMs * missedMax} ms`))
        this.ws.terminate()
        return
      }
      if (this.ws.readyState === this.ws.OPEN) this.ws.ping()
    }
    this.keepalive = this.scheduler.after(this.keepaliveMs, this.checkAlive)
  }

  /** Ended by the other side or by the network. */
  private fail(error: NitroError | undefined): void {
    if (!this.closed) this.end(error, false)
  }

  private end(error: NitroError | undefined, drop: boolean): void {
    this.closed = true
    this.keepalive.cancel()
    this.inbox.end(error, drop)
  }
}

function tooLarge(message: string): NitroError {
  return new NitroError('FrameTooLarge', message)
}

/** What `ws` or the socket threw, as an error of ours. */
function toNitroError(error: Error): NitroError {
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return tooLarge('a frame above the limit was received')
  if (code.startsWith('WS_ERR_')) {
    return new NitroError('MalformedFrame', `malformed WebSocket frame: ${error.message}`, {
      cause: error,
    })
  }
  return new NitroError('ConnectionClosed', `the connection failed: ${error.message}`, {
    cause: error,
  })
}

/** The text of a close frame: the code and as much of the message as fits (RFC 6455 section 5.5). */
function closeReason(error: NitroError): string {
  let reason = `${error.code}: ${error.message}`
  while (utf8(reason).length > reasonMaxBytes) reason = reason.slice(0, -1)
  return reason
}

/** The reason in a close frame, as an error; undefined for an orderly end (RFC 6455 section 7.4.1). */
function closeError(code: number, reason: Uint8Array): NitroError | undefined {
  if (code === 1000 || code === 1005) return undefined
  const said = text(reason)
  if (code === ownCloseCode) {
    const name = said.split(':', 1)[0] ?? ''
    if (isErrorCode(name)) return new NitroError(name, said.slice(name.length + 2))
  }
  if (code === 1009) return tooLarge('the other side refused a frame above its limit')
  if (code === 1002 || code === 1003 || code === 1007) {
    return new NitroError('MalformedFrame', `the other side could not decode a frame (${code})`)
  }
  return new NitroError('ConnectionClosed', `the connection broke (${code}${said === '' ? '' : `: ${said}`})`)
}
