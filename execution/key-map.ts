/**
 * A map of key entries that never stops to grow. One `Map` doubles by moving all it has, which is half a second with a million
 * keys; of many small ones each moves its own share, at another moment.
 */
import type { KeyEntry } from './key-index.ts'

const partBits = 5
/** Chars at the end of a key that choose its part. Keys that are alike in so many share one, which is as one map would be. */
const charsUsed = 16

/** Entries by their keys. */
export class KeyMap {
  /** Entries in it. */
  size = 0
  /** Made when they are needed. */
  private readonly parts: (Map<string, KeyEntry> | undefined)[] = Array.from({ length: 1 << partBits })

  get(key: string): KeyEntry | undefined {
    return this.parts[partOf(key)]?.get(key)
  }

  /** Adds an entry whose key is not there yet. */
  set(entry: KeyEntry): void {
    const { key } = entry
    const at = partOf(key)
    const part = (this.parts[at] ??= new Map<string, KeyEntry>())
    part.set(key, entry)
    this.size++
  }

  /** Removes the entry of a key; false when there is none. */
  delete(key: string): boolean {
    const known = this.parts[partOf(key)]?.delete(key) === true
    if (known) this.size--
    return known
  }
}

/** Spreads keys over the parts. */
function partOf(key: string): number {
  const { length } = key
  let hash = 0
  for (let at = length > charsUsed ? length - charsUsed : 0; at < length; at++) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  }
  return Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) >>> (32 - partBits)
}
