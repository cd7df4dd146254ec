/** Strings in bytes: a length and UTF-8. Short ASCII, which keys nearly always are, goes without the platform's coder. */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { compareBytes, utf8 } from '../../base/index.ts'
import { notCanonical } from './errors.ts'

const loneSurrogate = /\p{Surrogate}/u
const beyondBasicPlane = /[\ud800-\udfff]/
const shortLength = 64

/** Throws `NotCanonical` for a string with half a surrogate pair: it has no UTF-8. Also for what is no string. */
export function checkText(text: string): void {
  if (typeof text !== 'string') throw notCanonical('a key or name is no string')
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0xd7ff) {
      if (loneSurrogate.test(text)) throw notCanonical('a string holds a lone surrogate')
      return
    }
  }
}

/** Appends a checked string: byte length, UTF-8. */
export function writeText(writer: ByteWriter, text: string): void {
  const length = text.length
  if (length < shortLength) {
    writer.reserve(length + 1)
    const { bytes, length: start } = writer
    let at = start + 1
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) {
        writer.string(text)
        return
      }
      bytes[at++] = code
    }
    bytes[start] = length
    writer.length = at
  } else writer.string(text)
}

/** Reads what {@link writeText} wrote. Throws `NotCanonical` or `MalformedFrame`. */
export function readText(reader: ByteReader): string {
  const { bytes, at } = reader
  const length = bytes[at] as number
  if (at < reader.end && length < shortLength && at + length < reader.end) {
    let text = ''
    let i = at + 1
    const end = i + length
    for (; i < end; i++) {
      const code = bytes[i] as number
      if (code > 0x7f) return reader.string()
      text += String.fromCharCode(code)
    }
    reader.at = end
    return text
  }
  return reader.string()
}

/** Sorts strings by the order of their UTF-8 bytes, in place. */
export function sortTexts(texts: string[]): string[] {
  if (texts.some((text) => beyondBasicPlane.test(text))) return texts.sort(compareTexts)
  return texts.sort()
}

/** The order of the UTF-8 bytes: negative, zero or positive. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  if (beyondBasicPlane.test(a) || beyondBasicPlane.test(b)) return compareBytes(utf8(a), utf8(b))
  return a < b ? -1 : 1
}
