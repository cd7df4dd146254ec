/**
 * Lazy flush of the key space: packs what changed into new blocks and takes room back from the oldest ones.
 *
 * When stored bytes pass twice the kept bytes, the oldest blocks are rewritten: what is kept of them moves into the new blocks
 * and the old ones are deleted in the same batch. How much is moved follows how much is written, so a seal stays bounded.
 *
 * Nothing may rise from the dead. Every record is written, so what replaced a record is in the same block or a later one, and
 * there as long as the record is. A record that is moved after it was replaced takes with it by what (blocks.ts).
 */
import { ByteWriter, assert } from '../base/index.ts'
import type { KvChange } from '../base/index.ts'
import type { Block } from './block-cache.ts'
import { BlockBuilder } from './blocks.ts'
import type { RecordId } from './records.ts'
import type { State } from './state.ts'

/** Room for the hashes of a usual block's records. */
const hashesBytes = 8 * 1024

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
  /** The records, and for each the block it is in now, where in it, and the block it moved out of, or 0 for a new one. */
  private readonly records: RecordId[] = []
  private readonly places: number[] = []
  private readonly blocks: { readonly id: number; readonly bytes: Uint8Array }[] = []
  /** The chunk of memory that records went to when they were sealed. */
  private readonly chunk: number
  private builder: BlockBuilder | undefined
  private readonly hashes = new ByteWriter(hashesBytes)
  private next: number

  /**
   * Takes everything that changed since the last seal; `garbageBytes` of old records are not worth a rewrite.
   * Throws `StateDamaged` when an old block can't be moved.
   */
  constructor(state: State, garbageBytes: number) {
    this.state = state
    this.next = state.blocks.next
    let written = 0
    const { overlay, records } = state
    state.history.seal((record) => {
      this.place(record, overlay.chunkOf(records.chunk(record)).bytes, 0, 0)
      written += records.length(record)
    })
    overlay.bytes = 0
    this.chunk = overlay.number
    this.oldestBlock = this.rewriteOldest(written, garbageBytes)
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
    const { records, overlay, history } = this.state
    const { freedRevision } = history
    const { places } = this
    for (let i = 0; i < this.records.length; i++) {
      const record = this.records[i] as RecordId
      const isKept = !records.isDropped(record)
      if (isKept) {
        if (places[3 * i + 2] !== 0) blocks.leave(record)
        records.setBlock(record, places[3 * i] as number, places[3 * i + 1] as number)
        blocks.hold(record)
      }
      records.unseal(record)
      if (isKept && records.mod(record) < freedRevision && records.isCurrent(record)) records.settle(record)
    }
    overlay.release(this.chunk)
  }

  private place(record: RecordId, bytes: Uint8Array, until: number, from: number): void {
    const { records } = this.state
    const length = records.length(record)
    if (this.builder !== undefined && !this.builder.takes(length)) this.closeBlock()
    this.builder ??= new BlockBuilder(this.next, this.hashes)
    const at = this.builder.add(records, record, bytes, until)
    records.seal(record)
    this.records.push(record)
    this.places.push(this.builder.id, at, from)
  }

  private closeBlock(): void {
    if (this.builder === undefined) return
    const bytes = this.state.blocks.memory(this.builder.sizeBytes)
    this.builder.finish(bytes)
    this.blocks.push({ id: this.builder.id, bytes })
    this.changes.push({ key: blockKey(this.builder.id), value: bytes })
    this.builder = undefined
    this.next++
  }

  private rewriteOldest(written: number, garbageBytes: number): number {
    const { blocks } = this.state
    let stored = blocks.storedBytes + written
    const enough = 2 * (blocks.liveBytes + written) + garbageBytes
    let budget = 2 * written + garbageBytes
    let oldest = blocks.oldest
    for (; stored > enough && budget > 0 && oldest < blocks.next; oldest++) {
      const { sizeBytes } = blocks.infoOf(oldest)
      stored += this.moveKept(oldest) - sizeBytes
      budget -= sizeBytes
    }
    return oldest
  }

  /** Moves what is kept of a block, deletes the block, and returns the bytes moved. */
  private moveKept(id: number): number {
    const { blocks, records } = this.state
    let moved = 0
    let block: Block | undefined
    const move = (record: RecordId): void => {
      // Read once, and only if something of it is kept.
      if (block === undefined) {
        block = blocks.read(id)
        blocks.pin(id, block)
      }
      this.state.verify(record, block.view, records.offset(record))
      this.place(record, block.bytes, records.until(record), id)
      moved += records.length(record)
    }
    for (const { record } of blocks.infoOf(id).entries) {
      if (records.block(record) === id && records.isCurrent(record)) move(record)
    }
    for (const record of blocks.historyOf(id)) move(record)
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
