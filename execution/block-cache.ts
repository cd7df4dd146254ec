/**
 * The bytes of some blocks, within a bound. Which to give up is decided by the clock algorithm: the oldest, but one that was read
 * meanwhile is spared once.
 *
 * Blocks that are written pass through here fast and live just too long for a collector: each would be old memory when it goes. So
 * they are made in memory of the cache's own, which comes back to it with them and is used again.
 */
import { viewOf } from './record.ts'

/** The bytes of a block, with a view of them, made once. */
export interface Block {
  readonly bytes: Uint8Array
  readonly view: DataView
}

interface CachedBlock extends Block {
  /** What it counts. */
  readonly memoryBytes: number
  /** It was read since the cache last looked for one to give up. */
  isUsed: boolean
  /** The memory is the cache's own, and nobody else has it. */
  isOwn: boolean
}

/** Blocks of at least half of this size are made in pieces of it, if they fit. */
const pieceBytes = 132 * 1024
/** Pieces kept for use again. */
const spareMax = 64

/** Blocks by their ids. */
export class BlockCache {
  /** In the order in which they came, or were spared. */
  private readonly blocks = new Map<number, CachedBlock>()
  private readonly spare: Uint8Array[] = []
  private readonly bytesMax: number
  private bytes = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** A block that is in the cache. */
  get(id: number): Block | undefined {
    const block = this.blocks.get(id)
    if (block !== undefined) block.isUsed = true
    return block
  }

  /** Takes in a block that was read. What was got before stays what it is. */
  add(id: number, bytes: Uint8Array): Block {
    const block = cached(bytes, bytes.length, false)
    if (bytes.length > this.bytesMax) return block
    this.put(id, block)
    this.makeRoom()
    return block
  }

  /**
   * Memory for a block of this size, with anything in it: it may be that of a block which was given up, so what was got before must not
   * be looked at any more.
   */
  memory(sizeBytes: number): Uint8Array {
    if (!this.isPiece(sizeBytes)) return new Uint8Array(sizeBytes)
    return (this.spare.pop() ?? new Uint8Array(pieceBytes)).subarray(0, sizeBytes)
  }

  /** Takes in a block that was made in {@link memory} and is written. Nobody else may have it any more. */
  addWritten(id: number, bytes: Uint8Array): void {
    if (!this.isPiece(bytes.length)) {
      this.add(id, bytes)
      return
    }
    this.put(id, cached(bytes, pieceBytes, true))
    this.makeRoom()
  }

  /** The memory of a block is never used again for another. */
  keep(id: number): void {
    const block = this.blocks.get(id)
    if (block !== undefined) block.isOwn = false
  }

  /** Forgets a block. */
  delete(id: number): void {
    const block = this.blocks.get(id)
    if (block !== undefined) this.giveUp(id, block)
  }

  private isPiece(sizeBytes: number): boolean {
    return sizeBytes >= pieceBytes / 2 && sizeBytes <= pieceBytes && pieceBytes <= this.bytesMax
  }

  private put(id: number, block: CachedBlock): void {
    this.blocks.set(id, block)
    this.bytes += block.memoryBytes
  }

  private makeRoom(): void {
    for (const [id, block] of this.blocks) {
      if (this.bytes <= this.bytesMax) return
      if (block.isUsed) {
        block.isUsed = false
        this.blocks.delete(id)
        this.blocks.set(id, block)
      } else this.giveUp(id, block)
    }
  }

  private giveUp(id: number, block: CachedBlock): void {
    this.blocks.delete(id)
    this.bytes -= block.memoryBytes
    if (block.isOwn && this.spare.length < spareMax) this.spare.push(new Uint8Array(block.bytes.buffer))
  }
}

function cached(bytes: Uint8Array, memoryBytes: number, isOwn: boolean): CachedBlock {
  return { bytes, view: viewOf(bytes), memoryBytes, isUsed: true, isOwn }
}
