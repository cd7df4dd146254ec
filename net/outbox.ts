/**
 * The sending half of a WebSocket link: writes binary frames (RFC 6455 section 5.2) into few large chunks, so that
 * all frames of a turn leave in one socket write.
 *
 * Small pieces are copied into an arena that all links of a transport share: one chunk then holds hundreds of
 * frames, and an idle link holds no buffer. Large pieces go by reference, without a copy, unless their owner wants them back.
 * Memory that the kernel has copied is used again, if nothing was written behind it.
 *
 * A client's frames carry the mask key zero, which leaves the payload as it is. Section 5.3 asks for random keys to
 * protect proxies from web pages that choose the bytes on the wire; both ends here are programs of ours, requests
 * of browsers are refused, and masking a megabyte in JavaScript twice costs more than all the rest of sending it.
 */

/** Pieces up to this size are copied. Measured over loopback: 512 and 4,096 both cost more CPU per frame. */
const copyMaxBytes = 1024
const blockBytes = 64 * 1024
/** Opcode, length in its longest form, mask key. */
const headerMaxBytes = 14

/** Memory shared by the links of one transport. What an outbox has handed out is not written again before it was sent. */
export class Arena {
  block: Buffer = Buffer.allocUnsafeSlow(blockBytes)
  at = 0

  /** Makes `block` hold `bytes` more, at most a block, from `at` on. */
  reserve(bytes: number): void {
    if (this.at + bytes <= blockBytes) return
    this.block = Buffer.allocUnsafeSlow(blockBytes)
    this.at = 0
  }
}

/** Frames waiting for the end of the turn. */
export class Outbox {
  /** Bytes in `chunks` and the open segment. */
  bytes = 0
  private readonly arena: Arena
  private readonly masked: boolean
  private chunks: Uint8Array[] = []
  /** The open segment: `[start, end)` of `block`. It grows while no other link writes to the arena in between. */
  private block: Buffer
  private start = 0
  private end = 0
  /** From here to `end` nobody else has written to `block`. */
  private first = 0

  constructor(arena: Arena, masked: boolean) {
    this.arena = arena
    this.masked = masked
    this.block = arena.block
  }

  /** Adds one frame of `length` bytes in `parts`; with `copy` none of them is kept. */
  append(parts: readonly Uint8Array[], length: number, copy: boolean): void {
    this.header(length)
    const copyMax = copy ? blockBytes : copyMaxBytes
    for (const part of parts) {
      if (part.length === 0) continue
      if (part.length > copyMax) {
        this.closeSegment()
        this.chunks.push(copy ? new Uint8Array(part) : part)
      } else {
        this.open(part.length)
        this.block.set(part, this.end)
        this.commit(part.length)
      }
      this.bytes += part.length
    }
  }

  /** Hands out what was added, in order. */
  take(): Uint8Array[] {
    this.closeSegment()
    const chunks = this.chunks
    this.chunks = []
    this.bytes = 0
    return chunks
  }

  /** Everything that was handed out has been sent. */
  written(): void {
    const { arena, first } = this
    if (this.bytes > 0 || this.block !== arena.block || this.end !== arena.at) return
    this.start = this.end = arena.at = first
  }

  private header(length: number): void {
    this.open(headerMaxBytes)
    const block = this.block
    let at = this.end
    const mask = this.masked ? 0x80 : 0
    block[at++] = 0x82 // final fragment, binary
    if (length < 126) {
      block[at++] = mask | length
    } else if (length < 0x1_0000) {
      block[at++] = mask | 126
      at = block.writeUInt16BE(length, at)
    } else {
      block[at++] = mask | 127
      at = block.writeUInt32BE(Math.floor(length / 0x1_0000_0000), at)
      at = block.writeUInt32BE(length % 0x1_0000_0000, at)
    }
    if (this.masked) at = block.writeUInt32BE(0, at)
    const size = at - this.end
    this.commit(size)
    this.bytes += size
  }

  /** Makes the open segment end where the arena has `bytes` of room. */
  private open(bytes: number): void {
    const arena = this.arena
    arena.reserve(bytes)
    if (this.block === arena.block && this.end === arena.at) return
    this.closeSegment()
    this.block = arena.block
    this.first = this.start = this.end = arena.at
  }

  private commit(bytes: number): void {
    this.end += bytes
    this.arena.at = this.end
  }

  private closeSegment(): void {
    if (this.end > this.start) this.chunks.push(this.block.subarray(this.start, this.end))
    this.start = this.end
  }
}
