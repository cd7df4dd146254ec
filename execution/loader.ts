/**
 * Restoring: takes every stored record in, verifies each, and at the end the whole against the metadata.
 *
 * Records may be found in several versions; the one with the highest mod revision is current, and a tombstone hides all
 * below it. Everything a node must have is counted, so that a record that is missing is noticed as surely as a wrong one.
 */
import { addHash, latin1 } from '../base/index.ts'
import type { Hash128 } from '../base/index.ts'
import { readBlock } from './blocks.ts'
import { blockIdOf } from './flush.ts'
import { KeyEntry } from './key-index.ts'
import { decodeMetadata, emptyMetadata, metadataKey } from './metadata.ts'
import type { Metadata } from './metadata.ts'
import { damaged, recordHeaderBytes } from './record.ts'
import type { RecordHeader } from './record.ts'
import type { Sessions } from './sessions.ts'
import type { State } from './state.ts'

/** Fills an empty state and empty sessions from stored records. */
export class Loader {
  private readonly state: State
  private readonly sessions: Sessions
  private readonly keys = new Map<string, KeyEntry>()
  private metadata: Metadata | undefined
  private records = 0
  private firstBlock = 0
  private lastBlock = 0

  constructor(state: State, sessions: Sessions) {
    this.state = state
    this.sessions = sessions
  }

  /** Takes one record, in key order. Throws `StateDamaged` or `UnsupportedFormat`. */
  load(key: Uint8Array, value: Uint8Array): void {
    this.records++
    const block = blockIdOf(key)
    if (block !== undefined) this.loadBlock(block, value)
    else if (key[0] === metadataKey[0] && key.length === metadataKey.length) this.loadMetadata(value)
    else if (key[0] === 0x73) this.sessions.load(key, value)
    else throw damaged('a record under an unknown key')
  }

  /** Verifies the whole and returns the metadata. Throws `StateDamaged`. */
  finish(): Metadata {
    if (this.records === 0) return emptyMetadata
    const { metadata, state, sessions } = this
    if (metadata === undefined) throw damaged('the metadata is missing')
    if (
      metadata.nextBlock - metadata.oldestBlock !==
      (this.firstBlock === 0 ? 0 : this.lastBlock - this.firstBlock + 1)
    ) {
      throw damaged('blocks are missing')
    }
    if (this.firstBlock !== 0 && this.firstBlock !== metadata.oldestBlock) throw damaged('blocks are missing')
    state.blocks.oldest = metadata.oldestBlock
    state.blocks.next = metadata.nextBlock
    this.fillIndex(metadata)
    if (sessions.count !== metadata.sessionCount)
      throw damaged(`${sessions.count} of ${metadata.sessionCount} sessions`)
    if (!sameHash(sessions.hash(), metadata.sessionSum)) throw damaged('sessions have a wrong hash')
    sessions.finishLoad(metadata.sessionUses)
    state.revision = metadata.revision
    state.chain.set(metadata.chain)
    return metadata
  }

  private loadMetadata(value: Uint8Array): void {
    if (this.metadata !== undefined) throw damaged('metadata is stored twice')
    this.metadata = decodeMetadata(value)
  }

  private loadBlock(id: number, block: Uint8Array): void {
    if (this.firstBlock === 0) this.firstBlock = id
    else if (id !== this.lastBlock + 1) throw damaged(`block ${id} after block ${this.lastBlock}`)
    this.lastBlock = id
    this.state.blocks.loaded(id, block.length)
    readBlock(id, block, (at, header, lanes, lane) => {
      const keyAt = at + recordHeaderBytes
      this.loadRecord(latin1(block, keyAt, keyAt + header.keyLength), id, at, header, lanes, lane)
    })
  }

  private loadRecord(
    key: string,
    block: number,
    offset: number,
    header: RecordHeader,
    lanes: Uint32Array,
    lane: number,
  ): void {
    let entry = this.keys.get(key)
    if (entry === undefined) {
      entry = new KeyEntry(key)
      this.keys.set(key, entry)
    } else {
      if (entry.mod === header.mod) throw damaged('a change is stored twice')
      if (entry.mod > header.mod) return
    }
    entry.create = header.create
    entry.mod = header.mod
    entry.version = header.version
    entry.lease = header.lease
    entry.tombstone = header.tombstone
    entry.block = block
    entry.offset = offset
    entry.length = header.length
    entry.h0 = (lanes[lane] as number) | 0
    entry.h1 = (lanes[lane + 1] as number) | 0
    entry.h2 = (lanes[lane + 2] as number) | 0
    entry.h3 = (lanes[lane + 3] as number) | 0
  }

  private fillIndex(metadata: Metadata): void {
    const { state } = this
    const entries: KeyEntry[] = []
    const lanes = new Int32Array(4)
    const hash = new Uint32Array(lanes.buffer)
    for (const entry of this.keys.values()) {
      if (entry.mod > metadata.revision) throw damaged('a change is newer than the metadata')
      if (entry.tombstone) continue
      lanes[0] = entry.h0
      lanes[1] = entry.h1
      lanes[2] = entry.h2
      lanes[3] = entry.h3
      addHash(state.sum, hash)
      state.blocks.hold(entry)
      entries.push(entry)
    }
    this.keys.clear()
    state.index.fill(entries)
    if (entries.length !== metadata.keyCount) throw damaged(`${entries.length} of ${metadata.keyCount} keys`)
    if (!sameHash(state.sum, metadata.recordSum)) throw damaged('records have a wrong hash')
  }
}

function sameHash(a: Hash128, b: Hash128): boolean {
  return a.every((lane, i) => lane === b[i])
}
