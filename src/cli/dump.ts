/**
 * The format of `export` and `import`: one JSON object a line, `{"key": ..., "value": ...}`. Bytes that are no text
 * stand as base64 under `key64` and `value64`. Made to be read by people, jq and other programs; a snapshot is the
 * backup, because only that keeps revisions.
 */
import { NitroError } from '../../base/index.ts'
import { bytesMember } from './bytes-text.ts'

/** One line, newline included. */
export function dumpLine(key: Uint8Array, value: Uint8Array): string {
  return `${JSON.stringify({ ...bytesMember('key', key), ...bytesMember('value', value) })}\n`
}

/** A parsed line. */
export interface DumpRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Reads one line; other members than key and value are passed over. Throws `InvalidArgument` naming the line. */
export function parseDumpLine(line: string, lineNumber: number): DumpRecord {
  let record: unknown
  try {
    record = JSON.parse(line)
  } catch (error) {
    throw new NitroError('InvalidArgument', `line ${lineNumber} is not JSON`, { cause: error })
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw new NitroError('InvalidArgument', `line ${lineNumber} is not a JSON object`)
  }
  const members = record as Readonly<Record<string, unknown>>
  return { key: bytesOf(members, 'key', lineNumber), value: bytesOf(members, 'value', lineNumber) }
}

function bytesOf(members: Readonly<Record<string, unknown>>, name: string, lineNumber: number): Uint8Array {
  const text = members[name]
  const encoded = members[`${name}64`]
  const one = text === undefined ? encoded : text
  if (typeof one !== 'string' || (text !== undefined && encoded !== undefined)) {
    throw new NitroError('InvalidArgument', `line ${lineNumber} needs either "${name}" or "${name}64", a text`)
  }
  if (text !== undefined) return Buffer.from(one, 'utf8')
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(one)) {
    throw new NitroError('InvalidArgument', `line ${lineNumber}: "${name}64" is not base64`)
  }
  return Buffer.from(one, 'base64')
}
