/** Keys and values on the screen and in JSON: text where they are text, never a byte that steers a terminal. */
import { hex, strictText } from '../../base/index.ts'

/** The text of well-formed UTF-8, or undefined. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return strictText(bytes)
  } catch {
    return undefined
  }
}

/** C0, DEL, C1, line separators and bidirectional overrides: they move the cursor or reorder what is seen. */
const steering = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text with steering characters written as escapes. */
export function escapeText(text: string): string {
  return text.replace(steering, (char) => named[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Bytes for a table: escaped text, or `0x` and hexadecimal digits when they are no text. */
export function displayBytes(bytes: Uint8Array): string {
  const text = textOf(bytes)
  return text === undefined ? `0x${hex(bytes)}` : escapeText(text)
}

/**
 * A JSON member for bytes: `{"key": "text"}`, or `{"key64": "base64"}` when they are no text. The name says which, so
 * that reading back is never a guess.
 */
export function bytesMember(name: string, bytes: Uint8Array): Record<string, string> {
  const text = textOf(bytes)
  return text === undefined ? { [`${name}64`]: Buffer.from(bytes).toString('base64') } : { [name]: text }
}
