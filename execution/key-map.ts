/**
 * A map of key entries that never stops to grow. One `Map` doubles by moving all it has, which is half a second with a million
 * keys; of many small ones each moves its own share, at another moment.
 */
import { latin1 } from '../base/index.ts'
import type { KeyEntry } from './key-index.ts'

const partBits = 5
/** The shortcut has four slots and more for each entry, within these bounds: a small store stays small. */
const recentBitsMin = 6
const recentBitsMax = 16
/** Chars at the end of a key that choose its part. Keys that are alike in so many share one, which is as one map would be. */
const charsUsed = 16

/** Entries by their keys. */
export class KeyMap {
  /** Entries in it. */
  size = 0
  /** Made when they are needed. */
  private readonly parts: (Map<string, KeyEntry> | undefined)[] = Array.from({ length: 1 << partBits })
  /**
   * Entries that were looked for lately, at the first bits of the hash of their keys or at the place beside; only a shortcut to the maps.
   */
  private recent: (KeyEntry | undefined)[] = []
  private recentBits = 0

  get(key: string): KeyEntry | undefined {
    return this.parts[hashOf(key) >>> (32 - partBits)]?.get(key)
  }

  /** The entry whose key stands in `bytes[start, end)`; the text of one that was looked for lately is not made. */
  find(bytes: Uint8Array, start: number, end: number): KeyEntry | undefined {
    if (this.size === 0) return undefined
    if (this.recent.length < 4 * this.size && this.recentBits < recentBitsMax) this.widen()
    const hash = hashOfBytes(bytes, start, end)
    const slot = hash >>> (32 - this.recentBits)
    const known = this.recent[slot]
    if (known !== undefined && isKey(known.key, bytes, start, end)) return known
    const beside = this.recent[slot ^ 1]
    if (beside !== undefined && isKey(beside.key, bytes, start, end)) return beside
    const found = this.parts[hash >>> (32 - partBits)]?.get(latin1(bytes, start, end))
    if (found === undefined) return undefined
    // The one before goes beside it: two that are used in turn do not drive each other out.
    if (known !== undefined) this.recent[slot ^ 1] = known
    this.recent[slot] = found
    return found
  }

  /** Adds an entry whose key is not there yet. */
  set(entry: KeyEntry): void {
    const { key } = entry
    const at = hashOf(key) >>> (32 - partBits)
    const part = (this.parts[at] ??= new Map<string, KeyEntry>())
    part.set(key, entry)
    this.size++
  }

  /** Removes the entry of a key; false when there is none. */
  delete(key: string): boolean {
    const hash = hashOf(key)
    const known = this.parts[hash >>> (32 - partBits)]?.delete(key) === true
    if (known) this.size--
    if (this.recentBits === 0) return known
    const slot = hash >>> (32 - this.recentBits)
    for (const at of [slot, slot ^ 1]) if (this.recent[at]?.key === key) this.recent[at] = undefined
    return known
  }

  /** Begins the shortcut anew, large enough for the entries there are. */
  private widen(): void {
    const wanted = 36 - Math.clz32(this.size)
    this.recentBits = Math.min(Math.max(wanted, recentBitsMin), recentBitsMax)
    this.recent = Array.from({ length: 1 << this.recentBits })
  }
}

/** Spreads keys over the parts by its first bits. */
function hashOf(key: string): number {
  const { length } = key
  let hash = 0
  for (let at = length > charsUsed ? length - charsUsed : 0; at < length; at++) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  }
  return spread(hash)
}

/** As {@link hashOf}, of a key that stands in bytes. */
function hashOfBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0
  for (let at = end - start > charsUsed ? end - charsUsed : start; at < end; at++) {
    hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0
  }
  return spread(hash)
}

function spread(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x9e3779b1)
}

function isKey(key: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false
  for (let at = 0; at < key.length; at++) if (key.charCodeAt(at) !== bytes[start + at]) return false
  return true
}
