/**
 * A map of key entries that never stops to grow. One `Map` doubles by moving all it has, which is half a second with a million
 * keys; of many small ones each moves its own share, at another moment.
 */
import type { KeyEntry } from './key-index.ts'

const parts = 256
/** Chars at the end of a key that choose its part: that is where keys differ most. */
const charsUsed = 6

/** Entries by their keys. */
export class KeyMap {
  /** Entries in it. */
  size = 0
  /** Made when they are needed. */
  private readonly parts: (Map<string, KeyEntry> | undefined)[] = Array.from({ length: parts })

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
  let hash = length
  for (let at = Math.max(0, length - charsUsed); at < length; at++) hash = Math.imul(hash, 33) ^ key.charCodeAt(at)
  return (hash ^ (hash >>> 8)) & (parts - 1)
}
