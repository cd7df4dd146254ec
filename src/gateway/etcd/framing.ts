/** Messages on a stream, as gRPC puts them there: a byte that says whether they are compressed, four of length, the message. */
import { RpcError } from './rpc-error.ts'

const headBytes = 5
/** The longest message that is taken: a request of etcd's default limit and room for what surrounds it. */
export const messageBytesMax = (1.5 + 0.5) * 1024 * 1024

/** A message with its head. */
export function frameOf(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + message.length)
  frame[0] = 0
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, headBytes)
  return frame
}

/** Cuts what arrives into messages. Never holds more than one message that is too short yet. */
export class Deframer {
  private chunks: Buffer[] = []
  private sizeBytes = 0
  private readonly bytesMax: number

  /** Messages have at most so many bytes. */
  constructor(bytesMax: number = messageBytesMax) {
    this.bytesMax = bytesMax
  }

  /** Bytes of a message that has only begun. */
  get heldBytes(): number {
    return this.sizeBytes
  }

  /** Takes bytes in and hands on every message that is whole; they are views. Throws RpcError. */
  push(chunk: Buffer, take: (message: Buffer) => void): void {
    let bytes = chunk
    if (this.sizeBytes > 0) {
      this.chunks.push(chunk)
      this.sizeBytes += chunk.length
      if (this.sizeBytes < headBytes || this.sizeBytes < headBytes + this.neededBytes()) return
      bytes = Buffer.concat(this.chunks)
    }
    let at = 0
    while (bytes.length - at >= headBytes) {
      const length = lengthOf(bytes, at, this.bytesMax)
      if (bytes.length - at - headBytes < length) break
      at += headBytes
      take(bytes.subarray(at, at + length))
      at += length
    }
    this.chunks = at < bytes.length ? [bytes.subarray(at)] : []
    this.sizeBytes = bytes.length - at
  }

  private neededBytes(): number {
    const [first] = this.chunks as [Buffer]
    if (first.length < headBytes) this.chunks = [Buffer.concat(this.chunks)]
    return lengthOf(this.chunks[0] as Buffer, 0, this.bytesMax)
  }
}

function lengthOf(bytes: Buffer, at: number, bytesMax: number): number {
  if (bytes[at] === 1) {
    throw new RpcError('unimplemented', 'grpc: Decompressor is not installed for grpc-encoding of the message')
  }
  if (bytes[at] !== 0) throw new RpcError('internal', `grpc: received unexpected payload format ${bytes[at]}`)
  const length = bytes.readUInt32BE(at + 1)
  if (length > bytesMax) {
    throw new RpcError('resourceExhausted', `grpc: received message larger than max (${length} vs. ${bytesMax})`)
  }
  return length
}
