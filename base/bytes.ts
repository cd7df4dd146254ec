/**
 * Byte helpers without node: imports: UTF-8, latin1 key strings, comparison.
 *
 * Keys live in indexes as latin1 strings (one char per byte), so that `<` on strings is byte order.
 */

declare const TextEncoder: { new (): { encode(text: string): Uint8Array } }
declare const TextDecoder: {
  new (label: string, options: { fatal: boolean; ignoreBOM: boolean }): { decode(bytes: Uint8Array): string }
}

const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lossyDecoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** An empty byte string; shared, so it must not be resized or transferred. */
export const emptyBytes: Uint8Array = new Uint8Array(0)

/**
 * The same memory as a plain Uint8Array. Node's Buffer is a subclass whose `slice` shares memory and whose `toString` decodes:
 * a value that is one on some nodes only makes the same program answer differently.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** UTF-8 bytes of a string. Lone surrogates become U+FFFD, as the platform does. */
export function utf8(text: string): Uint8Array {
  const { length } = text
  if (length > shortMax) return encoder.encode(text)
  const out = new Uint8Array(length)
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) return encoder.encode(text)
    out[i] = code
  }
  return out
}

/** Up to here a loop over ASCII is faster than a call of the encoder, and the engine keeps the bytes in its own heap. */
const shortMax = 64

/** Text of UTF-8 bytes; invalid sequences become U+FFFD. */
export function text(bytes: Uint8Array): string {
  return lossyDecoder.decode(bytes)
}

/** Text of UTF-8 bytes; throws a TypeError when they are not well-formed. */
export function strictText(bytes: Uint8Array): string {
  return strictDecoder.decode(bytes)
}

/** A string with one char per byte of `bytes[start, end)`. */
export function latin1(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  if (end - start <= latin1ShortMax) return shortLatin1(bytes, start, Math.min(end, bytes.length))
  if (start === 0 && end === bytes.length && end <= 4096) {
    return String.fromCharCode.apply(null, bytes as unknown as number[])
  }
  let out = ''
  for (let at = start; at < end; at += 4096) {
    out += String.fromCharCode.apply(null, bytes.subarray(at, Math.min(at + 4096, end)) as unknown as number[])
  }
  return out
}

/** Up to here a few calls with the bytes as arguments cost less than a view of them: 40 instead of 190 ns for 8 bytes. */
const latin1ShortMax = 24

function shortLatin1(bytes: Uint8Array, start: number, end: number): string {
  let out = ''
  let at = start
  for (; at + 4 <= end; at += 4) {
    out += String.fromCharCode(
      bytes[at] as number,
      bytes[at + 1] as number,
      bytes[at + 2] as number,
      bytes[at + 3] as number,
    )
  }
  for (; at < end; at++) out += String.fromCharCode(bytes[at] as number)
  return out
}

/** Bytes of a latin1 string; the inverse of {@link latin1}. */
export function fromLatin1(key: string): Uint8Array {
  const out = new Uint8Array(key.length)
  for (let i = 0; i < key.length; i++) out[i] = key.charCodeAt(i)
  return out
}

/** Byte order: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const d = (a[i] as number) - (b[i] as number)
    if (d !== 0) return d
  }
  return a.length - b.length
}

/** Whether two byte strings are equal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0
}

/** One byte string holding all parts in order. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal text of bytes. */
export function hex(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i++) out += hexPairs[bytes[i] as number] as string
  return out
}

/** Bytes of hexadecimal text, or undefined when it is not such text. */
export function fromHex(digits: string): Uint8Array | undefined {
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) return undefined
  const out = new Uint8Array(digits.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return out
}

/**
 * The smallest key above every key with this prefix (latin1), or undefined when there is none
 * (the prefix is empty or all 0xff).
 */
export function prefixEnd(prefix: string): string | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const code = prefix.charCodeAt(i)
    if (code < 0xff) return prefix.slice(0, i) + String.fromCharCode(code + 1)
  }
  return undefined
}
