/**
 * How large an Automerge document is before it deflates its columns. It offers no such form itself, so the container is walked:
 * magic, checksum, type and length of the chunk; actors and heads; two tables of columns, each a specification with a deflate
 * bit and a length; then the columns (Automerge binary format, "document chunk").
 */
import { inflateRawSync } from 'node:zlib'

const deflateBit = 8
const headBytes = 32
const documentChunk = 0

/** The size with every column inflated. */
export function automergeRawSize(bytes: Uint8Array): number {
  const reader = new Uleb(bytes, 4 + 4)
  if (reader.byte() !== documentChunk) throw new Error('not a document chunk')
  reader.uint()
  for (let actors = reader.uint(); actors > 0; actors--) reader.skip(reader.uint())
  reader.skip(reader.uint() * headBytes)
  const columns = [...columnsOf(reader), ...columnsOf(reader)]
  let size = bytes.length
  for (const { deflated, length } of columns) {
    const column = reader.take(length)
    if (deflated) size += inflateRawSync(column).length - length
  }
  return size
}

function columnsOf(reader: Uleb): { readonly deflated: boolean; readonly length: number }[] {
  return Array.from({ length: reader.uint() }, () => ({
    deflated: (reader.uint() & deflateBit) !== 0,
    length: reader.uint(),
  }))
}

class Uleb {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new Error('the document ends early')
    return byte
  }

  uint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  skip(length: number): void {
    this.#at += length
  }

  take(length: number): Uint8Array {
    this.skip(length)
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}
