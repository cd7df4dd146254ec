/**
 * Lazy flush of the key space: packs what changed into new blocks and takes room back from the oldest ones.
 *
 * When stored bytes pass twice the live bytes, the oldest blocks are rewritten: their live records move into the new blocks
 * and the old ones are deleted in the same batch. How much is moved follows how much is written, so a seal stays bounded.
 */
import { assert } from '../base/index.ts'
import type { KvChange } from '../base/index.ts'
import { BlockBuilder } from './blocks.ts'
import type { KeyEntry } from './key-index.ts'
import type { State } from './state.ts'

/** Where a seal put a record; it holds as long as the key has not changed again. */
interface Placed {
  readonly entry: KeyEntry
  readonly mod: number
  readonly block: number
  readonly offset: number
  /** The block it moved out of, or 0 for a new record. */
  readonly from: number
}

/** The key of a block's stored record. */
export function blockKey(id: number): Uint8Array {
  const key = new Uint8Array(9)
  key[0] = 0x62
  new DataView(key.buffer).setBigUint64(1, BigInt(id))
  return key
}

/** One seal of the key space, on its way to disk. */
export class StateFlush {
  /** The block changes of the batch. */
  readonly changes: KvChange[] = []
  /** The oldest block after the batch. */
  readonly oldestBlock: number
  /** The next block id after the batch. */
  readonly nextBlock: number
  private readonly state: State
  private readonly placed: Placed[] = []
  private readonly blocks: { readonly id: number; readonly bytes: Uint8Array }[] = []
  private builder: BlockBuilder | undefined
  private next: number

  /**
   * Takes everything that changed since the last seal; `garbageBytes` of old records are not worth a rewrite.
   * Throws `StateDamaged` when an old block can't be moved.
   */
  constructor(state: State, garbageBytes: number) {
    this.state = state
    this.next = state.blocks.next
    let written = 0
    let live = 0
    for (const entry of state.overlay.take()) {
      this.place(entry, entry.bytes as Uint8Array, entry.offset, 0)
      written += entry.length
      if (!entry.tombstone) live += entry.length
    }
    this.oldestBlock = this.rewriteOldest(written, live, garbageBytes)
    this.closeBlock()
    this.nextBlock = this.next
  }

  /** The batch is durable: records are read from their blocks from now on. */
  finish(): void {
    const { blocks } = this.state
    assert(blocks.next + this.blocks.length === this.nextBlock, 'flushes finish in order')
    while (blocks.oldest < this.oldestBlock) blocks.removedOldest()
    for (const { id, bytes } of this.blocks) blocks.added(id, bytes)
    blocks.next = this.nextBlock
    for (const { entry, mod, block, offset, from } of this.placed) {
      if (entry.mod !== mod) continue
      if (!entry.tombstone) {
        if (from !== 0) blocks.release(entry)
        entry.block = block
        entry.offset = offset
        blocks.hold(entry)
      }
      entry.bytes = undefined
    }
  }

  private place(entry: KeyEntry, bytes: Uint8Array, offset: number, from: number): void {
    if (this.builder !== undefined && !this.builder.takes(entry.length)) this.closeBlock()
    this.builder ??= new BlockBuilder(this.next)
    const at = this.builder.add(bytes, offset, entry.length, entry.h0, entry.h1, entry.h2, entry.h3)
    this.placed.push({ entry, mod: entry.mod, block: this.builder.id, offset: at, from })
  }

  private closeBlock(): void {
    if (this.builder === undefined) return
    const bytes = this.builder.finish()
    this.blocks.push({ id: this.builder.id, bytes })
    this.changes.push({ key: blockKey(this.builder.id), value: bytes })
    this.builder = undefined
    this.next++
  }

  private rewriteOldest(written: number, liveWritten: number, garbageBytes: number): number {
    const { blocks } = this.state
    let stored = blocks.storedBytes + written
    const enough = 2 * (blocks.liveBytes + liveWritten) + garbageBytes
    let budget = 2 * written + garbageBytes
    let oldest = blocks.oldest
    for (; stored > enough && budget > 0 && oldest < blocks.next; oldest++) {
      const { sizeBytes } = blocks.infoOf(oldest)
      stored += this.moveLive(oldest) - sizeBytes
      budget -= sizeBytes
    }
    return oldest
  }

  /** Moves what is live in a block, deletes the block, and returns the bytes moved. */
  private moveLive(id: number): number {
    const { blocks } = this.state
    let moved = 0
    for (const entry of blocks.infoOf(id).entries) {
      if (entry.block !== id) continue
      this.state.readRecord(entry)
      const { foundBytes, foundAt } = this.state
      if (moved === 0) blocks.pin(id, foundBytes)
      this.place(entry, foundBytes, foundAt, id)
      moved += entry.length
    }
    this.changes.push({ key: blockKey(id), value: undefined })
    return moved
  }
}

/** The id in a block's key, or undefined for another key. */
export function blockIdOf(key: Uint8Array): number | undefined {
  if (key.length !== 9 || key[0] !== 0x62) return undefined
  const id = new DataView(key.buffer, key.byteOffset, key.length).getBigUint64(1)
  return id <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(id) : undefined
}
