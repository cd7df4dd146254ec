/**
 * Tables for the streams of an HTTP/2 session. `node:http2` keeps them in a `Map`, and those without a number in a `Set`, which each
 * call enters and leaves. V8 makes a new table of either whenever the old one is full of what has left, and an old table knows the
 * next one: as soon as one of them is in old memory, all later ones count as alive until everything is collected, and with them every
 * stream they held. Under load that was all calls, 40 MB a second (ADR 0022). These are used again in place.
 */
import type { ServerHttp2Session } from 'node:http2'

const firstSlots = 8

/** Streams by their numbers, which are odd: open addressing with linear probing. What of a `Map` a session uses. */
export class StreamTable<T> {
  size = 0
  /** 0 in a free slot. */
  private ids: number[] = emptyIds(firstSlots)
  private items: (T | undefined)[] = emptyItems<T>(firstSlots)

  get(id: number): T | undefined {
    return this.items[this.slotOf(id)]
  }

  set(id: number, item: T): this {
    if (2 * (this.size + 1) > this.ids.length) this.widen()
    const slot = this.slotOf(id)
    if (this.ids[slot] === 0) this.size++
    this.ids[slot] = id
    this.items[slot] = item
    return this
  }

  delete(id: number): boolean {
    const { ids, items } = this
    let free = this.slotOf(id)
    if (ids[free] === 0) return false
    this.size--
    // What stands behind moves up, unless it would come before the place where it is looked for first.
    const mask = ids.length - 1
    for (let at = (free + 1) & mask; ids[at] !== 0; at = (at + 1) & mask) {
      const home = ((ids[at] as number) >>> 1) & mask
      if (((at - home) & mask) < ((at - free) & mask)) continue
      ids[free] = ids[at] as number
      items[free] = items[at]
      free = at
    }
    ids[free] = 0
    items[free] = undefined
    return true
  }

  /** The table may change meanwhile. */
  forEach(visit: (item: T, id: number) => void): void {
    const { ids, items } = this
    const all = ids.map((id, slot) => ({ id, item: items[slot] as T })).filter(({ id }) => id !== 0)
    for (const { id, item } of all) visit(item, id)
  }

  /** Where the id is, or would be. */
  private slotOf(id: number): number {
    const { ids } = this
    const mask = ids.length - 1
    let slot = (id >>> 1) & mask
    while (ids[slot] !== 0 && ids[slot] !== id) slot = (slot + 1) & mask
    return slot
  }

  private widen(): void {
    const { ids, items } = this
    this.ids = emptyIds(2 * ids.length)
    this.items = emptyItems<T>(2 * ids.length)
    this.size = 0
    for (const [slot, id] of ids.entries()) if (id !== 0) this.set(id, items[slot] as T)
  }
}

/** Streams that have no number yet: of a server mostly none, and never more than it is opening. What of a `Set` a session uses. */
export class PendingStreams<T> {
  private readonly items: T[] = []

  get size(): number {
    return this.items.length
  }

  add(item: T): this {
    if (!this.items.includes(item)) this.items.push(item)
    return this
  }

  delete(item: T): boolean {
    const at = this.items.lastIndexOf(item)
    if (at >= 0) this.items.splice(at, 1)
    return at >= 0
  }

  /** The set may change meanwhile. */
  forEach(visit: (item: T) => void): void {
    for (const item of [...this.items]) visit(item)
  }
}

interface SessionState {
  streams: { readonly size: number }
  pendingStreams: { readonly size: number }
}

/** The releases of Node of which it is known that they use nothing else of these tables. */
const knownReleases = /^20\./

/**
 * Gives a session that has no streams yet tables of ours. False, and nothing changes, where Node is another than is known: it works
 * as well, but costs more.
 */
export function giveTables(session: ServerHttp2Session, release: string): boolean {
  const key = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'state')
  if (key === undefined || !knownReleases.test(release)) return false
  const state = (session as unknown as Record<symbol, SessionState | undefined>)[key]
  if (state?.streams?.size !== 0 || state.pendingStreams?.size !== 0) return false
  state.streams = new StreamTable()
  state.pendingStreams = new PendingStreams()
  return true
}

function emptyIds(slots: number): number[] {
  return Array.from({ length: slots }, () => 0)
}

function emptyItems<T>(slots: number): (T | undefined)[] {
  return Array.from<T | undefined>({ length: slots })
}
