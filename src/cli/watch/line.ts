/** An event as a line for people. */
import type { WatchEvent } from '../../api/index.ts'
import { displayBytes } from '../bytes-text.ts'

/** `12  put     config/mode  blue (was red)`, newline included. A table is not possible: there is no last row. */
export function eventLine(revision: number, { type, key, entry, previous }: WatchEvent): string {
  const value = entry === undefined ? '' : `  ${displayBytes(entry.value)}`
  const before = previous === undefined ? '' : `  (was ${displayBytes(previous.value)})`
  return `${revision}  ${type.padEnd(6)}  ${displayBytes(key)}${value}${before}\n`
}
