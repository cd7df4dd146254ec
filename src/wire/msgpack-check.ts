/**
 * A walk over msgpack bytes from a stranger, before they are decoded: plain data only, of bounded depth, and no length that
 * the bytes themselves can't back. A decoder that trusts an array header allocates gigabytes for five bytes.
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import { ByteReader, NitroError } from '../../base/index.ts'

const depthMax = 16

/** Throws `MalformedFrame` unless `bytes` are exactly one plain value: nil, boolean, number, string, bytes, array or map. */
export function checkMsgpack(bytes: Uint8Array): void {
  const from = new Walker(bytes)
  from.value(0)
  from.finish()
}

class Walker extends ByteReader {
  value(depth: number): void {
    if (depth > depthMax) throw refused('nested too deeply')
    const head = this.u8()
    if (head <= 0x7f || head >= 0xe0) return
    if (head <= 0x8f) this.items(2 * (head & 15), depth)
    else if (head <= 0x9f) this.items(head & 15, depth)
    else if (head <= 0xbf) this.skip(head & 31)
    else this.typed(head, depth)
  }

  private typed(head: number, depth: number): void {
    switch (head) {
      case 0xc0: // nil
      case 0xc2: // false
      case 0xc3: // true
        return
      case 0xc4: // bytes, strings
      case 0xd9:
        return this.skip(this.u8())
      case 0xc5:
      case 0xda:
        return this.skip(this.big(2))
      case 0xc6:
      case 0xdb:
        return this.skip(this.big(4))
      case 0xcc: // integers
      case 0xd0:
        return this.skip(1)
      case 0xcd:
      case 0xd1:
        return this.skip(2)
      case 0xca: // floats
      case 0xce:
      case 0xd2:
        return this.skip(4)
      case 0xcb:
      case 0xcf:
      case 0xd3:
        return this.skip(8)
      case 0xdc: // arrays
        return this.items(this.big(2), depth)
      case 0xdd:
        return this.items(this.big(4), depth)
      case 0xde: // maps
        return this.items(2 * this.big(2), depth)
      case 0xdf:
        return this.items(2 * this.big(4), depth)
      default:
        throw refused(`type ${head} is not plain data`)
    }
  }

  private items(count: number, depth: number): void {
    if (count > this.remaining) throw refused(`${count} items in ${this.remaining} bytes`)
    for (let i = 0; i < count; i++) this.value(depth + 1)
  }

  private skip(length: number): void {
    if (length > this.remaining) throw refused(`${length} bytes in ${this.remaining}`)
    this.at += length
  }

  private big(length: number): number {
    let value = 0
    for (let i = 0; i < length; i++) value = value * 256 + this.u8()
    return value
  }
}

function refused(what: string): NitroError {
  return new NitroError('MalformedFrame', `envelope refused: ${what}`)
}
