/**
 * The overlay: the records of all changes since the last seal, in the memory they were encoded into.
 *
 * A record is written once into a chunk, hashed there, read there until it is durable, and copied into its block by the
 * seal. Chunks have numbers, by which records name them; one is used again when all of its records are durable.
 */
import { assert } from '../base/index.ts'
import { newChunk } from './record.ts'
import type { Chunk } from './record.ts'

/** A chunk is twice as large as the one before it, within these bounds: a small store stays small. */
const chunkBytesMin = 4 * 1024
const chunkBytesMax = 256 * 1024
/** Chunks kept for use again. */
const spareMax = 32

/** Memory for records. */
export class Overlay {
  /** Where the next record goes; ask {@link reserve} first. */
  chunk: Chunk = newChunk(0)
  /** The number of that chunk; 0 until there is one. */
  number = 0
  /** The next free byte of the chunk. */
  at = 0
  /** Record bytes written since the last seal, which sets it to 0. */
  bytes = 0
  /** Those that are kept, the newest one last. */
  private readonly chunks: Chunk[] = []
  /** Of the greatest usual size, for use again. */
  private readonly spare: Chunk[] = []

  /** Makes room for a record of `length` bytes and returns where it goes in {@link chunk}. */
  reserve(length: number): number {
    if (this.at + length > this.chunk.bytes.length) {
      const size = Math.min(Math.max(2 * this.chunk.bytes.length, chunkBytesMin), chunkBytesMax)
      const spare = size === chunkBytesMax && length <= size ? this.spare.pop() : undefined
      this.chunk = spare ?? newChunk(Math.max(size, length))
      this.chunks.push(this.chunk)
      this.number++
      this.at = 0
    }
    const at = this.at
    this.at = at + length
    this.bytes += length
    return at
  }

  /** The chunk of a number that a record has. */
  chunkOf(number: number): Chunk {
    const chunk = this.chunks[this.chunks.length - 1 - (this.number - number)]
    assert(chunk !== undefined, 'a chunk is kept while a record names it')
    return chunk
  }

  /** Takes back all chunks before this one: no record names them any more. */
  release(number: number): void {
    const kept = this.number - number + 1
    if (this.chunks.length <= kept) return
    for (const chunk of this.chunks.splice(0, this.chunks.length - kept)) {
      if (chunk.bytes.length === chunkBytesMax && this.spare.length < spareMax) this.spare.push(chunk)
    }
  }
}
