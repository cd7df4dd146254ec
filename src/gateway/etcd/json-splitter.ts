/** Cuts a stream of JSON objects, one after the other, into their texts. */
import { RpcError } from './rpc-error.ts'

const code = { quote: 0x22, backslash: 0x5c, open: 0x7b, close: 0x7d } as const

/** Takes bytes in and hands on every object that is whole. */
export class JsonSplitter {
  private readonly bytesMax: number
  private held: Buffer = Buffer.alloc(0)
  /** How far `held` was looked through. */
  private at = 0
  private depth = 0
  private inText = false

  /** One object may have at most so many bytes. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** What came after the last whole object, without white space. */
  get rest(): string {
    return this.held.toString('utf8').trim()
  }

  /** Throws RpcError for an object that is too long. */
  push(chunk: Buffer, take: (text: string) => void): void {
    this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk])
    for (; this.at < this.held.length; this.at++) {
      const byte = this.held[this.at]
      if (this.inText) {
        if (byte === code.backslash) this.at++
        else if (byte === code.quote) this.inText = false
      } else if (byte === code.quote) this.inText = true
      else if (byte === code.open) this.depth++
      else if (byte === code.close && --this.depth <= 0) {
        const end = this.at + 1
        const text = this.held.toString('utf8', 0, end)
        this.held = this.held.subarray(end)
        this.at = -1
        this.depth = 0
        take(text)
      }
    }
    if (this.held.length > this.bytesMax) {
      throw new RpcError('resourceExhausted', `a message of more than ${this.bytesMax} bytes`)
    }
  }
}
