/**
 * The short way for frames that need no protocol: whole binary messages whose payload stands in what the socket read. They are
 * taken out before `ws` sees them, whose receiver is a stream and costs an eighth of all that a small frame costs there and back.
 * Everything else passes to `ws` as it came, so that it alone knows control frames, masks, fragments and errors.
 *
 * Both see whole frames only: what goes to `ws` ends where a frame ends before another is taken out, hence order is kept.
 */
import type { Socket } from 'node:net'

/** A final binary frame: RFC 6455 section 5.2. */
const plainHead = 0x82
const pingHead = 0x89
const pongHead = 0x8a
const controlMaxBytes = 125
const maskBit = 0x80
const keyBytes = 4

/** What a reader of plain frames needs to know. */
export interface PlainFramesOptions {
  /** Whether the other side masks. Frames of the wrong kind are for `ws` to refuse. */
  readonly masked: boolean
  /** Longer payloads are for `ws` to refuse. */
  readonly maxBytes: number
  /** A payload, a view of what was read. Called in order with what `ws` tells of the others. */
  readonly deliver: (payload: Uint8Array) => void
}

/**
 * Stands between a socket and the listener of its data that `ws` has put there. To be made before the socket has told anything.
 */
export class PlainFrames {
  private readonly socket: Socket
  private readonly options: PlainFramesOptions
  private readonly others: readonly ((chunk: Buffer) => void)[]
  /** The beginning of a header whose end has not come. */
  private held: Buffer | undefined
  /** Bytes that still belong to a frame that goes to `ws`. */
  private passing = 0
  /** From here on everything goes to `ws`: it may be within a message, or at its end. */
  private given = false

  constructor(socket: Socket, options: PlainFramesOptions) {
    this.socket = socket
    this.options = options
    this.others = socket.listeners('data') as ((chunk: Buffer) => void)[]
    socket.removeAllListeners('data')
    socket.on('data', this.read)
  }

  private readonly read = (data: Buffer): void => {
    if (this.given) return this.pass(data)
    let chunk = data
    if (this.held !== undefined) {
      chunk = Buffer.concat([this.held, data])
      this.held = undefined
    }
    const { length } = chunk
    let at = 0
    // From here on `ws` has to have it.
    let from = 0
    while (at < length && !this.given) {
      if (this.passing > 0) {
        const here = Math.min(this.passing, length - at)
        this.passing -= here
        at += here
        continue
      }
      const end = this.endOfHeader(chunk, at)
      if (end === 0) break
      const payload = this.plainLength(chunk, at, end)
      if (payload >= 0 && end + payload <= length) {
        if (at > from) this.pass(chunk.subarray(from, at))
        // Not the Buffer itself: its `slice` does not copy, which a receiver of a Uint8Array relies on.
        this.options.deliver(new Uint8Array(chunk.buffer, chunk.byteOffset + end, payload))
        at = from = end + payload
      } else this.give(chunk, at, end)
    }
    const upTo = this.given ? length : at
    if (upTo > from) this.pass(chunk.subarray(from, upTo))
    if (upTo < length) this.held = chunk.subarray(upTo)
  }

  /** Where the payload of the frame at `at` begins; 0 if its header is not all there. */
  private endOfHeader(chunk: Buffer, at: number): number {
    if (at + 2 > chunk.length) return 0
    const second = chunk[at + 1] as number
    const short = second & ~maskBit
    const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8
    const end = at + 2 + lengthBytes + ((second & maskBit) === 0 ? 0 : keyBytes)
    return end > chunk.length ? 0 : end
  }

  /** The bytes of the payload of a plain frame whose header stands here; -1 for any other. */
  private plainLength(chunk: Buffer, at: number, end: number): number {
    if (chunk[at] !== plainHead || !this.isOfTheirKind(chunk, at)) return -1
    if (this.options.masked) for (let key = end - keyBytes; key < end; key++) if (chunk[key] !== 0) return -1
    const payload = payloadLength(chunk, at)
    return payload <= this.options.maxBytes ? payload : -1
  }

  private isOfTheirKind(chunk: Buffer, at: number): boolean {
    return (((chunk[at + 1] as number) & maskBit) !== 0) === this.options.masked
  }

  /** The frame at `at` is for `ws`: alone if it is whole in itself and in order, else with all that comes. */
  private give(chunk: Buffer, at: number, end: number): void {
    const first = chunk[at] as number
    const payload = payloadLength(chunk, at)
    const isAlone =
      first === plainHead
        ? payload <= this.options.maxBytes
        : (first === pingHead || first === pongHead) && payload <= controlMaxBytes
    if (isAlone && this.isOfTheirKind(chunk, at)) this.passing = end - at + payload
    else this.given = true
  }

  private pass(chunk: Buffer): void {
    for (const other of this.others) other.call(this.socket, chunk)
  }
}

/** The bytes of the payload of the frame whose header stands at `at`. */
function payloadLength(chunk: Buffer, at: number): number {
  const short = (chunk[at + 1] as number) & ~maskBit
  if (short < 126) return short
  if (short === 126) return chunk.readUInt16BE(at + 2)
  return chunk.readUInt32BE(at + 2) * 0x1_0000_0000 + chunk.readUInt32BE(at + 6)
}
