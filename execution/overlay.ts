/**
 * The overlay: the records of all changes since the last seal, in the memory they were encoded into.
 *
 * A record is written once into a chunk, hashed there, read there until it is durable, and copied into its block by the
 * seal. A chunk is freed when no record points into it any more.
 */
import { newChunk } from './record.ts'
import type { Chunk } from './record.ts'

/** A chunk is twice as large as the one before it, within these bounds: a small store stays small. */
const chunkBytesMin = 4 * 1024
const chunkBytesMax = 256 * 1024

/** Memory for records. */
export class Overlay {
  /** Where the next record goes; ask {@link reserve} first. */
  chunk: Chunk = newChunk(0)
  /** The next free byte of the chunk. */
  at = 0
  /** Record bytes written since the last seal, which sets it to 0. */
  bytes = 0
  /** Makes room for a record of `length` bytes and returns where it goes in {@link chunk}. */
  reserve(length: number): number {
    if (this.at + length > this.chunk.bytes.length) {
      const size = Math.min(Math.max(2 * this.chunk.bytes.length, chunkBytesMin), chunkBytesMax)
      this.chunk = newChunk(Math.max(size, length))
      this.at = 0
    }
    const at = this.at
    this.at = at + length
    this.bytes += length
    return at
  }
}
